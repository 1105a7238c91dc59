"""Decoders: one sample's file, or cell, to the value that its modality reads."""
