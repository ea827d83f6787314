//! The bounds of sessions. Every one has a named consequence when it is hit.

use super::{RateOptions, ResumeLimits};
use std::time::Duration;

/// What a session may take.
#[derive(Debug, Clone)]
pub struct SessionLimits {
    /// The largest message that is read, in bytes; a larger one closes with 1009.
    pub max_frame_bytes: usize,
    /// Calls of one connection that run at once; a further one is answered with an error.
    pub max_calls_in_flight: usize,
    /// Output that waits for one client, in bytes; past it, the session ends as a slow reader.
    pub max_queued_bytes: usize,
    /// How long a session may stay without a sign-in.
    pub unauthenticated: Duration,
    /// How long nothing has to come before the server pings.
    pub ping_interval: Duration,
    /// How long nothing has to come before the session ends.
    pub idle_timeout: Duration,
    /// How long a client may leave sent bytes unread.
    pub write_timeout: Duration,
    /// Sessions in all.
    pub max_sessions: usize,
    /// Sessions from one address.
    pub max_sessions_per_address: usize,
    /// Signed-in sessions of one user.
    pub max_sessions_per_user: usize,
    /// How long a session over HTTP may be without a request or an open stream.
    pub http_idle: Duration,
    /// How long a session over HTTP may last.
    pub http_lifetime: Duration,
    /// What a session over HTTP was told on its streams that is kept for clients whose connection was cut, in
    /// bytes.
    pub max_replay_bytes: usize,
    /// Signed-in sessions in one tenant.
    pub max_sessions_per_tenant: usize,
    /// What is kept of sessions whose connection was lost.
    pub resume: ResumeLimits,
    /// Requests a second.
    pub rates: RateOptions,
    /// Subscriptions of one session.
    pub max_subscriptions: usize,
    /// Requests to one client that wait for its answer.
    pub max_questions: usize,
    /// How long a client may take to answer one.
    pub answer_timeout: Duration,
}
