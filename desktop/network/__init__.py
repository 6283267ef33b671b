"""Every byte that leaves this machine or reaches it: one client, the off-line switch before it, the log behind it."""
