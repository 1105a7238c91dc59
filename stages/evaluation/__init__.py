"""What evaluate does between reading predictions and writing its files: check, score, compare, summarise."""
