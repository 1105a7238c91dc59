"""Own data: an entry of params.yaml with `source:`, read from tables, folders and blocks."""
