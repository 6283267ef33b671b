-- Every request that this machine sent: what a person sees on the Network page. Nothing secret is in it.

CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,               -- the same while it is under way and when it is over
    time REAL NOT NULL,                     -- seconds since 1970
    purpose TEXT NOT NULL,
    method TEXT NOT NULL,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    status INTEGER NOT NULL,                -- 0 where no answer came
    sent INTEGER NOT NULL,                  -- bytes
    received INTEGER NOT NULL,              -- bytes
    seconds REAL NOT NULL,
    error TEXT NOT NULL
);

CREATE INDEX requests_by_time ON requests (time);
