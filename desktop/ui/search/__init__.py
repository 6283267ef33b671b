"""Search over all conversations: the page with what is found, and what narrows it."""
