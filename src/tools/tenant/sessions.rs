//! The sessions that are signed in to the tenant. What its members do in other tenants is none of
//! its admins' business, and so can't be seen or ended from here.

use crate::error::Result;
use crate::tools::auth::{self, Ended, Nothing, OneSession, Sessions};
use crate::tools::{Reply, SessionCaller};

pub(super) async fn list(caller: SessionCaller, _: Nothing) -> Result<Reply<Sessions>> {
    let tenant = caller.scope()?.principal().tenant();
    let sessions = caller.manager.of_tenant(tenant, caller.session.id());
    let text = auth::describe(&sessions);
    Ok(Reply::new(Sessions { sessions }, text))
}

pub(super) async fn end(caller: SessionCaller, OneSession { session_id }: OneSession) -> Result<Reply<Ended>> {
    let tenant = caller.scope()?.principal().tenant();
    auth::end(&caller, &session_id, |principal| principal.tenant() == tenant, "tenant.end_session").await
}
