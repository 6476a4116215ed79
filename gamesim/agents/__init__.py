"""Who plays when no person does, and what they play written down."""
