//! One upstream that is asked: as often as it takes, and never so that something is done twice.

use super::authorize::Authorized;
use super::{Passed, Proxied, Target};
use crate::upstream::{Asks, Caller, Failure, List, Opener, Peer, Reach, Refused, Sending};
use crate::wire::{Era, Object};
use serde_json::Value;
use std::sync::Arc;

impl Proxied {
    /// Asks an upstream; once more where that does nothing twice.
    pub(super) async fn to(&mut self, target: &Target) -> Result<Passed, Failure> {
        let opener = self.opener(&target.slot);
        let (mut again, mut renewable, mut granted) = (false, true, false);
        loop {
            let token = target.slot.token().await?;
            let opened = target.slot.peer_with_token(&opener).await;
            let peer = opened.as_ref().ok().map(Arc::clone);
            let tried = match opened {
                Ok(peer) => self.ask(target, &peer, &opener).await,
                Err(failure) => Err(failure),
            };
            let failure = match tried {
                Ok(passed) => return Ok(passed),
                Err(Failure::Unauthorized(challenge)) if target.slot.is_authorized_by_people() && !granted => {
                    let refused = Refused { token, challenge, renewable };
                    match Box::pin(self.authorize(target, &refused)).await? {
                        Authorized::Renewed => renewable = false,
                        Authorized::Granted => granted = true,
                        Authorized::Not(passed) => return Ok(passed),
                    }
                    continue;
                }
                Err(failure) => failure,
            };
            let Some(peer) = peer else { return Err(failure) };
            let lost = matches!(failure, Failure::Forgotten | Failure::Unreachable(_));
            let broken = matches!(failure, Failure::Ended(_)) && self.is_repeatable(target);
            if again || !lost && !broken {
                return Err(failure);
            }
            target.slot.lost(&peer, &failure);
            again = true;
        }
    }

    /// What most calls do without is boxed, so that they are not as large as the largest.
    async fn ask(&self, target: &Target, peer: &Arc<Peer>, opener: &Opener) -> Result<Passed, Failure> {
        match (self.era, peer.era()) {
            (Era::Modern, Era::Legacy) => Box::pin(self.in_rounds(target, peer)).await,
            (Era::Legacy, Era::Modern) => Box::pin(self.by_requests(target, peer, opener)).await,
            _ => {
                let params = self.params(target, peer.era(), opener);
                let mut pending = peer.request(self.sending(target, peer, params, Asks::ByRequest, opener).await);
                let reply = pending.within(target.slot.definition.limits.call).await?;
                Ok(Passed::Reply(reply, peer.era()))
            }
        }
    }

    pub(super) async fn sending<'a>(
        &'a self,
        target: &Target,
        peer: &Peer,
        params: Object<'a>,
        asks: Asks,
        opener: &Opener,
    ) -> Sending<'a> {
        let repeated = self.repeated(target, peer, &params, opener).await;
        let caller = Some(self.caller(asks));
        Sending { method: &self.method, params, name: target.about.clone(), repeated, caller }
    }

    pub(super) fn caller(&self, asks: Asks) -> Caller {
        let principal = self.scope.principal();
        Caller {
            channel: self.channel.clone(),
            whose: (principal.tenant(), principal.user()),
            progress_token: self.progress_token.clone(),
            logs: self.logs,
            asks,
        }
    }

    /// The arguments that headers repeat, where the upstream is one of modern HTTP.
    async fn repeated(
        &self,
        target: &Target,
        peer: &Peer,
        params: &Object<'_>,
        opener: &Opener,
    ) -> Vec<(String, String)> {
        let definition = &target.slot.definition;
        if self.method != "tools/call" || peer.era() != Era::Modern || !matches!(definition.reach, Reach::Http { .. }) {
            return Vec::new();
        }
        let Ok(tools) = target.slot.list(List::Tools, opener).await else { return Vec::new() };
        let Some(tool) = target.about.as_deref().and_then(|name| tools.find(name)) else { return Vec::new() };
        if tool.mirrored.is_empty() {
            return Vec::new();
        }
        let arguments: Value =
            params.get("arguments").and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        let mut repeated = Vec::new();
        for mirrored in &tool.mirrored {
            let value = mirrored.path.iter().try_fold(&arguments, |value, name| value.get(name));
            match value {
                Some(Value::String(text)) => repeated.push((mirrored.header.clone(), text.clone())),
                Some(value @ (Value::Bool(_) | Value::Number(_))) => {
                    repeated.push((mirrored.header.clone(), value.to_string()));
                }
                _ => {}
            }
        }
        repeated
    }

    fn is_repeatable(&self, target: &Target) -> bool {
        match self.method.as_str() {
            "tools/call" => {
                let tools = target.slot.known(List::Tools);
                let tool = target.about.as_deref().zip(tools.as_deref()).and_then(|(name, tools)| tools.find(name));
                tool.is_some_and(|tool| tool.repeatable)
            }
            "prompts/get" | "resources/read" | "completion/complete" => true,
            _ => false,
        }
    }
}
