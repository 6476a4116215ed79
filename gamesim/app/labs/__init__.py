"""One page for any lab of `gamesim.labs`: its panels, its controls, and the process that it runs in."""
