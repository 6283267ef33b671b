-- Messages that hold signs which are no words (+, %, emoji), by these signs (desktop/storage/search_terms.py, whose
-- function these triggers call). As `message_bigrams`, it keeps no text, and an answer is indexed when it is over.

CREATE VIRTUAL TABLE message_signs USING fts5 (
    terms, content = '', columnsize = 0, detail = none, tokenize = 'ascii'
);

INSERT INTO message_signs (rowid, terms)
SELECT number, terms FROM (SELECT number, sign_terms(text) AS terms FROM messages WHERE status <> 'streaming')
WHERE terms <> '';

CREATE TRIGGER messages_signs_insert AFTER INSERT ON messages
WHEN NEW.status <> 'streaming' AND sign_terms(NEW.text) <> '' BEGIN
    INSERT INTO message_signs (rowid, terms) VALUES (NEW.number, sign_terms(NEW.text));
END;

CREATE TRIGGER messages_signs_before AFTER UPDATE OF text, status ON messages
WHEN OLD.status <> 'streaming' AND (NEW.status = 'streaming' OR OLD.text <> NEW.text) AND sign_terms(OLD.text) <> ''
BEGIN
    INSERT INTO message_signs (message_signs, rowid, terms) VALUES ('delete', OLD.number, sign_terms(OLD.text));
END;

CREATE TRIGGER messages_signs_after AFTER UPDATE OF text, status ON messages
WHEN NEW.status <> 'streaming' AND (OLD.status = 'streaming' OR OLD.text <> NEW.text) AND sign_terms(NEW.text) <> ''
BEGIN
    INSERT INTO message_signs (rowid, terms) VALUES (NEW.number, sign_terms(NEW.text));
END;

CREATE TRIGGER messages_signs_delete AFTER DELETE ON messages
WHEN OLD.status <> 'streaming' AND sign_terms(OLD.text) <> '' BEGIN
    INSERT INTO message_signs (message_signs, rowid, terms) VALUES ('delete', OLD.number, sign_terms(OLD.text));
END;
