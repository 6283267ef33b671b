"""The process that starts a tool server confined, and ends it with all that it started. Linux only."""
