//! Tools that ask the client for something. They are written once: a legacy client gets requests while they run, a
//! modern one makes its call again with the answers.

use crate::forms::{choices, defaults};
use crate::tools::tool;
use serde_json::{Value, json};
use sessile::error::Result;
use sessile::tools::{Access, Arguments, Context, Output, Question, Tool};

pub(crate) fn all() -> Vec<Tool> {
    let text =
        |name: &str| json!({ "type": "object", "properties": { name: { "type": "string" } }, "required": [name] });
    vec![
        Tool::raw("test_sampling", Access::Anyone, text("prompt"), |context, arguments| async move {
            let answer = context.ask("answer", Question::completion(&arguments.text("prompt")?, 100)).await?;
            Ok(Output::text(format!("LLM response: {}", answer["content"]["text"])))
        })
        .described("test_sampling", "Asks the client's model."),
        Tool::raw("test_elicitation", Access::Anyone, text("message"), |context, arguments| async move {
            let answer = context.ask("answer", Question::form(&arguments.text("message")?, &account())).await?;
            Ok(Output::text(format!("User response: {answer}")))
        })
        .described("test_elicitation", "Asks a person for name and address."),
        tool("test_elicitation_sep1034_defaults", "Asks with answers filled in.", |context, _| {
            form(context, defaults())
        }),
        tool("test_elicitation_sep1330_enums", "Asks to choose, in five ways.", |context, _| form(context, choices())),
        tool("test_streaming_elicitation", "Asks for a value.", |context, _| form(context, value())),
        tool("test_input_required_result_elicitation", "Asks for a name.", |context, _| async move {
            let answer = context.ask("user_name", name()).await?;
            Ok(Output::text(format!("Hello, {}!", answer["content"]["name"].as_str().unwrap_or("friend"))))
        }),
        tool("test_input_required_result_sampling", "Asks the client's model.", |context, _| async move {
            let question = Question::completion("What is the capital of France?", 100);
            let answer = context.ask("capital_question", question).await?;
            Ok(Output::text(format!("The model says: {}", answer["content"]["text"])))
        }),
        tool("test_input_required_result_list_roots", "Asks for the client's roots.", |context, _| async move {
            let answer = context.ask("client_roots", Question::roots()).await?;
            Ok(Output::text(format!("Its roots: {}", answer["roots"])))
        }),
        tool("test_input_required_result_request_state", "Asks to confirm.", confirmed),
        tool("test_input_required_result_tampered_state", "Asks to confirm.", confirmed),
        tool("test_input_required_result_multiple_inputs", "Asks three things at once.", |context, _| async move {
            let questions = [("user_name", name()), ("greeting", greeting()), ("client_roots", Question::roots())];
            let answers = context.asker().ask_all(questions).await?;
            Ok(Output::text(format!("Answers: {}", answers.len())))
        }),
        tool("test_input_required_result_multi_round", "Asks one thing and then another.", |context, _| async move {
            let name = context.ask("step1", one_text("Step 1: What is your name?", "name")).await?;
            let color = context.ask("step2", one_text("Step 2: What is your favorite color?", "color")).await?;
            Ok(Output::text(format!("{} likes {}.", name["content"]["name"], color["content"]["color"])))
        }),
        tool(
            "test_input_required_result_capabilities",
            "Asks what the client can be asked.",
            |context, _| async move {
                let all = [("user_name", name()), ("greeting", greeting()), ("client_roots", Question::roots())];
                let can = all.into_iter().filter(|(_, question)| context.client_can(question.needs()));
                let answers = context.asker().ask_all(can).await?;
                Ok(Output::text(format!("Answers: {}", answers.len())))
            },
        ),
    ]
}

async fn form(context: Context, schema: Value) -> Result<Output> {
    let answer = context.ask("answer", Question::form("Please fill this in", &schema)).await?;
    Ok(Output::text(format!("Elicitation completed: action={}, content={}", answer["action"], answer["content"])))
}

async fn confirmed(context: Context, _: Arguments) -> Result<Output> {
    // What a client can't be trusted with is covered by the state's digest.
    let begun = context.asker().kept();
    context.asker().keep("begun");
    let schema = json!({ "type": "object", "properties": { "ok": { "type": "boolean" } }, "required": ["ok"] });
    let answer = context.ask("confirm", Question::form("Please confirm", &schema)).await?;
    let state = if begun.as_deref() == Some("begun") { "state-ok" } else { "without a state" };
    Ok(Output::text(format!("{}, {state}", answer["action"])))
}

fn one_text(message: &str, field: &str) -> Question {
    let schema = json!({ "type": "object", "properties": { field: { "type": "string" } }, "required": [field] });
    Question::form(message, &schema)
}

fn name() -> Question {
    one_text("What is your name?", "name")
}

fn greeting() -> Question {
    Question::completion("Generate a greeting", 50)
}

fn value() -> Value {
    json!({ "type": "object", "properties": { "value": { "type": "string" } }, "required": ["value"] })
}

fn account() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": { "type": "string", "description": "User's response" },
            "email": { "type": "string", "description": "User's email address" },
        },
        "required": ["username", "email"],
    })
}
