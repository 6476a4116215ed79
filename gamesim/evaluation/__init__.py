"""How good a model is: `evaluate` has all figures of one model, each other file one kind of figure."""
