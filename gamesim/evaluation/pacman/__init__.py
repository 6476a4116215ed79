"""What a model is worth as Pac-Man: its frames are read as cells and held to the rules and the real game."""
