"""One file per modality: settings, per-sample featurizer, what validation summarises and expects."""
