"""`latchkey bench`: how fast this machine is, and what Latchkey itself costs, measured side by side in one run."""
