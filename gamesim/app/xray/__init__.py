"""X-ray: what a learned engine remembers and draws with, beside the board."""
