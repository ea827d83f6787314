//! `sessile admin keys`.

use super::show::{Out, minute};
use crate::admin::Admin;
use crate::error::Result;
use clap::Subcommand;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// List the keys, newest first; the one that is not retired signs
    List,
    /// Make a key that signs from now on
    ///
    /// The ones before it are retired: they verify what they signed until that has expired. Tokens that are
    /// out stay good.
    Rotate,
}

impl Keys {
    pub(super) async fn run(self, admin: &Admin, out: Out) -> Result<()> {
        match self {
            Self::List => out.list(&admin.keys().await?, ["id", "algorithm", "created", "retired"], |key| {
                [key.id.clone(), key.algorithm.clone(), key.created_at.minute(), minute(key.retired_at)]
            }),
            Self::Rotate => {
                let id = admin.rotate_keys().await?;
                out.done(&json!({ "id": id }), &format!("The key {id} signs from now on."));
            }
        }
        Ok(())
    }
}
