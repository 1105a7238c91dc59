"""The page of all lessons: formulas, layout and style."""
