"""One folder per modality: settings, featurizer, summaries and expectations for validation."""
