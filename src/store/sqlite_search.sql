
-- Full-text search, in SQLite's own dialect. `tenant` and `record` are indexed as tokens.
CREATE VIRTUAL TABLE search USING fts5 (
    tenant,
    record,
    tenant_id UNINDEXED,
    kind UNINDEXED,
    id UNINDEXED,
    title,
    body,
    prefix = '2 3',
    tokenize = 'unicode61 remove_diacritics 2'
);
