-- What passages mean, as vectors of an embedding model: made from the passages, so that nothing is lost with them.

CREATE TABLE vector_models (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,               -- the sha256 of the model's file, and how texts are given to it
    length INTEGER NOT NULL                 -- numbers in a vector
);

-- Vectors of length 1 as 16-bit floats, little-endian; all zeros for a text that the model can do nothing with.
CREATE TABLE vectors (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    model INTEGER NOT NULL REFERENCES vector_models (number) ON DELETE CASCADE,
    passage INTEGER NOT NULL REFERENCES passages (id) ON DELETE CASCADE,
    vector BLOB NOT NULL
);
CREATE UNIQUE INDEX vectors_by_passage ON vectors (passage, model);
CREATE INDEX vectors_by_model ON vectors (model);
