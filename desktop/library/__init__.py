"""The models on this disk."""
