//! Tools that ask the client for something. Each is a script: what is asked, in rounds, and what is said in the end. A
//! legacy client gets requests while the tool runs; a modern one gets `input_required`, and calls again with answers.

use crate::forms::{choices, defaults};
use crate::tools::{plain, text, tool};
use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) type Answers = BTreeMap<String, Value>;

/// What is asked, and what comes of it.
pub(crate) struct Script {
    pub(crate) rounds: Vec<Vec<(&'static str, InputRequest)>>,
    pub(crate) say: fn(&Answers) -> String,
    /// Whether a client has to bring back a state even when one round is all there is.
    keeps: bool,
    /// Whether what the client can't be asked is left out; it is refused otherwise.
    lenient: bool,
}

/// What a modern client has brought with its call.
pub(crate) struct Asked {
    responses: InputResponses,
    state: Option<String>,
}

/// What there is after a call: the answers to all questions, or what has to be asked first.
pub(crate) enum Gathered {
    All(Answers),
    Ask(InputRequiredResult),
}

/// What travels in a state.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    round: usize,
    answers: Answers,
}

impl Asked {
    pub(crate) fn of(responses: Option<InputResponses>, state: Option<String>) -> Self {
        Self { responses: responses.unwrap_or_default(), state }
    }
}

impl Script {
    pub(crate) fn once(questions: Vec<(&'static str, InputRequest)>, say: fn(&Answers) -> String) -> Self {
        Self { rounds: vec![questions], say, keeps: false, lenient: false }
    }

    fn keeping(self) -> Self {
        Self { keeps: true, ..self }
    }

    fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }
}

pub(crate) fn tools() -> Vec<Tool> {
    let with_text = |name: &str| {
        let texts = json!({ name: { "type": "string" } });
        json!({ "type": "object", "properties": texts, "required": [name] })
    };
    vec![
        tool("test_sampling", "Asks the client's model.", with_text("prompt")),
        tool("test_elicitation", "Asks a person for name and address.", with_text("message")),
        plain("test_elicitation_sep1034_defaults", "Asks with answers filled in."),
        plain("test_elicitation_sep1330_enums", "Asks to choose, in five ways."),
        plain("test_streaming_elicitation", "Asks for a value."),
        plain("test_input_required_result_elicitation", "Asks for a name."),
        plain("test_input_required_result_sampling", "Asks the client's model."),
        plain("test_input_required_result_list_roots", "Asks for the client's roots."),
        plain("test_input_required_result_request_state", "Asks to confirm."),
        plain("test_input_required_result_tampered_state", "Asks to confirm."),
        plain("test_input_required_result_multiple_inputs", "Asks three things at once."),
        plain("test_input_required_result_multi_round", "Asks one thing and then another."),
        plain("test_input_required_result_capabilities", "Asks what the client can be asked."),
    ]
}

/// The script of the tool that is called, if it is one that asks.
pub(crate) fn script(request: &CallToolRequestParams) -> Option<Script> {
    let argument = |name: &str| request.arguments.as_ref().and_then(|arguments| arguments.get(name)?.as_str());
    let three = || vec![("user_name", name()), ("greeting", model("Say hello.", 50)), ("client_roots", roots())];
    Some(match request.name.as_ref() {
        "test_sampling" => {
            let question = model(argument("prompt").unwrap_or("Say something."), 100);
            Script::once(vec![("answer", question)], |answers| format!("LLM response: {}", said(answers, "answer")))
        }
        "test_elicitation" => {
            let question = form(argument("message").unwrap_or("Who are you?"), account());
            Script::once(vec![("answer", question)], |answers| format!("User response: {}", answers["answer"]))
        }
        "test_elicitation_sep1034_defaults" => Script::once(vec![("answer", form("Fill this in", defaults()))], done),
        "test_elicitation_sep1330_enums" => Script::once(vec![("answer", form("Choose", choices()))], done),
        "test_streaming_elicitation" => Script::once(vec![("answer", field("Give a value", "value", "string"))], done),
        "test_input_required_result_elicitation" => Script::once(vec![("user_name", name())], |answers| {
            format!("Hello, {}!", answers["user_name"]["content"]["name"].as_str().unwrap_or("friend"))
        }),
        "test_input_required_result_sampling" => {
            let question = model("What is the capital of France?", 100);
            Script::once(vec![("capital_question", question)], |answers| {
                format!("The model says: {}", said(answers, "capital_question"))
            })
        }
        "test_input_required_result_list_roots" => Script::once(vec![("client_roots", roots())], |answers| {
            format!("The client's roots: {}", answers["client_roots"]["roots"])
        }),
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            let question = field("Please confirm", "ok", "boolean");
            Script::once(vec![("confirm", question)], |_| "confirmed, state-ok".into()).keeping()
        }
        "test_input_required_result_multiple_inputs" => Script::once(three(), done).keeping(),
        "test_input_required_result_multi_round" => {
            let second = field("Step 2: What is your favorite color?", "color", "string");
            let rounds = vec![vec![("step1", name())], vec![("step2", second)]];
            let say = |answers: &Answers| format!("Answers: {}, {}", answers["step1"], answers["step2"]);
            Script { rounds, say, keeps: true, lenient: false }
        }
        "test_input_required_result_capabilities" => Script::once(three(), done).lenient(),
        _ => return None,
    })
}

/// Plays a script for a tool.
pub(crate) async fn play(
    states: &RequestStateCodec,
    script: Script,
    asked: Asked,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let say = script.say;
    Ok(match gather(states, script, asked, context).await? {
        Gathered::All(answers) => text(say(&answers)).into(),
        Gathered::Ask(result) => result.into(),
    })
}

/// Asks what is not answered yet.
pub(crate) async fn gather(
    states: &RequestStateCodec,
    script: Script,
    asked: Asked,
    context: &RequestContext<RoleServer>,
) -> Result<Gathered, ErrorData> {
    let client = context.client_capabilities().unwrap_or_default();
    let mut rounds = script.rounds;
    for round in &mut rounds {
        if script.lenient {
            round.retain(|(_, question)| lacking(&client, question).is_none());
        } else if let Some(needed) = round.iter().find_map(|(_, question)| lacking(&client, question)) {
            return Err(ErrorData::missing_required_client_capability(needed));
        }
    }
    rounds.retain(|round| !round.is_empty());
    if context.protocol_version().is_none_or(|version| version < ProtocolVersion::V_2026_07_28) {
        return ask_now(rounds, context).await.map(Gathered::All);
    }

    let mut kept = match &asked.state {
        Some(sealed) => {
            let refusal = |_| ErrorData::invalid_params("the requestState is none of this server's", None);
            states.open_json::<Kept>(sealed).map_err(refusal)?
        }
        None => Kept::default(),
    };
    // What is no answer is asked for again, and so is what comes without the state that it belongs to.
    let welcome = asked.state.is_some() || !script.keeps;
    if let Some(round) = rounds.get(kept.round)
        && welcome
        && round.iter().all(|(key, _)| asked.responses.get(*key).is_some_and(Value::is_object))
    {
        for (key, _) in round {
            kept.answers.insert((*key).into(), asked.responses[*key].clone());
        }
        kept.round += 1;
    }
    let Some(round) = rounds.get(kept.round) else { return Ok(Gathered::All(kept.answers)) };
    let sealing = |error: RequestStateError| ErrorData::internal_error(error.to_string(), None);
    let state = script.keeps.then(|| states.seal_json(&kept).map_err(sealing)).transpose()?;
    let questions = round.iter().map(|(key, question)| ((*key).to_owned(), question.clone())).collect();
    Ok(Gathered::Ask(InputRequiredResult::new(Some(questions), state)))
}

/// Asks a legacy client, one thing after the other.
async fn ask_now(
    rounds: Vec<Vec<(&'static str, InputRequest)>>,
    context: &RequestContext<RoleServer>,
) -> Result<Answers, ErrorData> {
    let mut answers = Answers::new();
    for (key, question) in rounds.into_iter().flatten() {
        let request = match question {
            InputRequest::CreateMessage(request) => request.into(),
            InputRequest::Elicitation(request) => request.into(),
            InputRequest::ListRoots(request) => ServerRequest::from(request),
            _ => return Err(ErrorData::internal_error("there is no such question", None)),
        };
        let unanswered = |error| ErrorData::internal_error(format!("the client did not answer: {error}"), None);
        let answer = context.peer.send_request(request).await.map_err(unanswered)?;
        answers.insert(key.into(), json!(answer));
    }
    Ok(answers)
}

/// What the client would have to declare to be asked this.
fn lacking(client: &ClientCapabilities, question: &InputRequest) -> Option<ClientCapabilities> {
    let needs = ClientCapabilities::builder();
    match question {
        InputRequest::CreateMessage(_) => client.sampling.is_none().then(|| needs.enable_sampling().build()),
        InputRequest::Elicitation(_) => client.elicitation.is_none().then(|| needs.enable_elicitation().build()),
        _ => client.roots.is_none().then(|| needs.enable_roots().build()),
    }
}

fn said(answers: &Answers, key: &str) -> String {
    let content = &answers[key]["content"];
    // A model's answer has one piece, or a list of them.
    content["text"].as_str().or_else(|| content[0]["text"].as_str()).unwrap_or("nothing").to_owned()
}

fn done(answers: &Answers) -> String {
    let each = answers.values().map(|answer| format!("action={}, content={}", answer["action"], answer["content"]));
    format!("Elicitation completed: {}", each.collect::<Vec<_>>().join("; "))
}

pub(crate) fn form(message: &str, schema: Value) -> InputRequest {
    let requested_schema = serde_json::from_value(schema).expect("it is a schema of a form");
    let params = ElicitRequestParams::FormElicitationParams { meta: None, message: message.into(), requested_schema };
    InputRequest::Elicitation(ElicitRequest::new(params))
}

/// A form with one field.
pub(crate) fn field(message: &str, name: &str, kind: &str) -> InputRequest {
    form(message, json!({ "type": "object", "properties": { name: { "type": kind } }, "required": [name] }))
}

fn name() -> InputRequest {
    field("What is your name?", "name", "string")
}

fn model(prompt: &str, most: u32) -> InputRequest {
    let params = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], most);
    InputRequest::CreateMessage(CreateMessageRequest::new(params))
}

fn roots() -> InputRequest {
    InputRequest::ListRoots(ListRootsRequest::default())
}

fn account() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": { "type": "string", "description": "What to call you" },
            "email": { "type": "string", "description": "Where to write to" },
        },
        "required": ["username", "email"],
    })
}
