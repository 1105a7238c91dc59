"""What check does beside params.yaml: outputs of stages that are gone, settings that pipelines read."""
