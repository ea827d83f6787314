//! stub
use super::{Failure, Inbox, Link, outward::Outward};
use std::sync::Arc;
use tokio_util::task::TaskTracker;
pub(crate) async fn open(_: Outward, _: Arc<dyn Inbox>, _: &TaskTracker) -> Result<Box<dyn Link>, Failure> {
    Err(Failure::Unreachable("no".into()))
}
