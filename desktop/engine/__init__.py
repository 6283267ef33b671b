"""The engine: one language model in a process of its own, and the client that the rest of the app talks to."""
