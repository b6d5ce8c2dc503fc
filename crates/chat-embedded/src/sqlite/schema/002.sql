-- Which of two creations of one conversation counts: the first. 0 where it is not known, which nothing replaces.
ALTER TABLE conversations ADD COLUMN created_version INTEGER NOT NULL DEFAULT 0;
