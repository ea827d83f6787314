//! The schemas of both eras' revisions, and which definition a message has to fit.

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use sessile::wire::Era;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// A revision's definitions, and the validators that were made of them so far.
struct Schema {
    definitions: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

static LEGACY: LazyLock<Schema> = LazyLock::new(|| Schema::read(include_str!("../../schema/schema-2025-11-25.json")));
static MODERN: LazyLock<Schema> = LazyLock::new(|| Schema::read(include_str!("../../schema/schema-2026-07-28.json")));

/// Methods, the definition of their result, and the eras that have them.
const RESULTS: &[(&str, &str, &[Era])] = &[
    ("completion/complete", "CompleteResult", BOTH),
    ("initialize", "InitializeResult", &[Era::Legacy]),
    ("logging/setLevel", "EmptyResult", &[Era::Legacy]),
    ("ping", "EmptyResult", &[Era::Legacy]),
    // An extension's, of which nothing is known.
    ("vendor.example/sing", "Result", BOTH),
    ("prompts/get", "GetPromptResult", BOTH),
    ("prompts/list", "ListPromptsResult", BOTH),
    ("resources/list", "ListResourcesResult", BOTH),
    ("resources/read", "ReadResourceResult", BOTH),
    ("resources/subscribe", "EmptyResult", &[Era::Legacy]),
    ("resources/templates/list", "ListResourceTemplatesResult", BOTH),
    ("resources/unsubscribe", "EmptyResult", &[Era::Legacy]),
    ("server/discover", "DiscoverResult", &[Era::Modern]),
    ("subscriptions/listen", "SubscriptionsListenResult", &[Era::Modern]),
    ("tools/call", "CallToolResult", BOTH),
    ("tools/list", "ListToolsResult", BOTH),
];

const BOTH: &[Era] = &[Era::Legacy, Era::Modern];

/// Requests of the server and their definitions.
const REQUESTS: &[(&str, &str, &[Era])] = &[
    ("elicitation/create", "ElicitRequest", &[Era::Legacy]),
    ("roots/list", "ListRootsRequest", &[Era::Legacy]),
    ("sampling/createMessage", "CreateMessageRequest", &[Era::Legacy]),
];

/// What may be answered with questions.
const ASKING: [&str; 3] = ["prompts/get", "resources/read", "tools/call"];

/// Notifications of the server and their definitions.
const NOTIFICATIONS: &[(&str, &str, &[Era])] = &[
    ("notifications/cancelled", "CancelledNotification", &[Era::Legacy]),
    ("notifications/elicitation/complete", "ElicitationCompleteNotification", &[Era::Legacy]),
    ("notifications/message", "LoggingMessageNotification", BOTH),
    ("notifications/progress", "ProgressNotification", BOTH),
    ("notifications/prompts/list_changed", "PromptListChangedNotification", BOTH),
    ("notifications/resources/list_changed", "ResourceListChangedNotification", BOTH),
    ("notifications/resources/updated", "ResourceUpdatedNotification", BOTH),
    ("notifications/subscriptions/acknowledged", "SubscriptionsAcknowledgedNotification", &[Era::Modern]),
    ("notifications/tools/list_changed", "ToolListChangedNotification", BOTH),
];

/// Checks the response to a request that succeeded.
pub(super) fn check_result(era: Era, method: &str, response: &Value) {
    let mut definition = definition(RESULTS, era, method);
    if response["result"]["resultType"] == "input_required" {
        assert!(ASKING.contains(&method), "{method} can't be answered with questions: {response}");
        definition = "InputRequiredResult";
    }
    check(era, "JSONRPCResultResponse", response);
    check(era, definition, &response["result"]);
    if era == Era::Legacy {
        for member in ["resultType", "ttlMs", "cacheScope"] {
            assert!(response["result"].get(member).is_none(), "{member} is not of the legacy era: {response}");
        }
    }
}

/// Checks the response to a request that failed.
pub(super) fn check_error(era: Era, response: &Value) {
    check(era, "JSONRPCErrorResponse", response);
    let error = &response["error"];
    match (era, error["code"].as_i64()) {
        (Era::Modern, Some(-32020)) => check(era, "HeaderMismatchError", response),
        (Era::Modern, Some(-32021)) => check(era, "MissingRequiredClientCapabilityError", response),
        (Era::Modern, Some(-32022)) => check(era, "UnsupportedProtocolVersionError", response),
        (_, Some(-32700 | -32603..=-32600)) | (Era::Legacy, Some(-32002)) => {}
        _ => panic!("this revision has no such error code: {response}"),
    }
}

/// Checks a notification.
pub(super) fn check_notification(message: &Value) {
    // Modern ones say to which subscription they belong, or have no twin in the legacy era.
    let of_a_subscription = message.pointer("/params/_meta/io.modelcontextprotocol~1subscriptionId").is_some();
    let era = if of_a_subscription { Era::Modern } else { Era::Legacy };
    let method = message["method"].as_str().expect("a notification has a method");
    check(era, definition(NOTIFICATIONS, era, method), message);
}

/// A validator of a schema that stands for itself.
pub(super) fn compile(schema: &Value) -> Validator {
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
    options.build(schema).unwrap_or_else(|error| panic!("this is not a schema: {error}\n{schema}"))
}

/// Fails the test with all that is wrong.
pub(super) fn fits(validator: &Validator, what: &str, value: &Value) {
    let errors: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "this does not fit {what}: {value}\n{}", errors.join("\n"));
}

/// Checks a request that the server makes.
pub(super) fn check_request(era: Era, request: &Value) {
    let method = request["method"].as_str().expect("a request has a method");
    check(era, "JSONRPCRequest", request);
    check(era, definition(REQUESTS, era, method), request);
}

fn check(era: Era, definition: &str, value: &Value) {
    let schema = if era == Era::Legacy { &LEGACY } else { &MODERN };
    fits(&schema.validator(definition), &format!("{definition} of the {era:?} era"), value);
}

fn definition(table: &[(&str, &'static str, &[Era])], era: Era, method: &str) -> &'static str {
    let row = table.iter().find(|(name, _, eras)| *name == method && eras.contains(&era));
    row.unwrap_or_else(|| panic!("the {era:?} era has no {method}")).1
}

impl Schema {
    fn read(text: &str) -> Self {
        let schema: Value = serde_json::from_str(text).expect("the schema is JSON");
        Self { definitions: schema["$defs"].clone(), validators: Mutex::default() }
    }

    /// Compiled when it is first wanted, and kept.
    fn validator(&self, definition: &str) -> Arc<Validator> {
        let mut validators = self.validators.lock().expect("no test panics in here");
        let validator = validators.entry(definition.to_owned()).or_insert_with(|| {
            let reference = format!("#/$defs/{definition}");
            Arc::new(compile(&json!({ "$ref": reference, "$defs": self.definitions })))
        });
        Arc::clone(validator)
    }
}
