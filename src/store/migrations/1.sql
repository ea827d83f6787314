-- Sessile's schema, in the SQL that SQLite and PostgreSQL share.
--
-- Conventions. Ids are UUIDs in lower-case text. Times are milliseconds since 1970 (BIGINT), dates
-- are YYYY-MM-DD (TEXT). Amounts are whole ten-thousandths of the currency's unit (BIGINT), so
-- they are exact. Every table of a tenant's data has a key that starts with tenant_id, and foreign
-- keys between such tables include it: a row can't even refer to another tenant's. An index that
-- filters a list ends with what the list is sorted by, so that a page needs no other rows.

CREATE TABLE tenant (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

-- Users are people, not a tenant's: one can be a member of several.
CREATE TABLE app_user (
    id             TEXT   NOT NULL PRIMARY KEY,
    email          TEXT   NOT NULL,           -- as it was given
    email_key      TEXT   NOT NULL UNIQUE,    -- lower case; what sign-in looks up
    password_hash  TEXT   NOT NULL,           -- PHC string
    epoch          BIGINT NOT NULL DEFAULT 1, -- raised when the password changes
    last_tenant_id TEXT,
    created_at     BIGINT NOT NULL
);

CREATE TABLE member (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    user_id    TEXT   NOT NULL REFERENCES app_user (id),
    role       TEXT   NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX member_user ON member (user_id);

CREATE TABLE invite (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    code_hash  TEXT   NOT NULL UNIQUE,
    role       TEXT   NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_by TEXT   NOT NULL REFERENCES app_user (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, code_hash)
);

CREATE TABLE audit (
    tenant_id TEXT   NOT NULL REFERENCES tenant (id),
    id        TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    action    TEXT   NOT NULL,
    actor_id  TEXT,
    actor     TEXT,           -- the actor's email then
    detail    TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE company (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    id         TEXT   NOT NULL,
    version    BIGINT NOT NULL DEFAULT 1,
    name       TEXT   NOT NULL,
    name_key   TEXT   NOT NULL, -- lower case; what lists sort and filter by
    domain     TEXT,
    industry   TEXT,
    phone      TEXT,
    website    TEXT,
    address    TEXT,
    notes      TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX company_name ON company (tenant_id, name_key, id);
CREATE INDEX company_updated ON company (tenant_id, updated_at, id);

CREATE TABLE contact (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    id         TEXT   NOT NULL,
    version    BIGINT NOT NULL DEFAULT 1,
    name       TEXT   NOT NULL,
    name_key   TEXT   NOT NULL, -- lower case; what lists sort and filter by
    email      TEXT,
    email_key  TEXT,          -- lower case; what filters and imports look up
    phone      TEXT,
    job_title  TEXT,
    company_id TEXT,
    notes      TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, company_id) REFERENCES company (tenant_id, id)
);
CREATE INDEX contact_name ON contact (tenant_id, name_key, id);
CREATE INDEX contact_updated ON contact (tenant_id, updated_at, id);
CREATE INDEX contact_email ON contact (tenant_id, email_key, name_key, id);
CREATE INDEX contact_company ON contact (tenant_id, company_id, name_key, id);

CREATE TABLE deal (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    id         TEXT   NOT NULL,
    version    BIGINT NOT NULL DEFAULT 1,
    name       TEXT   NOT NULL,
    name_key   TEXT   NOT NULL, -- lower case; what lists sort and filter by
    stage      TEXT   NOT NULL
               CHECK (stage IN ('lead', 'qualified', 'proposal', 'negotiation', 'won', 'lost')),
    amount     BIGINT,
    currency   TEXT,
    close_date TEXT,
    company_id TEXT,
    contact_id TEXT,
    notes      TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CHECK ((amount IS NULL) = (currency IS NULL)),
    FOREIGN KEY (tenant_id, company_id) REFERENCES company (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, id)
);
CREATE INDEX deal_name ON deal (tenant_id, name_key, id);
CREATE INDEX deal_stage ON deal (tenant_id, stage, currency);
CREATE INDEX deal_updated ON deal (tenant_id, updated_at, id);
CREATE INDEX deal_company ON deal (tenant_id, company_id, name_key, id);
CREATE INDEX deal_contact ON deal (tenant_id, contact_id, name_key, id);

CREATE TABLE activity (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    id         TEXT   NOT NULL,
    version    BIGINT NOT NULL DEFAULT 1,
    kind       TEXT   NOT NULL CHECK (kind IN ('note', 'call', 'meeting', 'email', 'task')),
    subject    TEXT   NOT NULL,
    body       TEXT,
    at         BIGINT NOT NULL,
    due_date   TEXT,
    done       BIGINT,        -- 0 or 1 on tasks, null on the rest
    contact_id TEXT,
    company_id TEXT,
    deal_id    TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CHECK ((kind = 'task') = (done IS NOT NULL)),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, id),
    FOREIGN KEY (tenant_id, company_id) REFERENCES company (tenant_id, id),
    FOREIGN KEY (tenant_id, deal_id) REFERENCES deal (tenant_id, id)
);
CREATE INDEX activity_at ON activity (tenant_id, at, id);
CREATE INDEX activity_due ON activity (tenant_id, done, due_date, id);
CREATE INDEX activity_contact ON activity (tenant_id, contact_id, at, id);
CREATE INDEX activity_company ON activity (tenant_id, company_id, at, id);
CREATE INDEX activity_deal ON activity (tenant_id, deal_id, at, id);

-- Which fields a record's recent versions changed: what a conflict is explained with.
CREATE TABLE record_change (
    tenant_id TEXT   NOT NULL REFERENCES tenant (id),
    record_id TEXT   NOT NULL,
    version   BIGINT NOT NULL,
    user_id   TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    fields    TEXT   NOT NULL, -- names, comma-separated
    PRIMARY KEY (tenant_id, record_id, version)
);

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
