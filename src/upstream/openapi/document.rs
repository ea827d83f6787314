//! An OpenAPI description: where it comes from, and where in it something is.

use super::api::Api;
use crate::upstream::definition::{Definition, Reach};
use crate::upstream::failure::Failure;
use crate::upstream::outbound::{self, Outbound};
use crate::upstream::outward::Outward;
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use url::Url;

/// The largest description that is read, in bytes.
const LARGEST: usize = 8 << 20;
/// How long one is used for further sessions.
const KEPT: Duration = Duration::from_secs(300);
/// How many references may lead on to others.
const HOPS: usize = 16;

/// What was loaded, each for whose definition it was: one that others load is none of theirs.
static LOADED: Mutex<Vec<Loaded>> = Mutex::new(Vec::new());

type Loaded = (Weak<Definition>, Instant, Arc<Api>);

/// The API that a definition's description tells of.
pub(super) async fn load(outward: &Outward, outbound: &Outbound) -> Result<Arc<Api>, Failure> {
    let definition = outward.definition();
    let Reach::OpenApi { document, .. } = &definition.reach else {
        return Err(Failure::Incomplete("it has no OpenAPI description".into()));
    };
    {
        let mut loaded = LOADED.lock();
        loaded.retain(|(of, at, _)| of.strong_count() > 0 && at.elapsed() < KEPT);
        if let Some((.., api)) = loaded.iter().find(|(of, ..)| Weak::as_ptr(of) == Arc::as_ptr(definition)) {
            return Ok(Arc::clone(api));
        }
    }
    let url = document.contains("://").then(|| Url::parse(document));
    let url = url.transpose().map_err(|_| Failure::Incomplete("its description's URL can't be used".into()))?;
    let bytes = match &url {
        Some(url) => fetch(url, outbound).await?,
        None => read(document.clone()).await?,
    };
    let read = Arc::clone(definition);
    // A large one takes its time.
    let made = tokio::task::spawn_blocking(move || Api::read(&Document::parse(&bytes)?, url.as_ref(), &read)).await;
    let made = made.unwrap_or_else(|error| Err(error.to_string()));
    let api = made.map_err(|wrong| Failure::Unreadable(format!("its OpenAPI description: {wrong}")))?;
    let api = Arc::new(api);
    LOADED.lock().push((Arc::downgrade(definition), Instant::now(), Arc::clone(&api)));
    Ok(api)
}

async fn fetch(url: &Url, outbound: &Outbound) -> Result<Bytes, Failure> {
    // Headers are for the API, and not for wherever its description is.
    let accept = HeaderValue::from_static("application/json, application/yaml, text/yaml;q=0.9, */*;q=0.5");
    let response = outbound.request(Method::GET, url, HeaderMap::from_iter([(ACCEPT, accept)]), Bytes::new()).await?;
    if !response.status().is_success() {
        return Err(Failure::Unreachable(format!(
            "its OpenAPI description has HTTP status {}",
            response.status().as_u16()
        )));
    }
    outbound::read(response.into_body(), LARGEST).await
}

async fn read(path: String) -> Result<Bytes, Failure> {
    let wrong = |error: std::io::Error| Failure::Unreachable(format!("its OpenAPI description: {error}"));
    let read = tokio::task::spawn_blocking(move || match std::fs::metadata(&path)?.len() {
        length if length > LARGEST as u64 => Err(std::io::Error::other(format!("has more than {LARGEST} bytes"))),
        _ => std::fs::read(&path),
    });
    let read = read.await.map_err(|error| Failure::Unreachable(error.to_string()))?;
    read.map(Bytes::from).map_err(wrong)
}

/// A description, with its references.
#[derive(Debug)]
pub(super) struct Document {
    root: Value,
    /// Whether it is of OpenAPI 3.0, whose schemas are not quite JSON Schema.
    pub(super) is_old: bool,
}

impl Document {
    /// Reads one, in JSON or YAML.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
        let root: Value = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())?
        } else {
            serde_saphyr::from_str(text)
                .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())?
        };
        let version = match &root["openapi"] {
            Value::String(version) => version.clone(),
            Value::Number(version) => version.to_string(),
            _ => return Err("has no `openapi`, so it is none; OpenAPI 3.0 and 3.1 are read".into()),
        };
        if !version.starts_with("3.") {
            return Err(format!("is of version {version}; 3.0 and 3.1 are read"));
        }
        Ok(Self { root, is_old: version.starts_with("3.0") })
    }

    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// What is meant: the value itself, or what it refers to within the document.
    pub(super) fn resolve<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        for _ in 0..HOPS {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
            value = self.at(reference).unwrap_or(&Value::Null);
        }
        &Value::Null
    }

    /// What a reference leads to within the document.
    pub(super) fn at(&self, reference: &str) -> Option<&Value> {
        let pointer = reference.strip_prefix('#')?;
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?;
        self.root.pointer(&pointer)
    }
}
