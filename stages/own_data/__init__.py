"""A person's own data: what its entry in params.yaml declares, read from tables, folders and blocks."""
