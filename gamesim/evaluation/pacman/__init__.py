"""How good a model of Pac-Man is: its frames are read as cells and compared with rules and real game."""
