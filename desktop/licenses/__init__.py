"""What may be loaded, and if not, what is missing."""
