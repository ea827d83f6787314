//! Prompts, and the completion of their arguments.

use crate::PNG;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sessile::error::Result;
use sessile::tools::{
    Arguments, Completing, Completions, Content, Contents, Context, Members, Page, Prompts, Question, Reference,
};
use std::time::Duration;

/// Each prompt with its arguments.
const PROMPTS: [(&str, &str, &[&str]); 5] = [
    ("test_simple_prompt", "A text.", &[]),
    ("test_prompt_with_arguments", "A text with its arguments in it.", &["arg1", "arg2"]),
    ("test_prompt_with_embedded_resource", "A resource, and what to do with it.", &["resourceUri"]),
    ("test_prompt_with_image", "An image, and what to do with it.", &[]),
    ("test_input_required_result_prompt", "A text about what a person says.", &[]),
];

#[derive(Debug)]
pub(crate) struct Scripts;

impl Prompts for Scripts {
    fn list<'a>(&'a self, _: &'a Context, _: Option<&'a str>) -> BoxFuture<'a, Result<Page>> {
        let entry = |(name, what, arguments): (&str, &str, &[&str])| {
            let argument = |name: &&str| json!({ "name": name, "description": "Goes into the text", "required": true });
            let arguments: Vec<Value> = arguments.iter().map(argument).collect();
            json!({ "name": name, "description": what, "arguments": arguments })
        };
        Box::pin(async move { Ok(Page::of(&PROMPTS.map(entry)).public(Duration::from_secs(60))) })
    }

    fn get<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        arguments: &'a Arguments,
    ) -> BoxFuture<'a, Result<Option<Members>>> {
        Box::pin(async move {
            let messages = match name {
                "test_simple_prompt" => vec![Content::text("This is a simple prompt for testing.")],
                "test_prompt_with_arguments" => {
                    let (first, second) = (arguments.text("arg1")?, arguments.text("arg2")?);
                    vec![Content::text(format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))]
                }
                "test_prompt_with_embedded_resource" => {
                    let uri = arguments.text("resourceUri")?;
                    let resource = Contents::text(&uri, "text/plain", "Embedded resource content for testing.");
                    vec![Content::embedded(&resource), Content::text("Please process the embedded resource above.")]
                }
                "test_prompt_with_image" => {
                    vec![Content::image(PNG, "image/png"), Content::text("Please analyze the image above.")]
                }
                "test_input_required_result_prompt" => {
                    let schema = json!({ "type": "object", "properties": { "context": { "type": "string" } }, "required": ["context"] });
                    let question = Question::form("What context should the prompt use?", &schema);
                    let answer = context.ask("user_context", question).await?;
                    vec![Content::text(format!("Use this context: {}", answer["content"]["context"]))]
                }
                _ => return Ok(None),
            };
            Ok(Some(Members::messages("A prompt for testing", &messages)))
        })
    }

    fn list_changes(&self) -> bool {
        true
    }
}

impl Completions for Scripts {
    fn complete<'a>(&'a self, _: &'a Context, wanted: &'a Completing) -> BoxFuture<'a, Result<Option<Members>>> {
        Box::pin(async move {
            let known = match &wanted.reference {
                Reference::Prompt { name } => PROMPTS.iter().any(|(prompt, ..)| prompt == name),
                Reference::Resource { uri } => uri == "test://template/{id}/data",
            };
            let words = ["paris", "park", "party"].iter().filter(|word| word.starts_with(&wanted.value));
            let words: Vec<String> = words.map(|word| (*word).to_owned()).collect();
            Ok(known.then(|| Members::completion(&words, words.len())))
        })
    }
}
