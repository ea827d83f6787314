-- Sessions that outlive their connections, and writes that can be repeated.

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
