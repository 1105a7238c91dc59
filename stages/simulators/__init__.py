"""Simulated and synthetic data: presses by MuJoCo, speech by espeak-ng."""
