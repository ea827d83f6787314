
-- Full-text search, in SQLite's own dialect. `tenant` is indexed as a token.
CREATE TABLE search_row (
    id        INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    record_id TEXT NOT NULL,
    UNIQUE (tenant_id, record_id)
);

CREATE VIRTUAL TABLE search USING fts5 (
    tenant,
    tenant_id UNINDEXED,
    kind UNINDEXED,
    id UNINDEXED,
    title,
    body,
    prefix = '2 3',
    tokenize = 'unicode61 remove_diacritics 2'
);
