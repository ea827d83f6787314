//! A connection that asks to resume: from the credential to the session that goes on.
//!
//! The new connection's task checks the credential and hands its socket to the session's own task, which has gone on
//! without one. In exchange it gets the old socket, if that is still there, and closes it.

use super::control::{self, Credential, Outcome, Told, Wish};
use super::keeping::Keeping;
use super::{Connection, Guard, Socket};
use crate::auth::Issued;
use crate::error::Result;
use crate::session::{EndReason, Session, SessionManager, Visitor};
use crate::wire::{RequestId, WireError};
use futures_util::future::BoxFuture;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;

/// An attempt to resume; the socket is in it.
pub(super) type Resuming = BoxFuture<'static, Attempt>;

/// A socket with the place that it takes.
pub(super) struct Line {
    pub(super) socket: Socket,
    pub(super) guard: Option<Guard>,
}

/// What came of an attempt.
pub(super) enum Attempt {
    /// The connection stays as it is, and this is the answer. Without a word on what became of a session, nothing has.
    Here { line: Line, answer: String, kept: Option<Option<Issued>> },
    /// The session goes on in its own task; the connection that it had before is to be closed.
    Gone(Option<Socket>),
}

/// A client that goes on with a session, as the session's task sees it.
pub(super) struct Returning {
    pub(super) id: RequestId,
    pub(super) line: Line,
    pub(super) peer: IpAddr,
    /// How many messages of the session it has got.
    pub(super) received: u64,
    pub(super) issued: Issued,
    reply: oneshot::Sender<Reply>,
}

enum Reply {
    /// It goes on, and this was its connection before.
    Taken(Option<Socket>),
    /// It does not.
    Back(Line),
}

impl Returning {
    /// Takes the client's line, and has its own task close the connection that the session had before.
    pub(super) fn take(self, before: Option<Socket>) -> Line {
        drop(self.reply.send(Reply::Taken(before)));
        self.line
    }

    /// Sends the client back.
    pub(super) fn turn_away(self) {
        drop(self.reply.send(Reply::Back(self.line)));
    }

    /// Who a visitor is.
    pub(super) fn of(visitor: Visitor) -> Option<Box<Self>> {
        visitor.downcast().ok()
    }
}

impl Connection {
    /// Takes up a client's wish to resume, which is the first thing that it says.
    pub(super) fn begin_to_resume(&mut self, id: RequestId, wish: Result<Wish, WireError>) -> Result<(), EndReason> {
        let wish = match wish {
            Ok(wish) => wish,
            Err(error) => return self.put(control::unfit(&id, &error).into()),
        };
        let (Some(socket), guard) = (self.socket.take(), self.guard.take()) else { return Ok(()) };
        let (manager, session) = (Arc::clone(self.dispatcher.manager()), Arc::clone(self.open.session()));
        let mut keeping = Box::<Keeping>::default();
        keeping.resuming = Some(Box::pin(attempt(manager, session, Line { socket, guard }, id, wish)));
        self.keeping = Some(keeping);
        Ok(())
    }

    /// Whether an attempt to resume runs: then nothing else happens here.
    pub(super) fn is_resuming(&self) -> bool {
        self.keeping.as_ref().is_some_and(|keeping| keeping.resuming.is_some())
    }

    /// Sees the attempt to resume through.
    pub(super) fn poll_resuming(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), EndReason>> {
        let Some(keeping) = &mut self.keeping else { return Poll::Ready(Ok(())) };
        let Some(resuming) = &mut keeping.resuming else { return Poll::Ready(Ok(())) };
        let attempt = ready!(resuming.as_mut().poll(cx));
        keeping.resuming = None;
        let (line, answer, kept) = match attempt {
            Attempt::Here { line, answer, kept } => (line, answer, kept),
            Attempt::Gone(before) => {
                self.keeping = None;
                self.socket = before;
                return Poll::Ready(Err(EndReason::Superseded));
            }
        };
        (self.socket, self.guard) = (Some(line.socket), line.guard);
        match kept {
            None => self.keeping = None,
            Some(issued) => {
                keeping.berth =
                    issued.as_ref().map(|issued| self.dispatcher.manager().berth(self.open.session(), issued));
                keeping.issued = issued;
                // Somebody may be signed in whom nothing was issued to.
                keeping.look = true;
            }
        }
        self.note_standing();
        Poll::Ready(self.put(answer.into()))
    }
}

/// Resumes a session, or says why not.
async fn attempt(
    manager: Arc<SessionManager>,
    session: Arc<Session>,
    mut line: Line,
    id: RequestId,
    wish: Wish,
) -> Attempt {
    let (outcome, issued) = match &wish.credential {
        None => (Outcome::New, issue(&manager, &session).await),
        Some(credential) => match manager.present(&session, credential).await {
            Err(error) => (Outcome::Refused, Err(error)),
            Ok(None) => (Outcome::Refused, issue(&manager, &session).await),
            Ok(Some((principal, issued))) => {
                if let Some(place) = manager.resumes(&issued) {
                    let (reply, replied) = oneshot::channel();
                    let (peer, received) = (session.peer(), wish.received.unwrap_or(0));
                    let returning = Returning { id: id.clone(), line, peer, received, issued: issued.clone(), reply };
                    line = match place.knock(Box::new(returning)) {
                        Ok(()) => match replied.await {
                            Ok(Reply::Taken(before)) => return Attempt::Gone(before),
                            Ok(Reply::Back(line)) => line,
                            // The task was dropped, and the socket with it.
                            Err(_) => return Attempt::Gone(None),
                        },
                        Err(visitor) => match Returning::of(visitor) {
                            Some(returning) => returning.line,
                            None => return Attempt::Gone(None),
                        },
                    };
                }
                match manager.sign_in_again(&session, principal, issued).await {
                    Ok(None) => (Outcome::Refused, issue(&manager, &session).await),
                    issued => (Outcome::SignedIn, issued),
                }
            }
        },
    };
    match issued {
        Ok(issued) => {
            let answer = answer(&manager, &session, &id, (outcome, 0), issued.as_ref());
            Attempt::Here { line, answer, kept: Some(issued) }
        }
        Err(error) => {
            tracing::warn!(session = %session.id(), %error, "could not resume a session");
            Attempt::Here { line, answer: control::failed(&id, &error), kept: None }
        }
    }
}

/// What resumes a new session, if somebody is signed in there by the connection's token.
async fn issue(manager: &SessionManager, session: &Session) -> Result<Option<Issued>> {
    let Some(principal) = session.principal() else { return Ok(None) };
    manager.make_resumable(session, &principal, None).await
}

/// The answer to a client that wants to resume.
pub(super) fn answer(
    manager: &SessionManager,
    session: &Session,
    id: &RequestId,
    (outcome, received): (Outcome, u64),
    issued: Option<&Issued>,
) -> String {
    let waits_seconds = manager.limits().resume.wait.as_secs();
    let credential = issued.map(Credential::of);
    Told { outcome, session: session.id().uuid(), received, waits_seconds, credential }.to(id)
}
