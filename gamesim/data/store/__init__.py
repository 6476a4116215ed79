"""How recordings lie on disk, and how they are read, found and checked."""
