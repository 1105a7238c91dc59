"""Simulated and synthetic data: contact trials by MuJoCo, speech by espeak-ng."""
