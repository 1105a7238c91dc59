"""What encoders read: one file per kind of input, found by its name; batches are as stages/contracts/network_encoder.py has them.

A kind is fitted on training rows (means, deviations, the vocabulary), as arrays and JSON that are saved with the network.
"""
