"""What validate does: suites of expectations, run by Great Expectations, and their page."""
