"""Training: one loop, and one file for each thing that is trained."""

STAGES = ("vision", "memory", "controller")
"""Parts of a world model, sections of its config and folders of its run, in the order of their training."""
