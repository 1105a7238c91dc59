"""Parts of the stage read_weights: the best linear configuration, weights by feature, margins, what a page shows."""
