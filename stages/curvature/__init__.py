"""What second-order optimizers share: the loss as a function of one vector, and the search for the length of a step."""
