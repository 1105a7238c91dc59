"""What metrics share: counts and residuals of many predictions at once."""
