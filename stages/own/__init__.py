"""A person's own data: what its entry in params.yaml asks for, read from one of the kinds of stages/sources/."""
