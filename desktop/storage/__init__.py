"""SQLite: conversations, the license ledger and the request log, each in a file of its own. The only package with
SQL."""
