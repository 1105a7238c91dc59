"""Parts of the stage learning_curve: shares of the training rows, and learners on each of them."""
