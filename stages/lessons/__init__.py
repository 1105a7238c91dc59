"""The lecture, run: one concept per file; the interface is stages/contracts/lesson.py."""
