"""What may be run, as values: entries and licenses, read from models.toml."""
