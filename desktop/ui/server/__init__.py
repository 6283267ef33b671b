"""The page of the server, which answers other programs, and of the endpoints, which answer elsewhere."""
