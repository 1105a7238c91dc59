"""Used by every stage: tables, entry point, errors, registry, seeds, lease, thread pools, progress."""
