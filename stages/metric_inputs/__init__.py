"""Inputs of metrics: the rows and outputs to score, in the form that scikit-learn's functions read."""
