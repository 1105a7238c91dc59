"""Orchestration: the Prefect flow, schedules, publishing to MLflow. Nothing here computes."""
