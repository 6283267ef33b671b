"""Documents: reading them in a confined process of its own, collections of them, and finding passages."""
