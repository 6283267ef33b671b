-- Order among many conversations, what single answers were asked with, and branches that can come back.

CREATE TABLE folders (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,              -- where it stands in the list
    system_prompt TEXT NOT NULL,
    model_id TEXT,
    options TEXT,                           -- JSON: what answers in it are asked with
    folded INTEGER NOT NULL,                -- its conversations are out of sight in the list
    created_at REAL NOT NULL
);

ALTER TABLE conversations ADD COLUMN folder_id TEXT REFERENCES folders (id);

ALTER TABLE conversations ADD COLUMN archived_at REAL;

ALTER TABLE conversations ADD COLUMN options TEXT; -- JSON: what its answers are asked with

CREATE INDEX conversations_in_folder ON conversations (folder_id, updated_at DESC, number DESC)
WHERE folder_id IS NOT NULL;

CREATE INDEX conversations_archived ON conversations (updated_at DESC, number DESC) WHERE archived_at IS NOT NULL;

CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE tags (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (conversation_id, tag)
) WITHOUT ROWID;

CREATE INDEX tags_by_name ON tags (tag);

ALTER TABLE messages ADD COLUMN edited INTEGER NOT NULL DEFAULT 0; -- a person changed what a model wrote

ALTER TABLE messages ADD COLUMN record TEXT; -- JSON: what the answer was made from

ALTER TABLE messages ADD COLUMN deleted_at REAL; -- with all under it taken out of the tree, can come back until purged

CREATE INDEX messages_deleted ON messages (deleted_at) WHERE deleted_at IS NOT NULL;

-- Messages that hold writing without spaces, by pairs of neighbouring characters (desktop/storage/search_terms.py, whose
-- functions these triggers call). As `message_words`, it keeps no text, and an answer is indexed when it is over.

CREATE VIRTUAL TABLE message_bigrams USING fts5 (
    terms, content = '', columnsize = 0, detail = none, prefix = '1',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
);

INSERT INTO message_bigrams (rowid, terms)
SELECT number, bigram_terms(text) FROM messages WHERE status <> 'streaming' AND has_unspaced(text);

CREATE TRIGGER messages_bigrams_insert AFTER INSERT ON messages
WHEN NEW.status <> 'streaming' AND has_unspaced(NEW.text) BEGIN
    INSERT INTO message_bigrams (rowid, terms) VALUES (NEW.number, bigram_terms(NEW.text));
END;

CREATE TRIGGER messages_bigrams_before AFTER UPDATE OF text, status ON messages
WHEN OLD.status <> 'streaming' AND (NEW.status = 'streaming' OR OLD.text <> NEW.text) AND has_unspaced(OLD.text) BEGIN
    INSERT INTO message_bigrams (message_bigrams, rowid, terms) VALUES ('delete', OLD.number, bigram_terms(OLD.text));
END;

CREATE TRIGGER messages_bigrams_after AFTER UPDATE OF text, status ON messages
WHEN NEW.status <> 'streaming' AND (OLD.status = 'streaming' OR OLD.text <> NEW.text) AND has_unspaced(NEW.text) BEGIN
    INSERT INTO message_bigrams (rowid, terms) VALUES (NEW.number, bigram_terms(NEW.text));
END;

CREATE TRIGGER messages_bigrams_delete AFTER DELETE ON messages
WHEN OLD.status <> 'streaming' AND has_unspaced(OLD.text) BEGIN
    INSERT INTO message_bigrams (message_bigrams, rowid, terms) VALUES ('delete', OLD.number, bigram_terms(OLD.text));
END;

-- What a search is narrowed by.

CREATE INDEX messages_by_model ON messages (json_extract(model, '$.id'), conversation_id) WHERE model IS NOT NULL;

CREATE INDEX messages_by_time ON messages (created_at);
