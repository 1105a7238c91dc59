"""Parts of the stages learning_curve and bias_variance: parts of the training rows, and learners on each of them."""
