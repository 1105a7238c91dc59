"""One file per data set: sources, checksums, licence, citation, and how its archives become a samples table."""
