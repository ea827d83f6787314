//! A slot's token at an upstream that gives some, and the person who is asked when there is none.

use super::super::failure::Failure;
use super::super::oauth::{Applicant, Begun};
use super::super::permission::{Refused, Stage, Visit};
use super::Slot;
use crate::session::Changes;
use crate::tenancy::{Role, TenantScope};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use zeroize::Zeroizing;

/// How long a person may take, which is as long as what has begun can be finished.
const PATIENCE: Duration = Duration::from_secs(600);

impl Slot {
    /// Whether it is for people to authorize the gateway at the upstream.
    pub(crate) fn is_authorized_by_people(&self) -> bool {
        self.definition.authorization.is_some()
    }

    /// The token that the upstream is sent, renewed if it is about to end; none where it has given none.
    pub(crate) async fn token(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        match self.applicant().await? {
            Some(applicant) => self.environment.authorizations.token(&applicant).await,
            None => Ok(None),
        }
    }

    /// What a person is to visit after the upstream has refused what it was sent; none when there is another token by
    /// now. All calls get the same while it has no outcome.
    pub(crate) async fn visit(
        self: &Arc<Self>,
        refused: &Refused,
        scope: &TenantScope,
    ) -> Result<Option<Arc<Visit>>, Failure> {
        let Some(applicant) = self.applicant().await? else {
            return Err(Failure::Unauthorized(refused.challenge.clone()));
        };
        let _turn = self.permission.turn.lock().await;
        if let Some(visit) = self.permission.open() {
            return Ok(Some(visit));
        }
        if self.another_token(&applicant, refused).await? {
            return Ok(None);
        }
        if applicant.options.per_tenant && scope.principal().role() < Role::Admin {
            let tenant = scope.principal().tenant_name();
            return Err(Failure::NotAuthorized(format!(
                "has to be authorized for all of {tenant} first, by an admin or an owner: have one of them call it"
            )));
        }
        let authorizations = &self.environment.authorizations;
        let Begun { url, done } = authorizations.begin(applicant, refused.challenge.as_deref()).await?;
        tracing::info!(upstream = %self.definition.name, unit = self.outward.unit(), "an authorization at an upstream has begun");
        let visit = Arc::new(Visit::new(url));
        let (slot, visited) = (Arc::downgrade(self), Arc::clone(&visit));
        let watching = async move {
            let granted = timeout(PATIENCE, done).await.is_ok_and(|done| done.is_ok());
            visited.over(if granted { Stage::Granted } else { Stage::Failed });
            if let Some(slot) = Weak::upgrade(&slot).filter(|_| granted) {
                slot.authorized();
            }
        };
        self.permission.put(Arc::clone(&visit), AbortOnDropHandle::new(self.environment.tasks.spawn(watching)));
        Ok(Some(visit))
    }

    async fn another_token(&self, applicant: &Applicant, refused: &Refused) -> Result<bool, Failure> {
        let authorizations = &self.environment.authorizations;
        // One with the same scopes would be refused as well.
        let too_narrow = refused.challenge.as_ref().is_some_and(|challenge| challenge.contains("insufficient_scope"));
        let now = match &refused.token {
            Some(token) if refused.renewable && !too_narrow => authorizations.renew(applicant, token).await?,
            _ => authorizations.token(applicant).await?,
        };
        Ok(now.is_some() && now != refused.token)
    }

    async fn applicant(&self) -> Result<Option<Applicant>, Failure> {
        if self.definition.authorization.is_none() {
            return Ok(None);
        }
        self.outward.applicant(self.environment.outbound(&self.definition)).await
    }

    /// Tells all whom the token serves that there is more to list.
    fn authorized(&self) {
        tracing::info!(upstream = %self.definition.name, unit = self.outward.unit(), "authorized at an upstream");
        let all = |changes: &mut Changes| (changes.tools, changes.prompts, changes.resources) = (true, true, true);
        self.tell_audience(all);
        let Some((tenant, user)) = self.outward.authorizing() else { return };
        for session in self.environment.manager.all() {
            let is_served = session.principal().is_some_and(|principal| {
                principal.tenant() == tenant && user.is_none_or(|user| principal.user() == user)
            });
            if is_served {
                session.note(all);
            }
        }
    }
}
