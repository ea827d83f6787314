//! Tools that say something before they answer: log lines, progress, and that lists and resources have changed.

use crate::resources::WATCHED;
use crate::server::Shared;
use crate::tools::{plain, text};
use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::json;
use std::time::Duration;

pub(crate) fn tools() -> Vec<Tool> {
    vec![
        plain("test_tool_with_logging", "Says three things while it runs."),
        plain("test_logging_tool", "Says one thing to who asked to hear it."),
        plain("test_tool_with_progress", "Says three times how far it is."),
        plain("test_reconnection", "Says one thing, and takes a while."),
        plain("test_trigger_tool_change", "Says that the tools have changed."),
        plain("test_trigger_prompt_change", "Says that the prompts have changed."),
        plain("test_trigger_resource_change", "Says that the resources have changed."),
        plain("test_trigger_resource_update", "Says that test://watched-resource has changed."),
    ]
}

/// Calls one of these tools, or gives nothing.
pub(crate) async fn call(
    name: &str,
    shared: &Shared,
    context: &RequestContext<RoleServer>,
) -> Option<Result<CallToolResult, ErrorData>> {
    match name {
        "test_tool_with_logging" => {
            for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                log(context, LoggingLevel::Info, line).await;
                step().await;
            }
        }
        "test_logging_tool" => {
            if let Some(level) = context.meta.log_level() {
                log(context, level, "this was asked for").await;
            }
        }
        "test_tool_with_progress" => {
            for (progress, message) in [(0.0, "begun"), (50.0, "half of it"), (100.0, "done")] {
                if let Some(token) = context.meta.get_progress_token() {
                    let params = ProgressNotificationParam::new(token, progress);
                    let _ = context.peer.notify_progress(params.with_total(100.0).with_message(message)).await;
                }
                step().await;
            }
        }
        "test_reconnection" => {
            // What comes before the answer makes it a stream, which may be taken up again.
            log(context, LoggingLevel::Info, "there is more to come").await;
            step().await;
        }
        "test_trigger_tool_change" => {
            let _ = context.peer.notify_tool_list_changed().await;
            shared.subscribers.tools_changed().await;
        }
        "test_trigger_prompt_change" => {
            let _ = context.peer.notify_prompt_list_changed().await;
            shared.subscribers.prompts_changed().await;
        }
        "test_trigger_resource_change" => {
            let _ = context.peer.notify_resource_list_changed().await;
            shared.subscribers.resources_changed().await;
        }
        "test_trigger_resource_update" => shared.subscribers.updated(WATCHED).await,
        _ => return None,
    }
    Some(Ok(text(format!("{name} is done"))))
}

/// Who has gone away is not told, and nothing comes of it.
async fn log(context: &RequestContext<RoleServer>, level: LoggingLevel, line: &str) {
    let params = LoggingMessageNotificationParam::new(level, json!(line)).with_logger("everything");
    let _ = context.peer.notify_logging_message(params).await;
}

/// The suite wants to see what is said while the call runs.
async fn step() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
