-- What stays in a model's context when a conversation outgrows it.

ALTER TABLE messages ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;

ALTER TABLE conversations ADD COLUMN context_full TEXT;
