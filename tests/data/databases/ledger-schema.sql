CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY,                -- from 1, without a gap
    time TEXT NOT NULL,                     -- UTC, RFC 3339
    event TEXT NOT NULL,
    model TEXT NOT NULL,
    model_name TEXT NOT NULL,
    repository TEXT NOT NULL,
    "commit" TEXT NOT NULL,
    file_sha256 TEXT NOT NULL,
    license TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    person TEXT NOT NULL,                   -- as typed
    organization TEXT NOT NULL,
    purpose TEXT NOT NULL,
    note TEXT NOT NULL,
    os_user TEXT NOT NULL,
    app_version TEXT NOT NULL,
    previous TEXT NOT NULL,                 -- the hash of the record before it
    hash TEXT NOT NULL
);

CREATE TRIGGER ledger_keeps_all BEFORE DELETE ON ledger BEGIN
    SELECT RAISE(ABORT, 'a record of the ledger is never removed');
END;

CREATE TRIGGER ledger_keeps_what_it_says BEFORE UPDATE ON ledger BEGIN
    SELECT RAISE(ABORT, 'a record of the ledger is never changed');
END;

CREATE TRIGGER ledger_only_grows BEFORE INSERT ON ledger
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger) BEGIN
    SELECT RAISE(ABORT, 'a record of the ledger follows the last one');
END;

CREATE INDEX ledger_restored ON ledger (seq) WHERE event = 'restored';

CREATE TABLE license_texts (
    number INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL,
    bytes BLOB NOT NULL
);

CREATE INDEX license_texts_by_hash ON license_texts (sha256);

CREATE TRIGGER license_texts_keep_all BEFORE DELETE ON license_texts BEGIN
    SELECT RAISE(ABORT, 'a license text is never removed');
END;

CREATE TRIGGER license_texts_keep_what_they_say BEFORE UPDATE ON license_texts BEGIN
    SELECT RAISE(ABORT, 'a license text is never changed');
END;

CREATE TRIGGER license_texts_only_grow BEFORE INSERT ON license_texts
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM license_texts) BEGIN
    SELECT RAISE(ABORT, 'a license text is kept after the last one');
END;

CREATE TABLE seal (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    key_id TEXT NOT NULL,                   -- which key made the code
    kept_in TEXT NOT NULL,                  -- where that key is kept: keyring or file
    mac TEXT NOT NULL
);

CREATE TABLE segment_seals (
    number INTEGER PRIMARY KEY,             -- from 1, without a gap
    seq INTEGER NOT NULL,                   -- the last record of the segment
    hash TEXT NOT NULL,
    key_id TEXT NOT NULL,
    kept_in TEXT NOT NULL,
    mac TEXT NOT NULL
);

CREATE TRIGGER segment_seals_keep_all BEFORE DELETE ON segment_seals BEGIN
    SELECT RAISE(ABORT, 'the seal of a segment is never removed');
END;

CREATE TRIGGER segment_seals_keep_what_they_say BEFORE UPDATE ON segment_seals BEGIN
    SELECT RAISE(ABORT, 'the seal of a segment is never changed');
END;

CREATE TRIGGER segment_seals_only_grow BEFORE INSERT ON segment_seals
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM segment_seals) BEGIN
    SELECT RAISE(ABORT, 'the seal of a segment is kept after the last one');
END;
