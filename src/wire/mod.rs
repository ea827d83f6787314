//! JSON-RPC and MCP as bytes: the borrowed envelope, ids, error codes, and both eras' versions.
//!
//! Nothing here knows a session or a tool. The envelope is parsed once, borrowing from the frame;
//! `params` stay raw until the code that wants them reads them into its own type.

mod answer;
mod answered;
mod capabilities;
mod codes;
mod envelope;
mod frame;
mod id;
mod level;
mod mirror;
mod object;
mod passing;
mod version;

pub use answer::{Answer, notification, request};
pub use answered::answered;
pub use capabilities::{Capabilities, Capability};
pub use codes::{ErrorCode, INTERNAL, RESUME_FIRST, WireError};
pub use envelope::{Incoming, Meta, Request, Text, parse};
pub use frame::{Frame, Outcome};
pub use id::RequestId;
pub use level::{log_level, log_level_name};
pub use mirror::{Mirrored, mirrored_by_schema};
pub use object::Object;
pub use passing::{Passing, Response};
pub use version::{Era, LATEST_LEGACY, LEGACY, MODERN, allows_batches, is_core, keeps_null_ids, negotiate};
