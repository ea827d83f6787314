//! Prompts, and the completion of their arguments.

use crate::PNG;
use crate::asking::{Asked, Gathered, Script, field, gather};
use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

const PROMPTS: [(&str, &str, &[&str]); 5] = [
    ("test_simple_prompt", "A text.", &[]),
    ("test_prompt_with_arguments", "A text with its arguments in it.", &["arg1", "arg2"]),
    ("test_prompt_with_embedded_resource", "A resource, and what to do with it.", &["resourceUri"]),
    ("test_prompt_with_image", "A picture, and what to do with it.", &[]),
    ("test_input_required_result_prompt", "A text about what a person says.", &[]),
];

pub(crate) fn all() -> ListPromptsResult {
    let entry = |(name, what, arguments): (&str, &str, &[&str])| {
        let argument = |name: &&str| PromptArgument::new(*name).with_required(true);
        let arguments: Vec<_> = arguments.iter().map(argument).collect();
        Prompt::new(name, Some(what), (!arguments.is_empty()).then_some(arguments))
    };
    let result = ListPromptsResult::with_all_items(PROMPTS.map(entry).into());
    result.with_ttl_ms(60_000).with_cache_scope(CacheScope::Public)
}

pub(crate) async fn get(
    states: &RequestStateCodec,
    request: GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let argument = |name: &str| {
        let given = request.arguments.as_ref().and_then(|arguments| arguments.get(name)?.as_str());
        given.ok_or_else(|| ErrorData::invalid_params(format!("`{name}` is missing"), None))
    };
    let user = |text: String| PromptMessage::new_text(Role::User, text);
    let messages = match request.name.as_str() {
        "test_simple_prompt" => vec![user("This is a simple prompt for testing.".into())],
        "test_prompt_with_arguments" => {
            let (first, second) = (argument("arg1")?, argument("arg2")?);
            vec![user(format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource = ResourceContents::text("The text of a resource.", argument("resourceUri")?);
            let embedded = PromptMessage::new(Role::User, ContentBlock::resource(resource));
            vec![embedded, user("Please process the embedded resource above.".into())]
        }
        "test_prompt_with_image" => {
            let image = PromptMessage::new(Role::User, ContentBlock::image(PNG, "image/png"));
            vec![image, user("Please analyze the image above.".into())]
        }
        "test_input_required_result_prompt" => {
            let question = field("What should the prompt be about?", "context", "string");
            let say = |answers: &crate::asking::Answers| format!("It is about {}", answers["user_context"]["content"]);
            let script = Script::once(vec![("user_context", question)], say);
            let asked = Asked::of(request.input_responses, request.request_state);
            match gather(states, script, asked, context).await? {
                Gathered::All(answers) => vec![user(say(&answers))],
                Gathered::Ask(result) => return Ok(result.into()),
            }
        }
        name => return Err(ErrorData::invalid_params(format!("there is no prompt {name}"), None)),
    };
    Ok(GetPromptResult::new(messages).with_description("A prompt for testing").into())
}

pub(crate) fn complete(request: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let known = match &request.r#ref {
        Reference::Prompt(prompt) => PROMPTS.iter().any(|(name, ..)| *name == prompt.name),
        Reference::Resource(resource) => resource.uri == "test://template/{id}/data",
        _ => false,
    };
    if !known {
        return Err(ErrorData::invalid_params("there is no such prompt or template", None));
    }
    let words = ["paris", "park", "party"].into_iter().filter(|word| word.starts_with(&request.argument.value));
    let values = CompletionInfo::new(words.map(str::to_owned).collect());
    Ok(CompleteResult::new(values.map_err(|error| ErrorData::internal_error(error, None))?))
}
