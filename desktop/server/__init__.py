"""The models for other programs: an HTTP server that speaks the interfaces of OpenAI and of Anthropic."""
