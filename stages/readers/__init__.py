"""Readers of files inside packages: in memory, bounded, nothing executed."""
