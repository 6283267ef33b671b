-- The seals of segments that ended: a key that does not open any more, or is gone, made them. Each stays as it was, so
-- that the records before it can be verified again once that key is there.

CREATE TABLE segment_seals (
    number INTEGER PRIMARY KEY,             -- from 1, without a gap
    seq INTEGER NOT NULL,                   -- the last record of the segment
    hash TEXT NOT NULL,
    key_id TEXT NOT NULL,
    kept_in TEXT NOT NULL,
    mac TEXT NOT NULL
);

CREATE TRIGGER segment_seals_only_grow BEFORE INSERT ON segment_seals
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM segment_seals) BEGIN
    SELECT RAISE(ABORT, 'the seal of a segment is kept after the last one');
END;

CREATE TRIGGER segment_seals_keep_what_they_say BEFORE UPDATE ON segment_seals BEGIN
    SELECT RAISE(ABORT, 'the seal of a segment is never changed');
END;

CREATE TRIGGER segment_seals_keep_all BEFORE DELETE ON segment_seals BEGIN
    SELECT RAISE(ABORT, 'the seal of a segment is never removed');
END;
