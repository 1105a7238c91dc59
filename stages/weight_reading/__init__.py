"""Parts of the stage read_weights: the best linear configuration, the weights of features by name, margins, and what a page shows."""
