//! The master key: another one for all that is sealed.

use crate::error::{Error, Result};
use crate::store::{Store, StoreOptions};
use crate::tenancy::{MasterKeys, reseal};
use crate::time;
use serde::Serialize;

/// What a rotation did.
#[derive(Debug, Serialize)]
pub(crate) struct Rotated {
    /// The id of the key that all is sealed with now.
    pub(crate) id: String,
    /// How many values were sealed anew.
    pub(crate) resealed: usize,
}

/// Seals with the new key what the keys that are known sealed. Nobody may serve the database meanwhile: a server
/// would go on with the old key.
///
/// # Errors
/// [`Error::Config`] when somebody serves it, or the known keys are not those that something is sealed with. Nothing
/// is changed then.
pub(crate) async fn rotate(options: &StoreOptions, known: MasterKeys, new: MasterKeys) -> Result<Rotated> {
    let id = new.id().ok_or_else(|| Error::Config("SESSILE_NEW_MASTER_KEY: there is no new master key".into()))?;
    let id = id.to_owned();
    let store = Store::open_alone(options)?;
    let resealed = reseal(&store, new.before(known), time::now()).await?;
    Ok(Rotated { id, resealed })
}
