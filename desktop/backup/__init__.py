"""Backups: everything of a person's in one file, and back again. Never access tokens, keys or models."""
