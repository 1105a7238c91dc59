"""Parts of the stage representation: what networks learn to represent samples by, as features of other learners."""
