"""What modalities are made of: decoders, spectra, descriptors, graph statistics; no component by itself."""
