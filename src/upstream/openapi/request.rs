//! The HTTP request that a call becomes.

use super::api::Api;
use super::body::Arguments;
use super::operation::Operation;
use super::parameter::{Parameter, Place};
use super::reply;
use crate::observe::TraceContext;
use crate::upstream::definition::Reach;
use crate::upstream::failure::Failure;
use crate::upstream::outbound::{self, Outbound};
use crate::upstream::outward::Outward;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

/// What a call says of its request; the rest is the same for all calls.
#[derive(Debug)]
pub(super) struct ApiRequest {
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<String>,
}

/// The request of a call with these arguments, or what is wrong with them.
pub(super) fn make(operation: &Operation, arguments: &str) -> Result<ApiRequest, String> {
    let arguments: Arguments<'_> =
        serde_json::from_str(arguments).map_err(|_| "The arguments have to be an object.")?;
    check_names(operation, &arguments)?;
    let (mut path, mut query, mut cookies) = (operation.path.clone(), Vec::new(), Vec::new());
    let mut headers = HeaderMap::new();
    for parameter in &operation.parameters {
        let argument = &parameter.argument;
        let value = arguments.get(argument).map(|raw| serde_json::from_str::<Value>(raw.get()));
        let value = value.transpose().map_err(|error| format!("{argument} can't be read: {error}"))?;
        let Some(value) = value.filter(|value| !value.is_null()) else {
            if parameter.required {
                return Err(format!("{argument} is missing."));
            }
            continue;
        };
        match parameter.place {
            Place::Path => path = path.replace(&format!("{{{}}}", parameter.name), &in_path(parameter, &value)?),
            Place::Query => query.extend(parameter.pairs(&value)),
            Place::Cookie => cookies.extend(parameter.pairs(&value)),
            Place::Header => {
                let name: HeaderName = parameter.name.parse().map_err(|_| format!("{argument} can't be a header."))?;
                let value = HeaderValue::from_str(&parameter.in_one(&value));
                headers
                    .insert(name, value.map_err(|_| format!("{argument} has characters that a header can't have."))?);
            }
        }
    }
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err("An argument would lead to another path. Write names and ids without dots alone.".into());
    }
    if !cookies.is_empty() {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        headers.insert(COOKIE, HeaderValue::from_str(&pairs.join("; ")).map_err(|_| "A cookie can't be sent.")?);
    }
    let body = match &operation.body {
        None => None,
        Some(body) => body.write(&arguments)?.inspect(|_| {
            if let Ok(kind) = HeaderValue::from_str(&body.kind) {
                headers.insert(CONTENT_TYPE, kind);
            }
        }),
    };
    Ok(ApiRequest { path, query, headers, body })
}

fn check_names(operation: &Operation, arguments: &Arguments<'_>) -> Result<(), String> {
    let known = |name: &str| {
        operation.parameters.iter().any(|parameter| parameter.argument == name)
            || operation.body.as_ref().is_some_and(|body| body.takes(name))
    };
    match arguments.keys().find(|name| !known(name)) {
        Some(unknown) => Err(format!("{unknown} is no argument of this tool; its inputSchema names those there are.")),
        None => Ok(()),
    }
}

fn in_path(parameter: &Parameter, value: &Value) -> Result<String, String> {
    let text = parameter.in_path(value);
    // It would be another operation.
    if text.is_empty() { Err(format!("{} is empty.", parameter.argument)) } else { Ok(text) }
}

impl ApiRequest {
    /// Says which trace it belongs to.
    pub(super) fn trace(&mut self, context: &TraceContext) {
        let own = [("traceparent", Some(context.traceparent())), ("tracestate", context.tracestate())];
        for (name, value) in own {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                self.headers.insert(name, value);
            }
        }
    }

    /// Sends it; gives the members of the tool's result, and whether that is a failure.
    pub(super) async fn send(
        self,
        api: &Api,
        outward: &Outward,
        outbound: &Outbound,
        operation: &Operation,
    ) -> Result<(String, bool), Failure> {
        let url = self.url(api, outward).await?;
        let mut headers = self.headers;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.8"));
        // What is configured goes before what a client says.
        let mut configured = outward.headers().await?;
        if let (Some(theirs), Some(ours)) = (headers.get(COOKIE), configured.get_mut(COOKIE)) {
            let both = [ours.as_bytes(), b"; ", theirs.as_bytes()].concat();
            *ours = HeaderValue::from_bytes(&both).map_err(|_| Failure::Incomplete("a cookie can't be sent".into()))?;
            ours.set_sensitive(true);
        }
        headers.extend(configured);
        let body = self.body.map_or_else(Bytes::new, Bytes::from);
        let response = outbound.request(operation.method.clone(), &url, headers, body).await?;
        let definition = outward.definition();
        if response.status() == StatusCode::UNAUTHORIZED && definition.authorization.is_some() {
            let wanted = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
            return Err(Failure::Unauthorized(wanted.map(str::to_owned)));
        }
        let (parts, body) = response.into_parts();
        let body = outbound::read(body, definition.limits.max_message_bytes).await?;
        let named = format!("openapi://{}/{}", definition.name, operation.name);
        Ok(reply::of(parts.status, &parts.headers, &body, &named, operation.gives_object))
    }

    async fn url(&self, api: &Api, outward: &Outward) -> Result<Url, Failure> {
        let configured = matches!(&outward.definition().reach, Reach::OpenApi { base_url: Some(_), .. });
        let base = if configured { Some(outward.url().await?) } else { api.server.clone() };
        let missing = "its description does not say where it is; set base_url";
        let mut url = base.ok_or_else(|| Failure::Incomplete(missing.into()))?;
        let path = format!("{}{}", url.path().trim_end_matches('/'), self.path);
        url.set_path(&path);
        let more = outward.query().await?;
        if !self.query.is_empty() || !more.is_empty() {
            let mut pairs = url.query_pairs_mut();
            pairs.extend_pairs(&self.query);
            pairs.extend_pairs(more.iter().map(|(name, value)| (name, value.as_str())));
        }
        Ok(url)
    }
}
