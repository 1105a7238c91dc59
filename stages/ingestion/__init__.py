"""What ingest does: packages fetched by checksum, targets encoded."""
