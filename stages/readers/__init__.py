"""Readers of the files inside packages: in memory, bounded, nothing executed."""
