//! What whoever runs the server can do to its database, from beside it: `sessile admin`.
//!
//! This is the one place besides `tenancy` that names tenants, and it answers to nobody who is signed in:
//! whoever can write the database's file can do all of it anyway. What it changes about a user is in force
//! on open connections when it returns, by way of a notice to the process that serves.

mod act;
mod credentials;
mod keys;
mod master_key;
mod removal;
mod tenants;
mod users;

pub(crate) use act::Whose;
pub(crate) use master_key::rotate as rotate_master_key;
pub(crate) use users::Reset;

use crate::error::Result;
use crate::store::{FromRow, Store, StoreOptions, Value};

/// A database that is being looked after.
#[derive(Debug)]
pub(crate) struct Admin {
    store: Store,
    options: StoreOptions,
}

impl Admin {
    /// Opens a database that is there already, whoever serves it.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) when there is none, or its schema is another version's.
    pub(crate) fn open(options: StoreOptions) -> Result<Self> {
        Ok(Self { store: Store::open_beside(&options)?, options })
    }

    async fn rows<T: FromRow>(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<T>> {
        self.store.list(sql, params).await?.iter_mut().map(T::from_row).collect()
    }
}
