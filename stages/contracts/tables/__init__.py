"""One file per kind of Arrow file that passes between stages."""
