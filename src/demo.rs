//! `sessile serve --demo`: a tenant with believable data, to look around in.
//!
//! It is made by the same code as any other: a sign-up, and the CRM's own records in one write.

mod activities;
mod deals;
mod people;
mod records;

use crate::auth::Secret;
use crate::error::{Error, Result};
use crate::repository::change::insert;
use crate::session::SessionManager;
use crate::time::Time;
use records::Records;
use std::net::{IpAddr, Ipv4Addr};

const TENANT: &str = "Harbour & Pine";
const EMAIL: &str = "demo@sessile.example";
const PASSWORD: &str = "demo-sessile-2026";

/// What became of the wish for a demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demo {
    /// The database was empty and holds the demo tenant now.
    Made,
    /// The database holds a demo from before, and whatever became of it.
    Kept,
    /// The database holds other people's data, and was left alone.
    Declined,
}

/// Fills an empty database with the demo tenant; leaves any other as it is.
///
/// # Errors
/// [`Error::Internal`] when the database fails.
pub(crate) async fn prepare(manager: &SessionManager) -> Result<Demo> {
    let directory = manager.authority().directory();
    if directory.by_email(EMAIL).await?.is_some() {
        return Ok(Demo::Kept);
    }
    if directory.has_tenants().await? {
        return Ok(Demo::Declined);
    }
    fill(manager).await?;
    Ok(Demo::Made)
}

async fn fill(manager: &SessionManager) -> Result<()> {
    let password = Secret::new(PASSWORD).map_err(|rule| Error::internal("the demo's password", rule))?;
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let principal = manager.passwords().sign_up(EMAIL, password, TENANT, here).await?;
    let scope = manager.authority().scope(principal);
    let scope = scope.ok_or_else(|| Error::Internal("the demo's user changed while it was made".into()))?;
    let Records { companies, contacts, deals, activities } = Records::around(Time::now())?;
    let write = companies.iter().fold(scope.write(), insert);
    let write = contacts.iter().fold(write, insert);
    let write = deals.iter().fold(write, insert);
    activities.iter().fold(write, insert).commit().await.map(drop)
}

impl Demo {
    /// What to tell whoever started the server: how to connect to this URL, and a line to paste.
    pub(crate) fn text(self, url: &str) -> String {
        let there = match self {
            Self::Made => "",
            Self::Kept => "The database has data already, and was left as it is.\n",
            Self::Declined => return "The database has data already and no demo: it is served as it is.".into(),
        };
        format!(
            r#"{there}To look around in the demo, connect and paste the next line to sign in: npx wscat -c {url}
{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"auth_sign_in","arguments":{{"email":"{EMAIL}","password":"{PASSWORD}"}}}}}}
The demo's password is public: this database is not for production."#
        )
    }
}
