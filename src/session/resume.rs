//! Resuming: how a session gets what it is resumed with, and who is let in with that.

use super::berth::{Berth, Place};
use super::{EndReason, Session, SessionManager};
use crate::auth::{Issued, Presented};
use crate::error::Result;
use crate::tenancy::Principal;
use std::sync::Arc;
use std::time::Duration;

/// What is kept of sessions whose connection was lost.
#[derive(Debug, Clone)]
pub struct ResumeLimits {
    /// Whether sessions are kept at all.
    pub enabled: bool,
    /// How long a session waits for its client.
    pub wait: Duration,
    /// How long its client can sign in without it.
    pub principal: Duration,
    /// What one session has said and its client has not acknowledged, in bytes.
    pub max_bytes: usize,
    /// The same in messages.
    pub max_messages: usize,
    /// Sessions that wait, in all.
    pub max_waiting: usize,
}

impl SessionManager {
    /// Whom a credential signs in that somebody has sent on a session's connection. One that was used before ends the
    /// session that it was of.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the store fails.
    pub async fn present(&self, session: &Session, credential: &str) -> Result<Option<(Principal, Issued)>> {
        let (resume, shown, lives) = (&self.strategies().resume, session.principal(), self.limits().resume.principal);
        match resume.present(credential, session.peer(), shown.as_ref(), lives).await? {
            Presented::Good(principal, issued) => Ok(Some((principal, *issued))),
            Presented::Bad => Ok(None),
            Presented::Reused(id) => {
                if let Some(place) = self.berths.find(id) {
                    place.session().end(EndReason::CredentialRevoked);
                }
                Ok(None)
            }
        }
    }

    /// The session that a credential resumes, if it is still there.
    #[must_use]
    pub fn resumes(&self, issued: &Issued) -> Option<Arc<Place>> {
        self.berths.find(issued.id())
    }

    /// Signs a new session in as whom a credential has just named, and gives the credential for that. None when
    /// something about them changed meanwhile.
    ///
    /// # Errors
    /// [`Error::Limit`](crate::error::Error::Limit) when the user or the tenant has as many sessions as may be.
    pub async fn sign_in_again(
        &self,
        session: &Arc<Session>,
        principal: Principal,
        issued: Issued,
    ) -> Result<Option<Issued>> {
        let resume = &self.strategies().resume;
        if let Some(shown) = session.principal() {
            // What was shown just now is the fresher proof.
            return resume.issue(&shown, session.id(), Some(&issued), self.limits().resume.principal).await;
        }
        self.sign_in(session, principal.clone())?;
        match resume.go_on_with(&issued, session.id()).await {
            Ok(true) => {
                Self::log_entry(session, &principal, "signed in again");
                Ok(Some(issued))
            }
            otherwise => {
                self.sign_out(session);
                otherwise.map(|_| None)
            }
        }
    }

    /// Logs that a principal is signed in on a session now.
    pub(crate) fn log_entry(session: &Session, principal: &Principal, how: &'static str) {
        tracing::info!(
            session = %session.id(),
            user = principal.email(),
            tenant = principal.tenant_name(),
            role = %principal.role(),
            proof = %principal.proof(),
            "{how}"
        );
    }

    /// What resumes a session from now on, in place of what did before.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the store fails.
    pub async fn make_resumable(
        &self,
        session: &Session,
        principal: &Principal,
        before: Option<&Issued>,
    ) -> Result<Option<Issued>> {
        self.strategies().resume.issue(principal, session.id(), before, self.limits().resume.principal).await
    }

    /// Has a session found by what resumes it.
    #[must_use]
    pub fn berth(&self, session: &Arc<Session>, issued: &Issued) -> Berth {
        self.berths.take(issued.id(), session)
    }

    /// How many sessions can be resumed, and how many of those wait for their clients.
    #[must_use]
    pub fn resumable(&self) -> (usize, usize) {
        self.berths.counts()
    }
}
