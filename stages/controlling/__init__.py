"""Parts of the stage control: reading what controls may look at, and their predictions on every outer fold."""
