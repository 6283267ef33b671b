"""One question to two models, or under two settings, side by side."""
