-- Sessile's schema, in the SQL that SQLite and PostgreSQL share.
--
-- Conventions. Ids are UUIDs in lower-case text. Times are milliseconds since 1970 (BIGINT), dates
-- are YYYY-MM-DD (TEXT). Amounts are whole ten-thousandths of the currency's unit (BIGINT), so
-- they are exact. Every table of a tenant's data has a key that starts with tenant_id, and foreign
-- keys between such tables include it: a row can't even refer to another tenant's. An index that
-- filters a list ends with what the list is sorted by, so that a page needs no other rows.

CREATE TABLE tenant (
    id           TEXT   NOT NULL PRIMARY KEY,
    name         TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    suspended_at BIGINT,                  -- nobody gets in while this is set
    record_count BIGINT NOT NULL DEFAULT 0 -- business records, which a quota bounds
);

-- Users are people, not a tenant's: one can be a member of several.
CREATE TABLE app_user (
    id             TEXT   NOT NULL PRIMARY KEY,
    email          TEXT   NOT NULL,           -- as it was given
    email_key      TEXT   NOT NULL UNIQUE,    -- lower case; what sign-in looks up
    password_hash  TEXT   NOT NULL,           -- PHC string; empty for who has no password here
    epoch          BIGINT NOT NULL DEFAULT 1, -- raised when the password changes
    last_tenant_id TEXT,
    created_at     BIGINT NOT NULL,
    disabled_at    BIGINT                     -- signs in nowhere while this is set
);

-- Who a user is to an issuer of identities that was configured.
CREATE TABLE external_identity (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX external_identity_user ON external_identity (user_id);

-- Codes that replace a forgotten password, once.
CREATE TABLE password_reset (
    code_hash  TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX password_reset_user ON password_reset (user_id);

-- The keys that sign access tokens. Retired ones still verify until the last token they signed is old.
CREATE TABLE signing_key (
    id         TEXT   NOT NULL PRIMARY KEY, -- the key's `kid`
    algorithm  TEXT   NOT NULL,
    secret     TEXT   NOT NULL,             -- PKCS #8, in base64
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

-- Keys that something may be sealed with. The key itself is kept elsewhere; this tells a wrong one from a right one.
CREATE TABLE master_key (
    id         TEXT   NOT NULL PRIMARY KEY, -- a fingerprint of the key; what is sealed begins with it
    proof      TEXT   NOT NULL,             -- a text that is known, sealed: only the right key opens it
    created_at BIGINT NOT NULL
);

-- What another process changed, for the serving one to take note of: a user who is to be looked at again
-- ('review'), or whose sessions are to end ('end'), or that there are other signing keys ('keys'), or that a tenant's
-- upstreams or credentials are others ('upstreams'). The serving process deletes what it has taken note of.
CREATE TABLE notice (
    id        TEXT NOT NULL PRIMARY KEY, -- what was done, and behind a colon the user
    user_id   TEXT,
    kind      TEXT NOT NULL CHECK (kind IN ('review', 'end', 'keys', 'upstreams')),
    in_tenant TEXT                       -- 'end' concerns the sessions there alone, if this is set; 'upstreams' that tenant
);

CREATE TABLE member (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    user_id    TEXT   NOT NULL REFERENCES app_user (id),
    role       TEXT   NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX member_user ON member (user_id);

-- Who was once made a member of a tenant because an issuer said so. Removed by somebody, they are not made one
-- again.
CREATE TABLE provisioned (
    tenant_id TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id   TEXT NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE api_key (
    tenant_id    TEXT   NOT NULL REFERENCES tenant (id),
    id           TEXT   NOT NULL,
    user_id      TEXT   NOT NULL, -- whose it is: it can never do more than they can
    name         TEXT   NOT NULL,
    role         TEXT   NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    key_hash     TEXT   NOT NULL UNIQUE,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT,          -- to the minute or so
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES member (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX api_key_user ON api_key (tenant_id, user_id, created_at, id);

-- All tokens that follow from one sign-in. Deleting the family ends them.
CREATE TABLE token_family (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    id         TEXT   NOT NULL UNIQUE,
    user_id    TEXT   NOT NULL,
    epoch      BIGINT NOT NULL, -- the user's when they signed in
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES member (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX token_family_user ON token_family (user_id);
CREATE INDEX token_family_expires ON token_family (expires_at);

-- A family's refresh tokens: the newest is unused, and a second use of any other is a theft.
CREATE TABLE refresh_token (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    token_hash TEXT   NOT NULL UNIQUE,
    family_id  TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, family_id) REFERENCES token_family (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_token_family ON refresh_token (tenant_id, family_id);

-- What signs a session in again after its connection was lost. There is one a session.
CREATE TABLE resume (
    tenant_id     TEXT   NOT NULL REFERENCES tenant (id),
    id            TEXT   NOT NULL UNIQUE, -- the part of the credential that names it
    user_id       TEXT   NOT NULL,
    session_id    TEXT   NOT NULL,        -- of the session that it continues
    proof         TEXT   NOT NULL,        -- how they had signed in: JSON
    epoch         BIGINT NOT NULL,        -- the user's when they signed in
    signed_in_at  BIGINT NOT NULL,
    until         BIGINT,                 -- when the proof ends by itself
    secret_hash   TEXT   NOT NULL,
    previous_hash TEXT,                   -- still good: its successor may not have arrived
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES member (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX resume_user ON resume (user_id);
CREATE INDEX resume_expires ON resume (expires_at);

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

-- What a tenant's upstreams are called with. It is sealed for its tenant and its name.
CREATE TABLE credential (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    name       TEXT   NOT NULL,
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT   NOT NULL, -- the address then of who set it
    PRIMARY KEY (tenant_id, name)
);

-- Upstreams that a tenant's admins have added.
CREATE TABLE upstream (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    name       TEXT   NOT NULL,
    definition TEXT   NOT NULL, -- JSON
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL, -- the address then of who added it
    PRIMARY KEY (tenant_id, name)
);

-- Tokens that upstreams gave, sealed for their tenant, upstream and user.
CREATE TABLE upstream_token (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    upstream   TEXT   NOT NULL,
    user_id    TEXT   NOT NULL, -- empty for the whole tenant's
    sealed     TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, upstream, user_id)
);
CREATE INDEX upstream_token_user ON upstream_token (tenant_id, user_id);

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

-- Writes that were asked for with a key, so that one asked for again is not made again.
CREATE TABLE idempotency (
    tenant_id      TEXT   NOT NULL REFERENCES tenant (id),
    user_id        TEXT   NOT NULL,
    tool           TEXT   NOT NULL,
    key            TEXT   NOT NULL,
    arguments_hash TEXT   NOT NULL, -- of what it came with: with other arguments it is refused
    answer         TEXT   NOT NULL, -- the id of what was made, or the report of an import
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, tool, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at);
