"""What the metrics have in common: rows and outputs that are scored, in the form that scikit-learn's functions read."""
