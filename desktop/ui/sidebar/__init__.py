"""The left side: search, conversations, pages."""
