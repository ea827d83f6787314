//! A tenant written to a file, and a tenant deleted, with all that is theirs.

use super::Admin;
use super::act::Act;
use super::tenants::Tenant;
use crate::error::{Error, Result};
use crate::store::{self, Write, params};
use crate::time::Time;
use serde::Serialize;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// Rows that are deleted in one transaction: others write between two of them.
const BATCH: i64 = 2_000;

/// What proves who somebody is or lets them in goes first, in one transaction: whatever is under way
/// finds its principal gone, and writes nothing more.
const ACCESS: [&str; 8] = [
    "DELETE FROM upstream_token WHERE tenant_id = $1",
    "DELETE FROM credential WHERE tenant_id = $1",
    "DELETE FROM upstream WHERE tenant_id = $1",
    "DELETE FROM refresh_token WHERE tenant_id = $1",
    "DELETE FROM token_family WHERE tenant_id = $1",
    "DELETE FROM api_key WHERE tenant_id = $1",
    "DELETE FROM invite WHERE tenant_id = $1",
    "DELETE FROM member WHERE tenant_id = $1",
];
/// The rest, what refers to others first. Each deletes some rows and returns one for each.
const DATA: [&str; 7] = [
    "DELETE FROM idempotency WHERE (tenant_id, user_id, tool, key) IN
       (SELECT tenant_id, user_id, tool, key FROM idempotency WHERE tenant_id = $1 LIMIT $2) RETURNING 1",
    "DELETE FROM record_change WHERE (tenant_id, record_id, version) IN
       (SELECT tenant_id, record_id, version FROM record_change WHERE tenant_id = $1 LIMIT $2) RETURNING 1",
    "DELETE FROM activity WHERE tenant_id = $1 AND id IN
       (SELECT id FROM activity WHERE tenant_id = $1 LIMIT $2) RETURNING 1",
    "DELETE FROM deal WHERE tenant_id = $1 AND id IN (SELECT id FROM deal WHERE tenant_id = $1 LIMIT $2) RETURNING 1",
    "DELETE FROM contact WHERE tenant_id = $1 AND id IN
       (SELECT id FROM contact WHERE tenant_id = $1 LIMIT $2) RETURNING 1",
    "DELETE FROM company WHERE tenant_id = $1 AND id IN
       (SELECT id FROM company WHERE tenant_id = $1 LIMIT $2) RETURNING 1",
    "DELETE FROM audit WHERE tenant_id = $1 AND id IN (SELECT id FROM audit WHERE tenant_id = $1 LIMIT $2) RETURNING 1",
];

/// What became of a deletion.
#[derive(Debug, Serialize)]
pub(crate) struct Removed {
    pub(crate) rows: usize,
    /// Accounts that are a member of no tenant any more, and stay.
    pub(crate) accounts_without_tenant: i64,
}

impl Admin {
    /// Writes all that there is of a tenant to a new file, a JSON object a line; gives their number.
    ///
    /// # Errors
    /// [`Error::Config`] when the file is there already or can't be written.
    pub(crate) fn export(&self, tenant: &Tenant, file: &Path) -> Result<usize> {
        use std::os::unix::fs::OpenOptionsExt;
        let wrong = |e: std::io::Error| Error::Config(format!("cannot write {}: {e}", file.display()));
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(wrong)?;
        let mut out = BufWriter::new(out);
        let head = json!({ "sessile_export": 1, "tenant_id": tenant.id, "exported_at": Time::now() });
        writeln!(out, "{head}").map_err(wrong)?;
        let mut rows = 0;
        store::dump(&self.options, tenant.id, |table, row| {
            rows += 1;
            writeln!(out, r#"{{"table":"{table}","row":{}}}"#, Value::Object(row)).map_err(wrong)
        })?;
        let out = out.into_inner().map_err(|e| wrong(e.into_error()))?;
        out.sync_all().map_err(wrong)?;
        Ok(rows)
    }

    /// Deletes a tenant and all that is theirs. If it breaks off, it can be called again.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub(crate) async fn delete(&self, tenant: &Tenant) -> Result<Removed> {
        let id = tenant.id;
        let act = Act::new()
            .run("UPDATE app_user SET last_tenant_id = NULL WHERE last_tenant_id = $1", params![id])
            .review_members(id)
            .upstreams_changed(id);
        let act = ACCESS.into_iter().fold(act, |act, delete| act.run(delete, params![id]));
        self.act(act).await?;
        let mut rows = 0;
        while self.store.get("SELECT 1 FROM search_row WHERE tenant_id = $1 LIMIT 1", params![id]).await?.is_some() {
            self.store.write(Write::new().unindex_some(id, BATCH)).await?;
        }
        for delete in DATA {
            loop {
                let deleted = self.store.write(Write::new().run(delete, params![id, BATCH])).await?.next_rows().len();
                rows += deleted;
                if deleted == 0 {
                    break;
                }
            }
        }
        self.store.write(Write::new().run("DELETE FROM tenant WHERE id = $1", params![id])).await?;
        let sql = "SELECT COUNT(*) FROM app_user u WHERE NOT EXISTS (SELECT 1 FROM member m WHERE m.user_id = u.id)";
        let left = self.store.get(sql, Vec::new()).await?;
        let accounts_without_tenant = left.map(|mut row| row.int()).transpose()?.unwrap_or_default();
        Ok(Removed { rows, accounts_without_tenant })
    }
}
