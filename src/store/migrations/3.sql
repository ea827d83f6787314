-- Credentials and upstreams of tenants, sealed with a master key.

-- Whoever left a notice has nobody to wait for: nobody served while this ran.
DROP TABLE notice;
CREATE TABLE notice (
    id        TEXT NOT NULL PRIMARY KEY, -- what was done, and behind a colon the user
    user_id   TEXT,
    kind      TEXT NOT NULL CHECK (kind IN ('review', 'end', 'keys', 'upstreams')),
    in_tenant TEXT                       -- 'end' concerns the sessions there alone, if this is set; 'upstreams' that tenant
);

CREATE TABLE master_key (
    id         TEXT   NOT NULL PRIMARY KEY, -- a fingerprint of the key; what is sealed begins with it
    proof      TEXT   NOT NULL,             -- a text that is known, sealed: only the right key opens it
    created_at BIGINT NOT NULL
);

CREATE TABLE credential (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    name       TEXT   NOT NULL,
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT   NOT NULL, -- the address then of who set it
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE upstream (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    name       TEXT   NOT NULL,
    definition TEXT   NOT NULL, -- JSON
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL, -- the address then of who added it
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE upstream_token (
    tenant_id  TEXT   NOT NULL REFERENCES tenant (id),
    upstream   TEXT   NOT NULL,
    user_id    TEXT   NOT NULL, -- empty for the whole tenant's
    sealed     TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, upstream, user_id)
);
CREATE INDEX upstream_token_user ON upstream_token (tenant_id, user_id);
