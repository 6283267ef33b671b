"""Downloads as the window shows them: rows with progress and what can be done, and how far all of them are together."""
