-- Credentials besides passwords, suspended tenants and disabled users, and notices between processes.

ALTER TABLE tenant ADD COLUMN suspended_at BIGINT;
ALTER TABLE tenant ADD COLUMN record_count BIGINT NOT NULL DEFAULT 0;
UPDATE tenant SET record_count =
    (SELECT COUNT(*) FROM company r WHERE r.tenant_id = tenant.id)
    + (SELECT COUNT(*) FROM contact r WHERE r.tenant_id = tenant.id)
    + (SELECT COUNT(*) FROM deal r WHERE r.tenant_id = tenant.id)
    + (SELECT COUNT(*) FROM activity r WHERE r.tenant_id = tenant.id);
ALTER TABLE app_user ADD COLUMN disabled_at BIGINT;

CREATE TABLE external_identity (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX external_identity_user ON external_identity (user_id);

CREATE TABLE password_reset (
    code_hash  TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX password_reset_user ON password_reset (user_id);

CREATE TABLE signing_key (
    id         TEXT   NOT NULL PRIMARY KEY, -- the key's `kid`
    algorithm  TEXT   NOT NULL,
    secret     TEXT   NOT NULL,             -- PKCS #8, in base64
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

CREATE TABLE notice (
    id        TEXT NOT NULL PRIMARY KEY, -- what was done, and behind a colon the user
    user_id   TEXT,
    kind      TEXT NOT NULL CHECK (kind IN ('review', 'end', 'keys')),
    in_tenant TEXT                       -- 'end' concerns the sessions there alone, if this is set
);

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
