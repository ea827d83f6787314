//! The tools of the tasks extension: each may become a task that outlives its call.

use crate::asking::field;
use crate::tools::{plain, text, tool};
use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::task_manager::{TaskContext, TaskExit, TaskManager, TaskOptions};
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// Those that can't be called without a task.
const ONLY_AS_TASKS: [&str; 4] = ["failing_job", "confirm_delete", "multi_input", "test_tool_with_task"];

pub(crate) fn tools() -> Vec<Tool> {
    let with = |name: &str, kind: &str| json!({ "type": "object", "properties": { name: { "type": kind } } });
    vec![
        tool("greet", "Says hello, at once.", with("name", "string")),
        tool("slow_compute", "Takes some seconds.", with("seconds", "number")),
        plain("failing_job", "Fails, as a tool does."),
        plain("protocol_error_job", "Fails, as a server does."),
        tool("confirm_delete", "Asks before it goes on.", with("filename", "string")),
        plain("multi_input", "Asks two things before it goes on."),
        plain("test_tool_with_task", "Asks for a name, and then takes a while."),
    ]
}

pub(crate) fn has(name: &str) -> bool {
    tools().iter().any(|tool| tool.name == name)
}

pub(crate) async fn call(
    tasks: &TaskManager,
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let declared = context.client_capabilities().is_some_and(|client| client.supports_tasks());
    if !declared && ONLY_AS_TASKS.contains(&request.name.as_ref()) {
        let needed = ClientCapabilities::builder().enable_tasks().build();
        return Err(ErrorData::missing_required_client_capability(needed));
    }
    let argument = |name: &str| request.arguments.as_ref().and_then(|arguments| arguments.get(name));
    match request.name.as_ref() {
        "greet" => {
            let name = argument("name").and_then(Value::as_str).unwrap_or("friend");
            return Ok(text(format!("Hello, {name}!")).into());
        }
        "test_tool_with_task" => {
            let answer = request.input_responses.as_ref().and_then(|responses| responses.get("user_name"));
            let Some(name) = answer.map(|answer| answer["content"]["name"].as_str().unwrap_or("friend").to_owned())
            else {
                let question = field("What is your name?", "name", "string");
                return Ok(InputRequiredResult::from_input_requests([("user_name".into(), question)].into()).into());
            };
            return Ok(begin(tasks, |_| async move {
                sleep(Duration::from_millis(200)).await;
                Ok(text(format!("Hello, {name}, from a task!")))
            }));
        }
        "confirm_delete" => {
            let name = argument("filename").and_then(Value::as_str).unwrap_or("a file").to_owned();
            return Ok(begin(tasks, |task| async move {
                let question = field(&format!("Delete {name}?"), "confirm", "boolean");
                let answer = task.request_input("confirm", question).await?;
                Ok(text(format!("{name}: {}", answer["content"])))
            }));
        }
        "multi_input" => {
            return Ok(begin(tasks, |task| async move {
                let first = task.request_input("first", field("The first", "value", "string"));
                let second = task.request_input("second", field("The second", "value", "string"));
                let (first, second) = tokio::try_join!(first, second)?;
                Ok(text(format!("{} and {}", first["content"], second["content"])))
            }));
        }
        _ => {}
    }

    // These do the same with a task or without.
    let seconds = argument("seconds").and_then(Value::as_f64).unwrap_or(1.0).clamp(0.0, 60.0);
    let name = request.name.clone();
    let work = async move {
        match name.as_ref() {
            "failing_job" => {
                sleep(Duration::from_secs(1)).await;
                Ok(CallToolResult::error(vec![ContentBlock::text("this job fails whenever it is run")]))
            }
            "protocol_error_job" => {
                sleep(Duration::from_millis(200)).await;
                Err(ErrorData::internal_error("this job breaks its server whenever it is run", None))
            }
            _ => {
                sleep(Duration::from_secs_f64(seconds)).await;
                Ok(text(format!("done after {seconds} s")))
            }
        }
    };
    if !declared {
        return work.await.map(Into::into);
    }
    Ok(begin(tasks, |task| async move {
        tokio::select! {
            () = task.cancelled() => Err(TaskExit::Cancelled),
            result = work => result.map_err(TaskExit::Error),
        }
    }))
}

fn begin<F>(tasks: &TaskManager, work: impl FnOnce(TaskContext) -> F + Send + 'static) -> CallToolResponse
where
    F: Future<Output = Result<CallToolResult, TaskExit>> + Send + 'static,
{
    CreateTaskResult::new(tasks.spawn(TaskOptions::default(), |task| Box::pin(work(task)))).into()
}
