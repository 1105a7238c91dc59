"""One file per learner or control: settings, grid, sweep over every fold and subset, refit."""
