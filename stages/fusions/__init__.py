"""Ways of fusing modalities, one file each; the interface is stages/contracts/fusion.py."""
