"""Every byte that leaves this machine or reaches it: one client, the offline switch before it, the log behind it."""
