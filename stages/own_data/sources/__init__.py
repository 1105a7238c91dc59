"""One file per kind of source: table, folder, blocks."""
