"""The page of models on this disk."""
