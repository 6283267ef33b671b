-- Collections of documents: what a person put into each, what was read of it, and the index that passages are found by.

CREATE TABLE collections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    key TEXT NOT NULL,                      -- the name as names are compared
    created_at REAL NOT NULL,               -- seconds since 1970, as all times here
    watched INTEGER NOT NULL DEFAULT 0,
    paused INTEGER NOT NULL DEFAULT 0,
    removed_at REAL,                        -- since when it is in the bin
    next_passage INTEGER NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX collections_by_key ON collections (key) WHERE removed_at IS NULL;

-- A chat names its collections: it finds them by the names that they once had, too.
CREATE TABLE former_names (
    key TEXT PRIMARY KEY,
    collection INTEGER NOT NULL REFERENCES collections (number) ON DELETE CASCADE
);

-- The folders and files that a person added. Paths are the bytes that the system knows them by.
CREATE TABLE sources (
    number INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL REFERENCES collections (number) ON DELETE CASCADE,
    path BLOB NOT NULL,
    folder INTEGER NOT NULL,
    looked_at REAL,                         -- NULL: to be looked through
    skipped INTEGER NOT NULL DEFAULT 0,     -- files of kinds that are not read
    problem TEXT NOT NULL DEFAULT '',       -- why it could not be looked through
    UNIQUE (collection, path)
);

-- What was read of a file. Files of a collection with the same bytes share it. It may outlive its collection until it
-- was taken out of the index.
CREATE TABLE contents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    paged INTEGER NOT NULL,
    notes TEXT NOT NULL,                    -- JSON: a list of sentences
    pages INTEGER NOT NULL,
    passages INTEGER NOT NULL DEFAULT 0,
    complete INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX contents_by_hash ON contents (collection, sha256);
CREATE INDEX contents_by_size ON contents (collection, size);

CREATE TABLE files (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections (number) ON DELETE CASCADE,
    path BLOB NOT NULL,
    size INTEGER NOT NULL,
    stamp TEXT NOT NULL,                    -- JSON: the file as it was when it was read, or last seen; '' unknown
    state TEXT NOT NULL,                    -- waiting, read, changed, encrypted, unreadable or missing
    error TEXT NOT NULL DEFAULT '',         -- JSON: title, detail and remedy
    content INTEGER REFERENCES contents (number),
    read_at REAL,
    missing_at REAL,
    left_out_at REAL,
    UNIQUE (collection, path)
);
CREATE INDEX files_to_read ON files (size, number) WHERE state IN ('waiting', 'changed') AND left_out_at IS NULL;
CREATE INDEX files_by_content ON files (content);

CREATE TABLE pages (
    content INTEGER NOT NULL REFERENCES contents (number),
    number INTEGER NOT NULL,
    label TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE UNIQUE INDEX pages_by_number ON pages (content, number);

-- A passage is characters of a page. Its id begins with its collection's number, so that those of one collection are
-- a range: collection << 32 | running number.
CREATE TABLE passages (
    id INTEGER PRIMARY KEY,
    content INTEGER NOT NULL REFERENCES contents (number),
    page INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL
);
CREATE INDEX passages_by_content ON passages (content);

-- The terms of each passage under its id, with a blank between two: made by text_analysis, which says what they are.
-- The index keeps no text of its own; to take a passage out, it is given the same terms again.
CREATE VIRTUAL TABLE passage_terms USING fts5 (
    text, name, content = '', tokenize = 'ascii'
);

-- How many passages hold a term.
CREATE VIRTUAL TABLE passage_vocabulary USING fts5vocab ('passage_terms', 'row');

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
