"""What `make compare` computes: predictions of two versions on the same test rows, paired tests, verdicts."""
