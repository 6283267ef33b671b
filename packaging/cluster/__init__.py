"""`latchkey serve` for a team: several of them behind one address, by Ray Serve. See README.md here."""
