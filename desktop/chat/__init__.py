"""Conversations in progress: what is sent to the engine, what comes back, and how an answer is cut for the
transcript."""
