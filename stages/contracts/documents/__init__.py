"""One file per JSON document that passes between stages."""
