"""One sample's file, or cell, as what its modality reads."""
