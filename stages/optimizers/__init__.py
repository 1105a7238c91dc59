"""Rules by which parameters follow the gradient of a loss, one file each; the interface is stages/contracts/optimizer.py."""
