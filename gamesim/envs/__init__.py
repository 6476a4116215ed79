"""The real games; they need only NumPy and Gymnasium."""
