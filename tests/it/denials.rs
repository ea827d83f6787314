//! Who may call which tool on what, for every tool that there is: a stranger, a role that is too low,
//! and another tenant's ids are turned away.

use crate::support::{Client, TestServer, Way, tool_list};
use serde_json::{Value, json};
use sessile::tenancy::Role;
use sessile::tools::{self, Access};
use sessile::wire::Era;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Tools that anybody may call: this list may only shrink.
const OPEN: [&str; 4] = ["auth_reset_password", "auth_sign_in", "auth_sign_up", "auth_whoami"];

/// The ids of one tenant's things, by what they are ids of.
type Ids = BTreeMap<&'static str, String>;

/// An id that is none.
const UNKNOWN: &str = "01890000-0000-7000-8000-000000000000";

/// What gives the good arguments of a tool.
type Arguments = fn(&Ids) -> Value;

/// Good arguments of each tool, for somebody in the tenant that has these ids.
const ROWS: &[(&str, Arguments)] = &[
    ("auth_api_keys", |_| json!({})),
    (
        "auth_change_password",
        |_| json!({ "current_password": crate::support::PASSWORD, "new_password": "another one" }),
    ),
    ("auth_create_api_key", |_| json!({ "name": "a script", "role": "viewer" })),
    ("auth_end_session", |own| json!({ "session_id": own["caller's session"] })),
    ("auth_revoke_api_key", |own| json!({ "key_id": own["key"] })),
    ("auth_sessions", |_| json!({})),
    ("auth_sign_out", |_| json!({})),
    (
        "crm_activity_create",
        |own| json!({ "kind": "task", "subject": "Call", "contact_id": own["contact"], "company_id": own["company"], "deal_id": own["deal"] }),
    ),
    ("crm_activity_delete", |own| json!({ "id": own["activity"] })),
    ("crm_activity_get", |own| json!({ "id": own["activity"] })),
    (
        "crm_activity_list",
        |own| json!({ "contact_id": own["contact"], "company_id": own["company"], "deal_id": own["deal"] }),
    ),
    (
        "crm_activity_update",
        |own| json!({ "id": own["activity"], "version": 1, "subject": "Called", "contact_id": own["contact"], "company_id": own["company"], "deal_id": own["deal"] }),
    ),
    ("crm_company_create", |_| json!({ "name": "Pine" })),
    ("crm_company_delete", |own| json!({ "id": own["company"] })),
    ("crm_company_get", |own| json!({ "id": own["company"] })),
    ("crm_company_list", |_| json!({ "query": "pine" })),
    ("crm_company_update", |own| json!({ "id": own["company"], "version": 1, "name": "Spruce" })),
    ("crm_contact_create", |own| json!({ "name": "Nora", "company_id": own["company"] })),
    ("crm_contact_delete", |own| json!({ "id": own["contact"] })),
    ("crm_contact_get", |own| json!({ "id": own["contact"] })),
    ("crm_contact_list", |own| json!({ "company_id": own["company"] })),
    (
        "crm_contact_update",
        |own| json!({ "id": own["contact"], "version": 1, "name": "Nora", "company_id": own["company"] }),
    ),
    ("crm_deal_create", |own| json!({ "name": "Boats", "contact_id": own["contact"], "company_id": own["company"] })),
    ("crm_deal_delete", |own| json!({ "id": own["deal"] })),
    ("crm_deal_get", |own| json!({ "id": own["deal"] })),
    ("crm_deal_list", |own| json!({ "contact_id": own["contact"], "company_id": own["company"] })),
    (
        "crm_deal_update",
        |own| json!({ "id": own["deal"], "version": 1, "stage": "won", "contact_id": own["contact"], "company_id": own["company"] }),
    ),
    ("crm_export", |_| json!({ "kind": "contact" })),
    ("crm_import_contacts", |_| json!({ "csv": "name,email\nNora,nora@example.com\n" })),
    ("crm_pipeline", |_| json!({})),
    ("crm_search", |_| json!({ "query": "pine" })),
    ("crm_timeline", |own| json!({ "contact_id": own["contact"] })),
    ("credential_list", |_| json!({})),
    ("credential_remove", |_| json!({ "name": "github" })),
    ("credential_set", |_| json!({ "name": "github", "value": "another secret" })),
    ("tenant_audit_log", |_| json!({})),
    ("tenant_end_session", |own| json!({ "session_id": own["session"] })),
    ("tenant_invite", |_| json!({ "role": "viewer" })),
    ("tenant_join", |own| json!({ "code": own["code from elsewhere"] })),
    ("tenant_members", |_| json!({})),
    ("tenant_remove_member", |own| json!({ "user_id": own["user"] })),
    ("tenant_sessions", |_| json!({})),
    ("tenant_set_role", |own| json!({ "user_id": own["user"], "role": "viewer" })),
    ("tenant_switch", |own| json!({ "to": own["tenant"] })),
    (
        "upstream_add",
        |_| json!({ "name": "wiki", "url": "https://wiki.example.com/mcp", "headers": { "X-Api-Key": "${credential:github}" } }),
    ),
    ("upstream_list", |_| json!({})),
    ("upstream_status", |_| json!({})),
    ("upstream_remove", |_| json!({ "name": "git" })),
];

/// A tenant with one of each thing, and the client of its owner.
struct World {
    owner: Client,
    ids: Ids,
    /// The member and the session that the ids name.
    member: Client,
    way: Way,
}

impl World {
    async fn new(server: &TestServer, name: &str) -> Self {
        let mut owner = server.sign_up(name).await;
        let mut ids = Ids::new();
        let id = |record: Value| record["id"].as_str().expect("a record has an id").to_owned();
        ids.insert("company", id(owner.tool("crm_company_create", json!({ "name": "Pine" })).await));
        let contact = json!({ "name": "Mona", "company_id": ids["company"] });
        ids.insert("contact", id(owner.tool("crm_contact_create", contact).await));
        let deal = json!({ "name": "Boats", "company_id": ids["company"], "contact_id": ids["contact"] });
        ids.insert("deal", id(owner.tool("crm_deal_create", deal).await));
        let activity = json!({ "kind": "task", "subject": "Call", "deal_id": ids["deal"] });
        ids.insert("activity", id(owner.tool("crm_activity_create", activity).await));
        owner.tool("credential_set", json!({ "name": "github", "value": "a secret" })).await;
        let headers = json!({ "Authorization": "Bearer ${credential:github}" });
        owner
            .tool("upstream_add", json!({ "name": "git", "url": "https://git.example.com", "headers": headers }))
            .await;
        // Keys make no keys, so the owner makes this one as whoever has signed in.
        let mut signed_in = Client::connect(server.address(), Era::Legacy).await;
        signed_in.sign_in(name).await;
        ids.insert("key", id(signed_in.tool("auth_create_api_key", json!({ "name": "a script" })).await));
        signed_in.close().await;
        let mut member = server.join(&mut owner, &format!("member-of-{name}"), "member").await;
        let whoami = member.tool("auth_whoami", json!({})).await;
        ids.insert("user", id(whoami["user"].clone()));
        ids.insert("tenant", id(whoami["tenant"].clone()));
        ids.insert("session", whoami["session_id"].as_str().expect("an id").to_owned());
        Self { owner, ids, member, way: server.way() }
    }

    /// All that the tenant has, as its owner sees it.
    async fn all(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        for kind in ["company", "contact", "deal", "activity"] {
            all.push(self.owner.tool(&format!("crm_{kind}_list"), json!({})).await);
        }
        all.push(self.owner.tool("tenant_members", json!({})).await);
        all.push(self.owner.tool("auth_api_keys", json!({ "all": true })).await);
        all.push(self.owner.tool("credential_list", json!({})).await);
        all.push(self.owner.tool("upstream_list", json!({})).await);
        let mut whoami = self.member.tool("auth_whoami", json!({})).await;
        if !self.way.has_sessions() {
            whoami["session_id"] = Value::Null;
        }
        all.push(whoami);
        all
    }
}

#[test]
fn every_tool_has_a_row() {
    let tools: BTreeSet<_> = tools::all().into_iter().map(|tool| tool.name).collect();
    let rows: BTreeSet<Cow<'_, str>> = ROWS.iter().map(|(name, _)| *name).chain(OPEN).map(Cow::from).collect();
    assert_eq!(rows, tools, "each tool needs its good arguments in ROWS, so that its denials are tested");
    let open: BTreeSet<_> =
        tools::all().into_iter().filter(|tool| tool.access == Access::Anyone).map(|tool| tool.name).collect();
    assert_eq!(open, OPEN.into_iter().map(Cow::from).collect());
}

#[test]
fn no_tool_takes_a_token_or_a_tenant() {
    for tool in tool_list() {
        let properties = properties(&tool);
        for forbidden in ["token", "tenant", "tenant_id"] {
            assert!(!properties.contains_key(forbidden), "{} takes {forbidden}", tool["name"]);
        }
    }
}

pub(crate) async fn a_stranger_is_told_to_sign_in(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    let mut world = World::new(&server, "ann").await;
    let own = with_callers_things(&server, &world.ids, &mut server.connect().await).await;
    let before = world.all().await;
    let mut stranger = server.connect().await;
    for (tool, arguments) in ROWS {
        let refusal = stranger.refused(tool, arguments(&own)).await;
        assert_eq!(refusal.code, "not_signed_in", "{tool}");
        assert!(refusal.text.contains("auth_sign_in"), "{tool}: {}", refusal.text);
        // Bad arguments do not change that: a stranger learns nothing about what a tool would take.
        assert_eq!(stranger.refused(tool, json!({ "x": 1 })).await, refusal, "{tool}");
    }
    let listed = stranger.result("tools/list", json!({})).await;
    let names: BTreeSet<_> = listed["tools"].as_array().expect("a list").iter().map(name).collect();
    assert_eq!(names, OPEN.into_iter().map(str::to_owned).collect());
    assert_eq!(world.all().await, before);
}

pub(crate) async fn the_least_role_may_and_any_lower_one_may_not(way: Way) {
    let server = TestServer::over(way, |options| options.sessions.max_sessions_per_address = 10_000).await;
    for (tool, arguments) in ROWS.iter().filter(|(tool, _)| works(tool, way)) {
        let all = tools::all();
        let Access::Role(least) = all.iter().find(|known| known.name == *tool).expect(tool).access else {
            panic!("{tool} is open and has a row");
        };
        let mut world = World::new(&server, tool).await;
        for role in Role::ALL.into_iter().filter(|role| *role <= least) {
            let mut caller = server.join(&mut world.owner, &format!("{role}-for-{tool}"), role.as_str()).await;
            let own = with_callers_things(&server, &world.ids, &mut caller).await;
            let listed = caller.result("tools/list", json!({})).await;
            let is_listed = listed["tools"].as_array().expect("a list").iter().any(|one| name(one) == *tool);
            assert_eq!(is_listed, role == least, "{tool}, as {role}");
            if role == least {
                caller.tool(tool, arguments(&own)).await;
            } else {
                let before = world.all().await;
                let refusal = caller.refused(tool, arguments(&own)).await;
                assert_eq!(refusal.code, "not_allowed", "{tool}, as {role}: {}", refusal.text);
                assert!(refusal.text.contains(least.as_str()), "{tool}: it names the role: {}", refusal.text);
                assert_eq!(world.all().await, before, "{tool}, as {role}");
            }
        }
    }
}

pub(crate) async fn another_tenants_ids_are_like_ids_of_nothing(way: Way) {
    let server = TestServer::over(way, |options| options.sessions.max_sessions_per_address = 10_000).await;
    let mut foreign = World::new(&server, "eve").await;
    let before = foreign.all().await;
    let mut replaced = 0;
    for (tool, arguments) in ROWS.iter().filter(|(tool, _)| works(tool, way)) {
        let mut world = World::new(&server, tool).await;
        let own = with_callers_things(&server, &world.ids, &mut world.owner).await;
        let tools = tool_list();
        let listed = tools.iter().find(|listed| name(listed) == *tool).expect(tool);
        let good = arguments(&own);
        for (property, schema) in &properties(listed) {
            let Some(of) = names_a(tool, property) else {
                assert!(!is_id(schema), "{tool}: of what is {property} the id?");
                continue;
            };
            // Of a timeline's ids, exactly one is given.
            let good = if *tool == "crm_timeline" { json!({ property: "" }) } else { good.clone() };
            assert!(good.get(property).is_some(), "{tool}: its row has no {property}");
            // The same message twice, to the byte, but for the id.
            let answer = async |client: &mut Client, id: &str| {
                let mut arguments = good.clone();
                arguments[property] = json!(id);
                let params = json!({ "name": tool, "arguments": arguments });
                let call = json!({ "jsonrpc": "2.0", "id": "same", "method": "tools/call", "params": params });
                client.send_text(&call.to_string()).await;
                client.next_text().await.replace(id, "ID")
            };
            let unknown = answer(&mut world.owner, UNKNOWN).await;
            for id in [foreign.ids[of].as_str(), "nonsense"] {
                assert_eq!(answer(&mut world.owner, id).await, unknown, "{tool}, {property}: {id}");
            }
            replaced += 1;
        }
    }
    assert!(replaced > 25, "only {replaced} arguments were found: this test does not see them any more");
    assert_eq!(foreign.all().await, before);
}

/// A world's ids and those that depend on who calls.
async fn with_callers_things(server: &TestServer, ids: &Ids, caller: &mut Client) -> Ids {
    let mut ids = ids.clone();
    let whoami = caller.tool("auth_whoami", json!({})).await;
    ids.insert("caller's session", whoami["session_id"].as_str().expect("an id").to_owned());
    if whoami["signed_in"] == true {
        ids.insert("key", callers_key(server, caller, &whoami).await);
    }
    // Somebody else's tenant, to which this is the way in.
    let mut elsewhere = server.sign_up(&format!("elsewhere-{}", ids["caller's session"])).await;
    let invited = elsewhere.tool("tenant_invite", json!({})).await;
    ids.insert("code from elsewhere", invited["code"].as_str().expect("a code").to_owned());
    ids
}

/// An API key of the caller's own. Keys make no keys, so their owner makes it, signed in as they are.
async fn callers_key(server: &TestServer, caller: &mut Client, whoami: &Value) -> String {
    let wanted = json!({ "name": "another script", "role": "viewer" });
    let key = if whoami["proof"] == "api_key" {
        let name = whoami["user"]["email"].as_str().and_then(|email| email.strip_suffix("@example.com"));
        let mut signed_in = Client::connect(server.address(), Era::Legacy).await;
        signed_in.sign_in(name.expect("a name")).await;
        let key = signed_in.tool("auth_create_api_key", wanted).await;
        signed_in.close().await;
        key
    } else {
        caller.tool("auth_create_api_key", wanted).await
    };
    key["id"].as_str().expect("an id").to_owned()
}

/// Whether a tool does anything for who comes in this way: some are about what there is not, such as a session
/// that lasts, or a proof that is good for more than one tenant.
fn works(tool: &str, way: Way) -> bool {
    let of_account = ["auth_change_password", "auth_create_api_key", "auth_sign_out", "tenant_join", "tenant_switch"];
    let of_sessions = ["auth_end_session", "tenant_end_session"];
    let needs_an_account = way.is_bound() && of_account.contains(&tool);
    let needs_sessions = !way.has_sessions() && of_sessions.contains(&tool);
    // A key revokes itself alone, and then it is gone.
    let ends_itself = way.is_api_key() && tool == "auth_revoke_api_key";
    !needs_an_account && !needs_sessions && !ends_itself
}

/// Of what a tool's argument is the id.
fn names_a(tool: &str, property: &str) -> Option<&'static str> {
    match (tool, property) {
        ("tenant_switch", "to") => Some("tenant"),
        (_, "company_id") => Some("company"),
        (_, "contact_id") => Some("contact"),
        (_, "deal_id") => Some("deal"),
        (_, "key_id") => Some("key"),
        (_, "session_id") => Some("session"),
        (_, "user_id") => Some("user"),
        (_, "id") => ["company", "contact", "deal", "activity"].into_iter().find(|kind| tool.contains(kind)),
        _ => None,
    }
}

/// Whether a schema is that of an id, or of an id or null.
fn is_id(schema: &Value) -> bool {
    let any = schema["anyOf"].as_array().is_some_and(|any| any.iter().any(is_id));
    any || schema["format"] == "uuid"
}

fn name(tool: &Value) -> String {
    tool["name"].as_str().expect("a tool has a name").to_owned()
}

fn properties(tool: &Value) -> serde_json::Map<String, Value> {
    tool["inputSchema"]["properties"].as_object().cloned().unwrap_or_default()
}
