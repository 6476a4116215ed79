"""One page for any lab of `gamesim.labs`: what it shows, what can be turned, the process it runs in."""
