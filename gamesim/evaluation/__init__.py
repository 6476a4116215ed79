"""What a learned engine is worth."""
