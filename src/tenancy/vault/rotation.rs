//! Another master key for all that is sealed.

use super::{MasterKeys, Vault, What};
use crate::error::{Error, Result};
use crate::store::{Store, Write, params};
use crate::tenancy::ids::{TenantId, UserId};

/// Seals with the first of these keys what the others sealed, in one write; gives how much that was. The database
/// must not be served meanwhile.
///
/// # Errors
/// [`Error::Config`] when something is sealed with none of these keys, [`Error::Internal`] when it does not open or
/// the store fails. Nothing is changed then.
pub(crate) async fn reseal(store: &Store, keys: MasterKeys, now: i64) -> Result<usize> {
    let vault = Vault::open_for(keys, store)?;
    let mut write = Write::new();
    let mut resealed = 0;
    let sql = "SELECT tenant_id, name, sealed FROM credential";
    for mut row in store.list(sql, Vec::new()).await? {
        let (tenant, name, sealed) = (TenantId::stored(row.uuid()?), row.text()?, row.text()?);
        let what = What::Credential(&name);
        let sealed = vault.seal(tenant, what, &vault.open(tenant, what, &sealed)?)?;
        let update = "UPDATE credential SET sealed = $3 WHERE tenant_id = $1 AND name = $2";
        write = write.expect("credential", update, params![tenant, &name, sealed]);
        resealed += 1;
    }
    let sql = "SELECT tenant_id, upstream, user_id, sealed FROM upstream_token";
    for mut row in store.list(sql, Vec::new()).await? {
        let (tenant, upstream, user, sealed) = (TenantId::stored(row.uuid()?), row.text()?, row.text()?, row.text()?);
        let what = What::Token { upstream: &upstream, user: user_of(&user)? };
        let sealed = vault.seal(tenant, what, &vault.open(tenant, what, &sealed)?)?;
        let update = "UPDATE upstream_token SET sealed = $4 WHERE tenant_id = $1 AND upstream = $2 AND user_id = $3";
        write = write.expect("token", update, params![tenant, &upstream, &user, sealed]);
        resealed += 1;
    }
    let write = write.run("DELETE FROM master_key", Vec::new()).and(vault.noted(now)?);
    store.write(write).await.map(|_| resealed)
}

/// The user of a token; empty for the whole tenant's.
fn user_of(text: &str) -> Result<Option<UserId>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(|id| Some(UserId::stored(id))).map_err(|e| Error::internal("reading a token's user", e))
}
