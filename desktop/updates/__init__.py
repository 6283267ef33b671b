"""Whether there is a newer version of Latchkey: looked up when a person asks, and nothing but the news is fetched."""
