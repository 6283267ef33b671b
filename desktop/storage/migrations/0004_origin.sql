-- Where a conversation that was imported came from.

ALTER TABLE conversations ADD COLUMN origin TEXT; -- JSON: the program, its id there, when it was imported
