"""Checks of params.yaml by section, settings of the pipelines, removal of stale outputs."""
