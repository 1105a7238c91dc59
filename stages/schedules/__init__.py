"""Learning rates as functions of the step, one file each; the interface is stages/contracts/schedule.py."""
