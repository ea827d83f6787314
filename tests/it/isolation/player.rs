//! Plays a tenant's script on real connections, and compares each answer with the model's.

use super::model::{Model, Outcome};
use super::operation::{CURRENCIES, Does, Kind, Operation, STAGES, Title, WORDS, Whose};
use crate::support::{Client, TestServer};
use serde_json::{Value, json};
use sessile::wire::Era;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// The ids of all tenants of a case, with the number of the tenant.
pub(super) type Pool = Mutex<Vec<(usize, Kind, String)>>;

const NOBODYS: &str = "01890000-0000-7000-8000-000000000000";

/// Records that a page of a list holds.
const PAGE: usize = 3;

/// One tenant: its connections, and what it believes to have.
pub(super) struct Player<'a> {
    server: &'a TestServer,
    name: String,
    number: usize,
    pool: &'a Pool,
    legacy: Client,
    modern: Client,
    on_modern: bool,
    model: Model,
}

/// A word that is in each title of this tenant, and in none of another.
fn mark(number: usize) -> String {
    format!("zq{number}")
}

impl<'a> Player<'a> {
    pub(super) async fn new(server: &'a TestServer, name: &str, number: usize, pool: &'a Pool) -> Self {
        let legacy = server.sign_up(name).await;
        let mut modern = server.connect_in(Era::Modern).await;
        modern.sign_in(name).await;
        let model = Model::default();
        Self { server, name: name.to_owned(), number, pool, legacy, modern, on_modern: false, model }
    }

    pub(super) async fn play(&mut self, operation: &Operation) {
        self.on_modern = operation.modern;
        match &operation.does {
            Does::Create { kind, title, links, amount, stage } => {
                self.create(*kind, *title, links, *amount, *stage).await;
            }
            Does::Get { kind, whose } => {
                let id = self.id(*kind, *whose);
                self.get(*kind, &id).await;
            }
            Does::Read { kind, whose } => {
                let id = self.id(*kind, *whose);
                self.read(*kind, &id).await;
            }
            Does::Update { kind, whose, title, link, stale } => {
                self.update(*kind, *whose, *title, *link, *stale).await;
            }
            Does::Delete { kind, whose } => self.delete(*kind, *whose).await,
            Does::List { kind, link, descending } => self.list(*kind, *link, *descending).await,
            Does::Search { word, of_tenant } => {
                let word = of_tenant.map_or_else(|| WORDS[*word].to_owned(), mark);
                self.search(&word).await;
            }
            Does::Pipeline => {
                let pipeline = self.call("crm_pipeline", json!({})).await;
                assert_eq!(pipeline, Ok(self.model.pipeline()));
            }
            Does::Timeline { kind, whose } => self.timeline(*kind, *whose).await,
            Does::Export { kind } => self.export(*kind).await,
            Does::Resources => self.resources().await,
            Does::SignInAgain => {
                let name = self.name.clone();
                let mut client = self.server.connect_in(if self.on_modern { Era::Modern } else { Era::Legacy }).await;
                client.sign_in(&name).await;
                *self.client() = client;
            }
        }
    }

    /// Compares all that the tenant has with the model, once the script is at its end.
    pub(super) async fn look_at_everything(&mut self) {
        for kind in Kind::ALL {
            self.list(kind, None, false).await;
            self.export(kind).await;
        }
        self.resources().await;
        self.search(&mark(self.number)).await;
    }

    async fn create(
        &mut self,
        kind: Kind,
        title: Title,
        links: &[Option<Whose>; 3],
        amount: Option<(u32, usize)>,
        stage: usize,
    ) {
        let mut arguments = json!({ kind.title(): self.title(title) });
        for ((field, of), whose) in kind.links().iter().zip(links) {
            if let Some(whose) = whose {
                arguments[field] = json!(self.id(*of, *whose));
            }
        }
        match (kind, amount) {
            (Kind::Activity, _) => arguments["kind"] = json!("note"),
            (Kind::Deal, amount) => {
                arguments["stage"] = json!(STAGES[stage]);
                if let Some((amount, currency)) = amount {
                    arguments["amount"] = json!(format!("{amount}.00"));
                    arguments["currency"] = json!(CURRENCIES[currency]);
                }
            }
            _ => {}
        }
        let created = self.call(&format!("crm_{}_create", kind.name()), arguments.clone()).await;
        if !self.model.links_hold(kind, &arguments) {
            return assert_eq!(created, Err("not_found".into()), "{arguments}");
        }
        let mut created = created.expect("it can be made");
        let id = created["id"].as_str().expect("a record has an id").to_owned();
        self.model.create(kind, &arguments, &id, &created["created_at"]);
        self.pool.lock().expect("nobody panics").push((self.number, kind, id.clone()));
        forget_update(&mut created);
        assert_eq!(Some(created), self.model.shown(kind, &id));
    }

    async fn get(&mut self, kind: Kind, id: &str) {
        let mut got = self.call(&format!("crm_{}_get", kind.name()), json!({ "id": id })).await;
        if let Ok(record) = &mut got {
            forget_update(record);
        }
        assert_eq!(got, self.model.shown(kind, id).ok_or("not_found".to_owned()));
    }

    async fn read(&mut self, kind: Kind, id: &str) {
        let params = json!({ "uri": format!("crm://{}/{id}", kind.plural()) });
        let response = self.client().request("resources/read", params).await;
        let read = response.pointer("/result/contents/0/text").and_then(Value::as_str).map(|text| {
            let mut record = serde_json::from_str(text).expect("it is JSON");
            forget_update(&mut record);
            record
        });
        assert_eq!(read, self.model.shown(kind, id), "{response}");
    }

    async fn update(
        &mut self,
        kind: Kind,
        whose: Whose,
        title: Title,
        link: Option<(usize, Option<Whose>)>,
        stale: bool,
    ) {
        let id = self.id(kind, whose);
        let version = self.model.version(kind, &id) + i64::from(stale);
        let mut arguments = json!({ "id": id, "version": version, kind.title(): self.title(title) });
        if let Some((which, to)) = link
            && let Some((field, of)) = kind.links().get(which)
        {
            arguments[field] = json!(to.map(|whose| self.id(*of, whose)));
        }
        let updated = self.call(&format!("crm_{}_update", kind.name()), arguments.clone()).await;
        match self.model.update(kind, &arguments) {
            Outcome::NotFound => assert_eq!(updated, Err("not_found".into()), "{arguments}"),
            Outcome::Conflict => assert_eq!(updated, Err("conflict".into()), "{arguments}"),
            Outcome::Done => {
                let mut updated = updated.expect("it can be changed");
                forget_update(&mut updated);
                assert_eq!(Some(updated), self.model.shown(kind, &id), "{arguments}");
            }
        }
    }

    async fn delete(&mut self, kind: Kind, whose: Whose) {
        let id = self.id(kind, whose);
        let deleted = self.call(&format!("crm_{}_delete", kind.name()), json!({ "id": id })).await;
        if !self.model.has(kind, &id) {
            return assert_eq!(deleted, Err("not_found".into()));
        }
        let unlinked = self.model.delete(kind, &id);
        assert_eq!(deleted, Ok(json!({ "id": id, "deleted": true, "unlinked": unlinked })));
    }

    async fn list(&mut self, kind: Kind, link: Option<(usize, Whose)>, descending: bool) {
        let by = if kind == Kind::Activity { "created_at" } else { "name" };
        let mut arguments = json!({ "sort": format!("{}{by}", if descending { "-" } else { "" }) });
        let link =
            link.and_then(|(which, whose)| kind.links().get(which).map(|(field, of)| (*field, self.id(*of, whose))));
        if let Some((field, id)) = &link {
            arguments[field] = json!(id);
        }
        let listed = self.pages(&format!("crm_{}_list", kind.name()), arguments).await.expect("a list can be had");
        let link = link.as_ref().map(|(field, id)| (*field, id.as_str()));
        let expected = self.model.list(kind, link, descending);
        let expected: Vec<_> = expected.into_iter().filter_map(|id| self.model.shown(kind, id)).collect();
        assert_eq!(listed, expected);
    }

    async fn search(&mut self, word: &str) {
        let found = self.call("crm_search", json!({ "query": word, "limit": 100 })).await.expect("it is a word");
        let found: BTreeSet<_> = found["hits"].as_array().expect("a list").iter().map(Value::to_string).collect();
        let hit = |(kind, id, title): (Kind, &str, &str)| {
            let uri = format!("crm://{}/{id}", kind.plural());
            json!({ "kind": kind.name(), "id": id, "title": title, "snippet": "", "uri": uri }).to_string()
        };
        assert_eq!(found, self.model.search(word).into_iter().map(hit).collect(), "{word}");
    }

    async fn timeline(&mut self, kind: Kind, whose: Whose) {
        let kind = if kind == Kind::Activity { Kind::Company } else { kind };
        let id = self.id(kind, whose);
        let arguments = json!({ format!("{}_id", kind.name()): id });
        let timeline = self.pages("crm_timeline", arguments).await;
        let expected = self.model.timeline(kind, &id);
        let expected = expected.into_iter().filter_map(|id| self.model.shown(Kind::Activity, id)).collect();
        assert_eq!(timeline, if self.model.has(kind, &id) { Ok(expected) } else { Err("not_found".into()) });
    }

    async fn export(&mut self, kind: Kind) {
        let exported = self.call("crm_export", json!({ "kind": kind.name() })).await.expect("all can be exported");
        let ids = self.model.ids(kind);
        assert_eq!(exported["rows"], ids.len());
        let csv = exported["csv"].as_str().expect("it is text");
        assert!(ids.iter().all(|id| csv.contains(id)), "{csv}");
    }

    async fn resources(&mut self) {
        let listed = self.client().result("resources/list", json!({})).await;
        let uris: BTreeSet<_> = listed["resources"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["uri"].clone())
            .map(|uri| uri.to_string())
            .collect();
        let of = |kind: Kind| {
            self.model.ids(kind).into_iter().map(move |id| json!(format!("crm://{}/{id}", kind.plural())).to_string())
        };
        assert_eq!(uris, Kind::ALL.into_iter().flat_map(of).collect());
    }

    /// Calls a tool, and gives its data or the code of its failure.
    async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        let others: Vec<_> = (0..3).filter(|number| *number != self.number).map(mark).collect();
        let result = self.client().result("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        let data = result["structuredContent"].to_string();
        assert!(!others.iter().any(|mark| data.contains(mark)), "another tenant's data: {data}");
        if result["isError"] == true {
            return Err(result["_meta"]["dev.sessile/error"]["code"].as_str().expect("a code").to_owned());
        }
        Ok(result["structuredContent"].clone())
    }

    /// All items of a list, page by page.
    async fn pages(&mut self, tool: &str, mut arguments: Value) -> Result<Vec<Value>, String> {
        arguments["limit"] = json!(PAGE);
        let mut all = Vec::new();
        loop {
            let mut page = self.call(tool, arguments.clone()).await?;
            let items = page["items"].as_array_mut().expect("a list");
            assert!(items.len() <= PAGE);
            items.iter_mut().for_each(forget_update);
            all.append(items);
            match page.get("next_cursor") {
                Some(cursor) => arguments["cursor"] = cursor.clone(),
                None => return Ok(all),
            }
        }
    }

    fn client(&mut self) -> &mut Client {
        if self.on_modern { &mut self.modern } else { &mut self.legacy }
    }

    fn title(&self, (first, second, loud): Title) -> String {
        let title = format!("{} {} {}", WORDS[first], WORDS[second], mark(self.number));
        if loud { title.to_uppercase() } else { title }
    }

    /// The id that chance means.
    fn id(&self, kind: Kind, whose: Whose) -> String {
        fn pick(ids: &[&str], number: usize) -> String {
            if ids.is_empty() { NOBODYS.to_owned() } else { ids[number % ids.len()].to_owned() }
        }
        match whose {
            Whose::Own(number) => pick(&self.model.ids(kind), number),
            Whose::Gone(number) => pick(&self.model.gone(kind), number),
            Whose::Nobodys => NOBODYS.to_owned(),
            Whose::Foreign(number) => {
                let pool = self.pool.lock().expect("nobody panics");
                let foreign = pool.iter().filter(|(of, known, _)| *of != self.number && *known == kind);
                pick(&foreign.map(|(_, _, id)| id.as_str()).collect::<Vec<_>>(), number)
            }
        }
    }
}

/// When a record was last changed is known to the server alone.
fn forget_update(record: &mut Value) {
    let removed = record.as_object_mut().expect("a record is an object").remove("updated_at");
    assert!(removed.is_some_and(|time| time.as_str() >= record["created_at"].as_str()), "{record}");
}
