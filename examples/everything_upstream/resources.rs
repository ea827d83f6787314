//! Resources: two that stay as they are, one that can be watched, and a template.

use crate::PNG;
use rmcp::ErrorData;
use rmcp::model::*;
use serde_json::json;

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
pub(crate) const WATCHED: &str = "test://watched-resource";

pub(crate) fn all() -> ListResourcesResult {
    let resources = [(TEXT, "text", "text/plain"), (BINARY, "pixel", "image/png"), (WATCHED, "watched", "text/plain")];
    let entry = |(uri, name, mime_type)| Resource::new(uri, name).with_mime_type(mime_type);
    let result = ListResourcesResult::with_all_items(resources.map(entry).into());
    result.with_ttl_ms(60_000).with_cache_scope(CacheScope::Public)
}

pub(crate) fn templates() -> ListResourceTemplatesResult {
    let template = ResourceTemplate::new("test://template/{id}/data", "data").with_mime_type("application/json");
    let result = ListResourceTemplatesResult::with_all_items(vec![template]);
    result.with_ttl_ms(60_000).with_cache_scope(CacheScope::Public)
}

pub(crate) fn read(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let id = || uri.strip_prefix("test://template/")?.strip_suffix("/data");
    let contents = match uri {
        TEXT => ResourceContents::text("This is the content of the static text resource.", uri),
        WATCHED => ResourceContents::text("Something that may change.", uri),
        BINARY => ResourceContents::blob(PNG, uri).with_mime_type("image/png"),
        _ => {
            let missing = || ErrorData::resource_not_found("there is no such resource", Some(json!({ "uri": uri })));
            let id = id().ok_or_else(missing)?;
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            ResourceContents::text(data.to_string(), uri).with_mime_type("application/json")
        }
    };
    let result = ReadResourceResult::new(vec![contents]);
    Ok(result.with_ttl_ms(60_000).with_cache_scope(CacheScope::Public))
}
