"""One folder per modality: settings, per-sample featurizer, summaries and expectations for validation."""
