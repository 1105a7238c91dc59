"""What train does beside the protocol: models and results written and read again."""
