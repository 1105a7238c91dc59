"""Parts of the stage ingest: entries of params.yaml, packages fetched by checksum, sampling of rows."""
