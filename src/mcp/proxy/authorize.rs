//! A person who is asked to let the gateway use an upstream for them.
//!
//! A legacy client is asked by a request; a modern one by the result of its own, which it makes again. Whose client can't be
//! asked is told what to visit.

use super::{Passed, Proxied, Target};
use crate::tools::{Asker, Question};
use crate::upstream::{Failure, Refused, Stage, Visit};
use crate::wire::{Capability, Era, Object, notification};
use serde_json::json;
use tokio::time::timeout;

/// What has come of an upstream's refusal.
pub(super) enum Authorized {
    /// There is another token already.
    Renewed,
    /// A person has authorized the gateway.
    Granted,
    /// There is no token, and this is to be answered.
    Not(Passed),
}

/// What the keys of these questions begin with.
const KEY: &str = "authorize-";
const CAME_TO_NOTHING: &str =
    "is not authorized, since the page that was visited gave no access; call again to be asked once more";

impl Proxied {
    /// Sees to it that there is a token in place of what the upstream has refused.
    pub(super) async fn authorize(&self, target: &Target, refused: &Refused) -> Result<Authorized, Failure> {
        let Some(visit) = target.slot.visit(refused, &self.scope).await? else { return Ok(Authorized::Renewed) };
        // What an upstream has asked for in this round would be lost by another question.
        let askable = |asker: &&Asker| asker.can(Capability::UrlElicitation) && !self.is_of_a_foreign_round();
        let Some(asker) = self.asker.as_ref().filter(askable) else {
            return Ok(Authorized::Not(self.to_visit(target, &visit, "")));
        };
        let limit = target.slot.definition.limits.call;
        match timeout(limit, self.permitted(target, asker, &visit)).await {
            Ok(Ok(())) => Ok(Authorized::Granted),
            Ok(Err(failure)) => Err(failure),
            Err(_) => {
                if self.era == Era::Modern {
                    visit.release();
                }
                let late = format!(", and nobody has within {} s", limit.as_secs());
                Ok(Authorized::Not(self.to_visit(target, &visit, &late)))
            }
        }
    }

    /// Waits until the person has been where they are to go, and asks them to if nobody else does.
    async fn permitted(&self, target: &Target, asker: &Asker, visit: &Visit) -> Result<(), Failure> {
        let answered = self.answered();
        if answered.as_ref().is_some_and(|id| *id != visit.id) {
            return Err(Failure::NotAuthorized(CAME_TO_NOTHING.into()));
        }
        loop {
            let mut asking = visit.ask();
            let asks = asking.is_some();
            if asks || answered.is_some() {
                if self.era == Era::Modern
                    && let Some(asking) = asking.take()
                {
                    // This request ends with the question, and the question is still asked.
                    asking.go_on();
                }
                let key = format!("{KEY}{}", visit.id);
                let answer = tokio::select! {
                    biased;
                    // Some clients answer when the person is back, and not before.
                    _ = visit.outcome() => None,
                    answer = asker.ask(&key, self.question(target, visit)) => Some(answer),
                };
                match answer {
                    Some(Ok(answer)) if answer["action"] != "accept" => visit.over(Stage::Declined),
                    Some(Err(error)) => return Err(Failure::NotAuthorized(format!("is not authorized: {error}"))),
                    _ => {}
                }
            }
            match visit.outcome().await {
                Stage::Granted => {
                    if asks && self.era == Era::Legacy {
                        self.tell_complete(visit);
                    }
                    return Ok(());
                }
                Stage::Declined => {
                    let why = "is not authorized, since that was declined; call again to be asked once more";
                    return Err(Failure::NotAuthorized(why.into()));
                }
                Stage::Failed => return Err(Failure::NotAuthorized(CAME_TO_NOTHING.into())),
                Stage::Unasked | Stage::Asked => {}
            }
        }
    }

    fn question(&self, target: &Target, visit: &Visit) -> Question {
        let definition = &target.slot.definition;
        let per_tenant = definition.authorization.as_ref().is_some_and(|options| options.per_tenant);
        let principal = self.scope.principal();
        let whom = if per_tenant { principal.tenant_name() } else { principal.email() };
        let message = format!(
            "{} can be used for {whom} once you let this gateway do so: sign in on its page, and agree.",
            definition.name
        );
        let url = visit.url.as_str();
        Question::elicitation(json!({ "mode": "url", "message": message, "url": url, "elicitationId": visit.id }))
    }

    /// Tells a legacy client that the page has been visited.
    fn tell_complete(&self, visit: &Visit) {
        let params = json!({ "elicitationId": visit.id }).to_string();
        let complete = notification("notifications/elicitation/complete", &params);
        self.channel.offer(complete, self.manager.limits().max_queued_bytes);
    }

    /// The visit that a modern client has been asked for and has answered.
    fn answered(&self) -> Option<String> {
        let params = Object::read(&self.params).filter(|_| self.is_ours)?;
        let responses = params.get("inputResponses").and_then(Object::read)?;
        responses.iter().find_map(|(key, _)| key.strip_prefix(KEY).map(str::to_owned))
    }

    fn is_of_a_foreign_round(&self) -> bool {
        let goes_on =
            |params: Object<'_>| params.get("requestState").is_some() || params.get("inputResponses").is_some();
        self.era == Era::Modern && !self.is_ours && Object::read(&self.params).is_some_and(goes_on)
    }

    fn to_visit(&self, target: &Target, visit: &Visit, late: &str) -> Passed {
        let name = &target.slot.definition.name;
        Passed::Frame(self.told(format!(
            "The upstream {name} wants a person to let the gateway use it{late}. Have them open {} in a browser, and call again once that is done.",
            visit.url
        )))
    }
}
