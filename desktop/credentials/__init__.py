"""Secrets: access tokens, and the key that seals the ledger. The only package that uses `keyring`."""
