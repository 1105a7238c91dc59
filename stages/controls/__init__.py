"""One file per control: what learners must beat, as it does not look at the content of a modality."""
