"""What every stage uses: tables, entry point, errors, registry, seeds, lease, parallel work, progress."""
