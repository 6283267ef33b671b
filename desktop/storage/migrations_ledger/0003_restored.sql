-- Records of the event `restored`, which tell what another ledger recorded: a Latchkey that does not know them would
-- take them for tampering, and is refused by the version instead. They are found by this index.

CREATE INDEX ledger_restored ON ledger (seq) WHERE event = 'restored';
