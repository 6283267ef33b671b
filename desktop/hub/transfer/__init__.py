"""Downloads a repository's file to this disk: verified by its hash, resumable, and with every wait bounded."""
