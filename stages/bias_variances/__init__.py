"""Parts of the stage bias_variance: learners on bootstraps of the training rows, and bias and variance of their loss."""
