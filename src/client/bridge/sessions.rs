//! Connections that come and go, and what that means for the session and for what the host asked.

use super::answers::Fault;
use super::news::{Verbosity, log_message, say};
use super::opening::{NotOpened, Opened, open};
use super::outgoing::Entry;
use super::pending::{Kind, Waiting};
use super::resume::{Outcome, Welcome};
use super::{Bridge, Connection, Link};
use crate::client::{Closed, DialError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What a request is told whose session is gone.
const GONE: &str = "The connection to the gateway was lost before the answer came, and the session there is gone.";

impl Bridge {
    /// Begins to connect.
    pub(super) fn dial(&mut self) {
        if self.token.is_some() && self.options.url.is_exposed() && !self.was_open {
            let text = "warning: the token travels unencrypted; use a wss:// URL";
            say(self.options.verbosity, Verbosity::Quiet, text);
        }
        let url = Arc::new(self.options.url.clone());
        let opening = open(url, self.token.clone(), self.credential.clone(), self.received);
        self.link = Link::Opening(Box::pin(opening));
    }

    /// There is a connection.
    pub(super) fn opened(&mut self, opened: Opened) {
        let Opened { socket, welcome } = opened;
        let now = Instant::now();
        let resumable = welcome.is_some();
        let mut connection = Box::new(Connection { socket, dirty: false, resumable, last_heard: now, pinged: false });
        let resumed = match welcome {
            Some(Welcome { outcome: Outcome::Resumed, received, credential }) => {
                if !self.outgoing.acknowledge(received) {
                    // No such session is known here.
                    self.credential = None;
                    return self.lost(&super::gateway::cut("it resumed another session"));
                }
                self.outgoing.take_back();
                self.credential = credential.or(self.credential.take());
                true
            }
            other => {
                self.new_session(other);
                false
            }
        };
        if self.credential.is_some() && self.acknowledge(&mut connection).is_err() {
            return self.lost(&super::gateway::cut("it was closed"));
        }
        self.drained = false;
        self.tell_back(resumed);
        self.wake_by(now + self.options.silence);
        self.link = Link::Open(connection);
    }

    /// The session before is gone, if there was one, and this one has to be told what that was told.
    fn new_session(&mut self, welcome: Option<Welcome>) {
        let resumable = welcome.is_some();
        let same_user = welcome.as_ref().is_some_and(|welcome| welcome.outcome == Outcome::SignedIn);
        let signed_in_before = std::mem::replace(&mut self.credential, welcome.and_then(|welcome| welcome.credential));
        // The token brings back its own user, and not whom a tool signed in.
        let other_user = !same_user && self.by_tool && self.token.is_some();
        (self.received, self.unacknowledged) = (0, (0, 0));
        if self.drained {
            self.outgoing.take_back();
        }
        if !same_user {
            self.by_tool = false;
            self.memory.signed_out();
        }
        self.end_questions();
        let mut again = Vec::new();
        for (line, requests) in self.by_line() {
            let may_change = requests.iter().any(|request| matches!(request.kind, Kind::CallTool | Kind::Other));
            let sent = self.outgoing.is_sent(line);
            if other_user && may_change {
                self.outgoing.remove(line);
                let text = "The session is over, and whoever was signed in by a tool is not any more. Sign in again.";
                self.give_up_all(&requests, sent, &Fault::new("not_signed_in", text));
            } else if sent && requests.iter().all(|request| request.is_repeatable(&self.memory)) {
                self.pending.note_sent(line);
                let text = requests.first().map(|first| first.batch.as_ref().unwrap_or(&first.text).clone());
                again.extend(text.map(|text| Entry { text, line: Some(line), is_response: false }));
            } else if sent {
                self.give_up_all(&requests, true, &Fault::new("outcome_unknown", GONE));
            }
        }
        let mut first = self.memory.replay(|line| self.outgoing.is_sent(line));
        first.append(&mut again);
        self.outgoing.restart(first, resumable);
        self.pending.forget_nothing();
        if self.was_open {
            self.memory.changes().iter().for_each(|change| self.output.push(change));
            if signed_in_before.is_some() && self.credential.is_none() {
                let text = format!(
                    "the session at {} is over and nobody is signed in any more: sign in again (auth_sign_in), or run \
                     `sessile login`",
                    self.place
                );
                self.tell("warning", Verbosity::Quiet, &text);
            }
        }
    }

    /// The connection is gone.
    pub(super) fn lost(&mut self, closed: &Closed) {
        let now = Instant::now();
        self.lost_at.get_or_insert(now);
        self.trouble = format!("the connection was lost: {}", closed.reason);
        say(self.options.verbosity, Verbosity::Verbose, &self.trouble);
        match closed.code {
            // What it did not acknowledge last it never took up.
            1001 => self.drained = true,
            1009 => self.too_large(),
            4004..=4011 => return self.hopeless(ended(closed, &self.place)),
            // Nobody signed in for long; there is no need to come back before there is something to do.
            4001 if !self.pending.is_busy() => {
                self.link = Link::Dormant;
                return;
            }
            _ => {}
        }
        self.retry(None);
        self.wake_by(now + super::timing::TELL_AFTER);
        self.wake_by(now + self.options.wait);
    }

    /// No connection came about.
    pub(super) fn not_opened(&mut self, why: NotOpened) {
        let (error, asked) = match why {
            NotOpened::Closed(closed) => return self.lost(&closed),
            NotOpened::Broken(why) => (why, None),
            NotOpened::Dial(error) => {
                // What was a gateway once may be one again.
                let may_pass = error.may_pass() || self.was_open && matches!(error, DialError::NotAGateway(_));
                if !may_pass {
                    return self.hopeless(self.refused(&error));
                }
                let asked = match &error {
                    DialError::Refused { retry_after, .. } => *retry_after,
                    _ => None,
                };
                (error.to_string(), asked)
            }
        };
        say(self.options.verbosity, Verbosity::Verbose, &format!("no connection with {}: {error}", self.place));
        self.trouble = error;
        self.retry(asked);
    }

    fn retry(&mut self, asked: Option<Duration>) {
        let until = Instant::now() + self.backoff.next(asked);
        self.link = Link::Waiting { until };
        self.wake_by(until);
    }

    fn refused(&self, error: &DialError) -> Fault {
        let (place, why) = (&self.place, error.to_string());
        let why = why.trim_end_matches('.');
        if error.is_about_the_token() && self.token.is_some() {
            let code =
                if matches!(error, DialError::Refused { status: 401, .. }) { "invalid_token" } else { "not_allowed" };
            let advice = "put a good token into SESSILE_TOKEN, and restart this MCP server";
            return Fault::new(
                code,
                format!("The gateway at {place} refused the token: {why}. Run `sessile login {place}` or {advice}."),
            );
        }
        let advice = "Check the URL in the configuration of this MCP server (`sessile doctor` looks closer)";
        Fault::new("unreachable", format!("There is no gateway for this at {place}: {why}. {advice}."))
    }

    /// There will be no connection: whoever waits is told, and so is who comes.
    fn hopeless(&mut self, fault: Fault) {
        for (line, requests) in self.by_line() {
            let sent = self.outgoing.is_sent(line);
            self.give_up_all(&requests, sent, &fault);
        }
        self.outgoing.clear();
        self.end_questions();
        self.credential = None;
        self.lost_at.get_or_insert(Instant::now());
        self.tell("error", Verbosity::Quiet, &fault.text);
        self.link = Link::Hopeless { fault, asked: Instant::now() };
    }

    /// The gateway takes no message as long as one that it was sent.
    fn too_large(&mut self) {
        let Some(line) = self.outgoing.drop_longest_sent() else { return };
        let fault = Fault::new("too_large", "The message is longer than the gateway takes, and was not carried out.");
        for request in self.by_line().remove(&line).unwrap_or_default() {
            self.pending.forget(&request.id);
            self.output.push(&fault.answer(&request));
        }
    }

    /// The requests that wait, by the line that they came in.
    fn by_line(&self) -> BTreeMap<u64, Vec<Waiting>> {
        let mut lines: BTreeMap<u64, Vec<Waiting>> = BTreeMap::new();
        for request in self.pending.in_order() {
            lines.entry(request.line).or_default().push(request);
        }
        lines
    }

    /// Answers requests of one line for the gateway, which may have carried out what was sent to it.
    pub(super) fn give_up_all(&mut self, requests: &[Waiting], sent: bool, fault: &Fault) {
        for request in requests {
            self.pending.forget(&request.id);
            let answer = if (sent || request.was_sent) && request.may_change(&self.memory) {
                Fault::unknown(request, &fault.text).answer(request)
            } else {
                fault.answer(request)
            };
            self.output.push(&answer);
        }
    }

    /// What the gateway asked the host has come to nothing.
    fn end_questions(&mut self) {
        for id in self.asked.drain() {
            let params = format!(r#"{{"requestId":{},"reason":"the session ended"}}"#, id.as_json());
            self.output.push(&crate::wire::notification("notifications/cancelled", &params));
        }
    }

    fn tell_back(&mut self, resumed: bool) {
        let away = self.lost_at.take().map_or(Duration::ZERO, |at| at.elapsed());
        let place = &self.place;
        let text = match (self.was_open, resumed) {
            (false, _) => format!("connected to {place}"),
            (true, true) => {
                format!("connected to {place} again after {:.1} s; the session goes on", away.as_secs_f32())
            }
            (true, false) => format!("connected to {place} again after {:.1} s, in a new session", away.as_secs_f32()),
        };
        let told = std::mem::take(&mut self.lost_told);
        if !self.was_open {
            say(self.options.verbosity, Verbosity::Normal, &text);
        } else if told || !resumed {
            self.tell("info", Verbosity::Normal, &text);
        } else {
            say(self.options.verbosity, Verbosity::Verbose, &text);
        }
        self.was_open = true;
    }

    /// Tells people and the host.
    pub(super) fn tell(&mut self, level: &str, from: Verbosity, text: &str) {
        say(self.options.verbosity, from, text);
        if let Some(message) = log_message(&self.memory, level, text) {
            self.output.push(&message);
        }
    }
}

/// Why a session that the gateway ended is not to be opened again.
fn ended(closed: &Closed, place: &str) -> Fault {
    let (code, why, advice) = match closed.code {
        4004 => ("session_ended", "ended the session", "Ask the user; to connect again"),
        4005 => {
            ("password_changed", "ended the session because the password was changed", "To sign in with the new one")
        }
        4006 => (
            "membership_ended",
            "ended the session because the user is no longer a member of the tenant",
            "To sign in to another one",
        ),
        4007 => {
            ("credential_revoked", "ended the session because its key or sign-in was taken back", "To sign in again")
        }
        4008 => ("credential_expired", "ended the session because its key or sign-in has expired", "To sign in again"),
        4009 => ("account_disabled", "ended the session because the account was disabled", "Once that is over"),
        4010 => ("tenant_suspended", "ended the session because the tenant was suspended", "Once that is over"),
        _ => ("superseded", "gave the session to another connection", "To connect again"),
    };
    Fault::new(
        code,
        format!("The gateway at {place} {why}. {advice}, run `sessile login {place}` and restart this MCP server."),
    )
}
