"""What a model is worth: `evaluate` has the figures of one model, the other files one kind of figure each."""
