"""The panel at the right of the chat: what its answers are asked with, in each place that says it."""
