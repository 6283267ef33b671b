CREATE INDEX conversations_archived ON conversations (updated_at DESC, number DESC) WHERE archived_at IS NOT NULL;

CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE INDEX conversations_in_folder ON conversations (folder_id, updated_at DESC, number DESC)
WHERE folder_id IS NOT NULL;

CREATE INDEX conversations_listed ON conversations (pinned DESC, updated_at DESC, number DESC) WHERE deleted_at IS NULL;

CREATE INDEX messages_by_model ON messages (json_extract(model, '$.id'), conversation_id) WHERE model IS NOT NULL;

CREATE INDEX messages_by_time ON messages (created_at);

CREATE INDEX messages_deleted ON messages (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE INDEX messages_of_conversation ON messages (conversation_id, parent_id);

CREATE INDEX messages_of_parent ON messages (parent_id);

CREATE INDEX messages_streaming ON messages (writer) WHERE status = 'streaming';

CREATE INDEX tags_by_name ON tags (tag);

CREATE TABLE conversations (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    title_by TEXT NOT NULL CHECK (title_by IN ('', 'first-turn', 'person')),
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    model_id TEXT,
    system_prompt TEXT NOT NULL,
    leaf_id TEXT,                           -- the last message of the branch shown
    pinned INTEGER NOT NULL,
    deleted_at REAL                         -- taken off the list, can come back until it is purged
, context_full TEXT, folder_id TEXT REFERENCES folders (id), archived_at REAL, options TEXT, origin TEXT);

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

CREATE VIRTUAL TABLE message_bigrams USING fts5 (
    terms, content = '', columnsize = 0, detail = none, prefix = '1',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
);

CREATE VIRTUAL TABLE message_signs USING fts5 (
    terms, content = '', columnsize = 0, detail = none, tokenize = 'ascii'
);

CREATE VIRTUAL TABLE message_words USING fts5 (
    text, content = 'messages', content_rowid = 'number', columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);

CREATE TABLE messages (
    number INTEGER PRIMARY KEY,             -- grows: a parent's is lower than its children's
    id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations (id),
    parent_id TEXT REFERENCES messages (id),
    role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant')),
    status TEXT NOT NULL CHECK (status IN ('complete', 'streaming', 'stopped', 'failed')),
    text TEXT NOT NULL,                     -- the visible text, as search reads it
    parts TEXT,                             -- JSON; NULL where the visible text is all there is
    model TEXT,                             -- JSON, as are the next two
    sampling TEXT,
    timing TEXT,
    error TEXT NOT NULL,
    writer TEXT,                            -- while streaming: the process that writes it
    created_at REAL NOT NULL
, pinned INTEGER NOT NULL DEFAULT 0, edited INTEGER NOT NULL DEFAULT 0, record TEXT, deleted_at REAL);

CREATE TABLE tags (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (conversation_id, tag)
) WITHOUT ROWID;

CREATE VIRTUAL TABLE title_words USING fts5 (
    title, content = 'conversations', content_rowid = 'number', columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);

CREATE TRIGGER conversations_words_delete AFTER DELETE ON conversations BEGIN
    INSERT INTO title_words (title_words, rowid, title) VALUES ('delete', OLD.number, OLD.title);
END;

CREATE TRIGGER conversations_words_insert AFTER INSERT ON conversations BEGIN
    INSERT INTO title_words (rowid, title) VALUES (NEW.number, NEW.title);
END;

CREATE TRIGGER conversations_words_update AFTER UPDATE OF title ON conversations WHEN OLD.title <> NEW.title BEGIN
    INSERT INTO title_words (title_words, rowid, title) VALUES ('delete', OLD.number, OLD.title);
    INSERT INTO title_words (rowid, title) VALUES (NEW.number, NEW.title);
END;

CREATE TRIGGER messages_bigrams_after AFTER UPDATE OF text, status ON messages
WHEN NEW.status <> 'streaming' AND (OLD.status = 'streaming' OR OLD.text <> NEW.text) AND has_unspaced(NEW.text) BEGIN
    INSERT INTO message_bigrams (rowid, terms) VALUES (NEW.number, bigram_terms(NEW.text));
END;

CREATE TRIGGER messages_bigrams_before AFTER UPDATE OF text, status ON messages
WHEN OLD.status <> 'streaming' AND (NEW.status = 'streaming' OR OLD.text <> NEW.text) AND has_unspaced(OLD.text) BEGIN
    INSERT INTO message_bigrams (message_bigrams, rowid, terms) VALUES ('delete', OLD.number, bigram_terms(OLD.text));
END;

CREATE TRIGGER messages_bigrams_delete AFTER DELETE ON messages
WHEN OLD.status <> 'streaming' AND has_unspaced(OLD.text) BEGIN
    INSERT INTO message_bigrams (message_bigrams, rowid, terms) VALUES ('delete', OLD.number, bigram_terms(OLD.text));
END;

CREATE TRIGGER messages_bigrams_insert AFTER INSERT ON messages
WHEN NEW.status <> 'streaming' AND has_unspaced(NEW.text) BEGIN
    INSERT INTO message_bigrams (rowid, terms) VALUES (NEW.number, bigram_terms(NEW.text));
END;

CREATE TRIGGER messages_signs_after AFTER UPDATE OF text, status ON messages
WHEN NEW.status <> 'streaming' AND (OLD.status = 'streaming' OR OLD.text <> NEW.text) AND sign_terms(NEW.text) <> ''
BEGIN
    INSERT INTO message_signs (rowid, terms) VALUES (NEW.number, sign_terms(NEW.text));
END;

CREATE TRIGGER messages_signs_before AFTER UPDATE OF text, status ON messages
WHEN OLD.status <> 'streaming' AND (NEW.status = 'streaming' OR OLD.text <> NEW.text) AND sign_terms(OLD.text) <> ''
BEGIN
    INSERT INTO message_signs (message_signs, rowid, terms) VALUES ('delete', OLD.number, sign_terms(OLD.text));
END;

CREATE TRIGGER messages_signs_delete AFTER DELETE ON messages
WHEN OLD.status <> 'streaming' AND sign_terms(OLD.text) <> '' BEGIN
    INSERT INTO message_signs (message_signs, rowid, terms) VALUES ('delete', OLD.number, sign_terms(OLD.text));
END;

CREATE TRIGGER messages_signs_insert AFTER INSERT ON messages
WHEN NEW.status <> 'streaming' AND sign_terms(NEW.text) <> '' BEGIN
    INSERT INTO message_signs (rowid, terms) VALUES (NEW.number, sign_terms(NEW.text));
END;

CREATE TRIGGER messages_words_after AFTER UPDATE OF text, status ON messages
WHEN NEW.status <> 'streaming' AND (OLD.status = 'streaming' OR OLD.text <> NEW.text) BEGIN
    INSERT INTO message_words (rowid, text) VALUES (NEW.number, NEW.text);
END;

CREATE TRIGGER messages_words_before AFTER UPDATE OF text, status ON messages
WHEN OLD.status <> 'streaming' AND (NEW.status = 'streaming' OR OLD.text <> NEW.text) BEGIN
    INSERT INTO message_words (message_words, rowid, text) VALUES ('delete', OLD.number, OLD.text);
END;

CREATE TRIGGER messages_words_delete AFTER DELETE ON messages WHEN OLD.status <> 'streaming' BEGIN
    INSERT INTO message_words (message_words, rowid, text) VALUES ('delete', OLD.number, OLD.text);
END;

CREATE TRIGGER messages_words_insert AFTER INSERT ON messages WHEN NEW.status <> 'streaming' BEGIN
    INSERT INTO message_words (rowid, text) VALUES (NEW.number, NEW.text);
END;
