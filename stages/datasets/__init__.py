"""One file per data set: sources, checksums, licence, citation, and the function that reads its archives as a samples table."""
