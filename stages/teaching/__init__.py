"""What lessons share: charts, learners of the main protocol on plain arrays, and small networks."""
