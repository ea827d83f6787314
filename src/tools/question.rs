//! What a tool may ask a client for.

use crate::wire::Capability;
use serde_json::{Value, json};

/// A request to the client, in either era.
#[derive(Debug, Clone)]
pub struct Question {
    method: &'static str,
    params: Value,
    needs: Capability,
}

impl Question {
    /// Has a person fill in a form. The schema is an object of strings, numbers, booleans and choices.
    #[must_use]
    pub fn form(message: &str, requested_schema: &Value) -> Self {
        Self::elicitation(json!({ "mode": "form", "message": message, "requestedSchema": requested_schema }))
    }

    /// Has a person say something on a web page, such as what a model must not see. The answer only says that they
    /// went there.
    #[must_use]
    pub fn visit(message: &str, url: &str) -> Self {
        let id = uuid::Uuid::now_v7();
        Self::elicitation(json!({ "mode": "url", "message": message, "url": url, "elicitationId": id }))
    }

    /// Asks a person, with the parameters of `elicitation/create`.
    #[must_use]
    pub fn elicitation(params: Value) -> Self {
        let needs = if params["mode"] == "url" { Capability::UrlElicitation } else { Capability::Elicitation };
        Self { method: "elicitation/create", params, needs }
    }

    /// Has the client's model go on from what a user says.
    #[must_use]
    pub fn completion(prompt: &str, max_tokens: u32) -> Self {
        let message = json!({ "role": "user", "content": { "type": "text", "text": prompt } });
        Self::sampling(json!({ "messages": [message], "maxTokens": max_tokens }))
    }

    /// Asks the client's model, with the parameters of `sampling/createMessage`.
    #[must_use]
    pub fn sampling(params: Value) -> Self {
        Self { method: "sampling/createMessage", params, needs: Capability::Sampling }
    }

    /// Asks for the directories that the client works in.
    #[must_use]
    pub fn roots() -> Self {
        Self { method: "roots/list", params: json!({}), needs: Capability::Roots }
    }

    /// The method of the request.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// What a client must have declared to be asked.
    #[must_use]
    pub fn needs(&self) -> Capability {
        self.needs
    }

    pub(super) fn params(&self) -> String {
        self.params.to_string()
    }

    /// The request without an id, as `inputRequests` have it.
    pub(super) fn as_input_request(&self) -> Value {
        let mut params = self.params.clone();
        if let Some(params) = params.as_object_mut() {
            // Only the legacy era can tell a client later that this one is done.
            params.remove("elicitationId");
        }
        json!({ "method": self.method, "params": params })
    }

    /// Whether something can be an answer to it.
    pub(super) fn is_answered_by(&self, answer: &Value) -> bool {
        match self.needs {
            Capability::Elicitation | Capability::UrlElicitation => {
                matches!(answer["action"].as_str(), Some("accept" | "decline" | "cancel"))
            }
            Capability::Sampling => {
                answer["role"].is_string() && (answer["content"].is_object() || answer["content"].is_array())
            }
            Capability::Roots => answer["roots"].is_array(),
        }
    }
}
