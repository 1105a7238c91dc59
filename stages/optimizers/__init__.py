"""Rules by which parameters follow the gradient of a loss, one file each, learning rates, and what rules share; the interface is
stages/contracts/optimizer.py.
"""
