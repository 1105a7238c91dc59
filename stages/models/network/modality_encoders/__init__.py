"""Parts of a network that read one modality's structured form, one file each; the interface is stages/contracts/network_encoder.py."""
