"""What must be kept apart from everything else: the ledger's key now, access tokens later. The only user of keyring."""
