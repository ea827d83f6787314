//! Which upstream a request is for.

use super::Proxied;
use crate::session::Channel;
use crate::tenancy::TenantScope;
use crate::upstream::{Definition, List, Reply, Slot, Upstreams, opener};
use crate::wire::{Era, Mirrored, Object};
use futures_util::future::join_all;
use std::sync::Arc;

/// The arguments that HTTP headers repeat, of a tool of an upstream's that serves modern clients of HTTP.
pub(in crate::mcp) async fn mirrored(
    upstreams: &Upstreams,
    scope: &TenantScope,
    channel: &Channel,
    tool: &str,
) -> Option<Vec<Mirrored>> {
    if !upstreams.may_serve(scope.principal()) {
        return None;
    }
    let (definition, own) = longest(upstreams.open_to(scope).await, tool)?;
    let slot = upstreams.slot(&definition, scope, channel, Era::Modern).ok()?;
    let opener = opener(channel, Era::Modern, definition.isolation, None);
    let tools = tokio::time::timeout(definition.limits.list, slot.list(List::Tools, &opener)).await.ok()?.ok()?;
    tools.find(&own).map(|tool| tool.mirrored.clone())
}

/// The upstream whose prefix is the longest that a name begins with, and what is left of the name.
fn longest(open: Vec<Arc<Definition>>, name: &str) -> Option<(Arc<Definition>, String)> {
    let named = open.into_iter().filter(|definition| name.starts_with(&definition.prefix));
    let definition = named.max_by_key(|definition| definition.prefix.len())?;
    let own = name[definition.prefix.len()..].to_owned();
    Some((definition, own))
}

impl Proxied {
    /// By a name: the upstream whose prefix is the longest that it begins with, and what is left of the name.
    pub(super) async fn by_name(&self, name: &str) -> Option<(Arc<Definition>, String)> {
        longest(self.open().await, name)
    }

    /// By a URI: those that list it come first, then those with a template that it fits, then the others that have
    /// resources at all.
    pub(super) async fn by_uri(&self, uri: &str) -> Vec<Arc<Slot>> {
        let open = self.open().await;
        if let [only] = &open[..] {
            return self.slot(only).into_iter().collect();
        }
        let ranked = join_all(open.iter().map(|definition| async {
            let slot = self.slot(definition).ok()?;
            let opener = self.opener(&slot);
            let looked = async {
                let resources = slot.list(List::Resources, &opener).await;
                if resources.is_ok_and(|resources| resources.find(uri).is_some()) {
                    return Some(0);
                }
                let templates = slot.list(List::Templates, &opener).await;
                if templates.is_ok_and(|all| all.entries.iter().any(|template| fits(&template.name, uri))) {
                    return Some(1);
                }
                let agreed = slot.open_peer();
                agreed.is_some_and(|peer| peer.agreed().is_some_and(|agreed| agreed.has("resources"))).then_some(2)
            };
            // One that does not say what it has holds up nobody.
            let rank = tokio::time::timeout(definition.limits.list, looked).await.ok().flatten();
            rank.map(|rank| (rank, Arc::clone(&slot)))
        }));
        let mut ranked: Vec<_> = ranked.await.into_iter().flatten().collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, slot)| slot).collect()
    }

    /// By whatever else the parameters say, or because there is only one.
    pub(super) async fn by_parameters(&self) -> Option<Arc<Slot>> {
        let open = self.open().await;
        let params = Object::read(&self.params).unwrap_or_default();
        let task = params.text("taskId").and_then(|task| self.upstreams.of_task(self.scope.principal(), &task));
        let of_task = task.and_then(|name| open.iter().find(|definition| definition.name == name));
        let named = match params.text("name") {
            Some(name) => self.by_name(&name).await.filter(|(definition, _)| !definition.prefix.is_empty()),
            None => None,
        };
        let definition = match (of_task, &named, &open[..]) {
            (Some(definition), ..) | (None, None, [definition]) => definition,
            (None, Some((definition, _)), _) => definition,
            _ => return None,
        };
        self.slot(definition).ok()
    }

    /// Remembers where a task is worked on.
    pub(super) fn note_task(&self, reply: &Reply, upstream: &str) {
        if reply.is_error() || !reply.mentions(r#""taskId""#) {
            return;
        }
        let result = Object::read(reply.payload()).unwrap_or_default();
        let inner = result.get("task").and_then(Object::read).and_then(|task| task.text("taskId"));
        if let Some(task) = inner.or_else(|| result.text("taskId")) {
            self.upstreams.note_task(self.scope.principal(), &task, upstream);
        }
    }
}

/// Whether a URI can be one of a template (RFC 6570): what is around its places has to be there.
fn fits(template: &str, uri: &str) -> bool {
    let mut rest = uri;
    let mut texts = template.split('{').enumerate().map(|(place, part)| match place {
        0 => (true, part),
        _ => (false, part.split_once('}').map_or("", |(_, text)| text)),
    });
    let fits = texts.all(|(first, text)| {
        let found = if first { rest.starts_with(text).then_some(0) } else { rest.find(text) };
        found.is_some_and(|at| {
            rest = &rest[at + text.len()..];
            true
        })
    });
    fits && (rest.is_empty() || template.ends_with('}'))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_uri_fits_a_template_around_its_places() {
        for (template, uri, expected) in [
            ("test://template/{id}/data", "test://template/1/data", true),
            ("test://template/{id}/data", "test://template/1/date", false),
            ("test://template/{id}/data", "test://other/1/data", false),
            ("file:///{path}", "file:///a/b", true),
            ("file:///{+path}{?q}", "file:///a/b?q=1", true),
            ("a://b", "a://b", true),
            ("a://b", "a://bc", false),
            ("{all}", "anything", true),
        ] {
            assert_eq!(fits(template, uri), expected, "{template} {uri}");
        }
    }
}
