"""What is kept on disk in SQLite: conversations now, the ledger later. The only place that knows SQL."""
