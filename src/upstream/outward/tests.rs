//! What an upstream is called with, and what never is.

mod property;

use super::*;
use crate::auth::{PasswordOptions, Strategies, StrategyOptions, ThrottleOptions, Token, TokenOptions};
use crate::error::Error;
use crate::repository::credential;
use crate::store::{Store, StoreOptions};
use crate::tenancy::{Authority, MasterKeySource, Quotas, Vault, generate_master_key};
use crate::upstream::definition::*;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tempfile::TempDir;

struct World {
    store: Store,
    authority: Authority,
    strategies: Strategies,
    _directory: TempDir,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("there is room for a database");
        let url = format!("sqlite:{}", directory.path().join("sessile.db").display());
        let store = Store::open(&StoreOptions { url, readers: 1 }).expect("it can be made");
        let keys = MasterKeySource { given: Some(generate_master_key()), file: None }.load().expect("it is a key");
        let vault = Vault::open_for(keys, &store).expect("nothing is sealed yet");
        let authority = Authority::new(store.clone(), Quotas { max_members: 9, max_records: 9 }, vault);
        let [minute, day] = [60, 86_400].map(Duration::from_secs);
        let (issuer, audience) = ("https://here".to_owned(), "https://here/mcp".to_owned());
        let options = StrategyOptions {
            password: PasswordOptions { memory_kib: 8, iterations: 1, parallelism: 1, workers: 1, queue: 1 },
            throttle: ThrottleOptions { free_failures: 5, max_delay: minute },
            tokens: TokenOptions { issuer, audience, access: minute, refresh: day, rotate: day },
        };
        let strategies = Strategies::new(authority.clone(), options, Vec::new()).expect("the options are good ones");
        Self { store, authority, strategies, _directory: directory }
    }

    fn minter(&self) -> Arc<TokenStrategy> {
        Arc::clone(&self.strategies.tokens)
    }

    /// The scope of somebody who has just signed up, as the owner of a tenant.
    async fn owner(&self, name: &str) -> TenantScope {
        let authority = &self.authority;
        let email = format!("{name}@example.com");
        authority.directory().sign_up(&email, String::new(), name, 1).await.expect("the address is free");
        let account = authority.directory().by_email(&email).await.expect("it can be read").expect("it is there");
        let principal = authority.admit(&account, None, 1).await.expect("they may sign in");
        authority.scope(principal).expect("it is current")
    }
}

fn template(text: &str) -> Template {
    Template::parse(text).expect(text)
}

fn templates(all: &[(&str, &str)]) -> BTreeMap<String, Template> {
    all.iter().map(|(name, text)| ((*name).to_owned(), template(text))).collect()
}

fn http(headers: &[(&str, &str)]) -> Definition {
    let url = template("https://h.example.com/${credential:a}?k=${credential:b}");
    Definition::new("http", Reach::Http { url, headers: templates(headers) })
}

fn command(environment: &[(&str, &str)]) -> Definition {
    let environment = templates(environment);
    Definition::new("child", Reach::Command { command: vec!["server".into()], environment, directory: None })
}

fn openapi() -> Definition {
    let query = templates(&[("key", "${credential:a}")]);
    let (headers, tags) = (BTreeMap::new(), BTreeSet::new());
    Definition::new("api", Reach::OpenApi { document: "api.json".into(), base_url: None, headers, query, tags })
}

/// The names of credentials, which both tenants use.
const NAMES: [&str; 3] = ["a", "b", "c"];

#[tokio::test]
async fn what_is_another_tenants_or_above_the_role_is_not_opened() {
    let world = World::new();
    let [ann, eve] = [world.owner("ann").await, world.owner("eve").await];
    let only = Tenants::Only(BTreeSet::from([ann.principal().tenant().to_string()]));
    let anns = Arc::new(Definition { tenants: only, ..openapi() });
    assert!(Outward::open(Arc::clone(&anns), &ann, "s", world.minter()).is_ok());
    let refused = Outward::open(anns, &eve, "s", world.minter()).map(drop);
    assert!(matches!(refused, Err(Failure::Incomplete(_))), "{refused:?}");
}

#[tokio::test]
async fn a_row_that_is_copied_to_another_tenant_does_not_open() {
    let world = World::new();
    let [ann, eve] = [world.owner("ann").await, world.owner("eve").await];
    credential::set(&ann, "a", "a secret of Ann's", 1).await.expect("it is set");
    credential::set(&eve, "a", "a secret of Eve's", 1).await.expect("it is set");
    let copy = "UPDATE credential SET sealed = (SELECT sealed FROM credential c WHERE c.tenant_id = $1)
                WHERE tenant_id = $2";
    let write =
        crate::store::Write::new().run(copy, crate::store::params![ann.principal().tenant(), eve.principal().tenant()]);
    world.store.write(write).await.expect("whoever has the file can do so");
    let outward = |scope| Outward::open(Arc::new(openapi()), scope, "s", world.minter()).expect("it is open to all");
    let failure = outward(&eve).query().await.map(drop).expect_err("it does not open");
    assert!(!failure.to_string().contains("secret"), "{failure}");
    assert_eq!(outward(&ann).query().await.expect("it opens")[0].1.as_str(), "a secret of Ann's");
}

#[tokio::test]
async fn a_child_is_told_for_whom_it_runs_and_what_is_shared_tells_nothing() {
    let world = World::new();
    let ann = world.owner("ann").await;
    let configured = [("DEBUG", "1"), ("SESSILE_ROLE", "spoofed")];
    let of = async |isolation| {
        let definition = Arc::new(Definition { isolation, ..command(&configured) });
        let outward = Outward::open(definition, &ann, "0199", world.minter()).expect("it is open to all");
        let all = outward.environment().await.expect("nothing is missing");
        let all: BTreeMap<String, String> = all.into_iter().map(|(name, value)| (name, value.to_string())).collect();
        (outward.unit().to_owned(), all)
    };
    let tenant = ann.principal().tenant().to_string();
    let (unit, all) = of(Isolation::Session).await;
    assert_eq!(unit, "0199");
    let user = ann.principal().user().to_string();
    let expected = [
        ("DEBUG", "1"),
        ("SESSILE_ROLE", "owner"),
        ("SESSILE_TENANT_ID", &tenant),
        ("SESSILE_TENANT_NAME", "ann"),
        ("SESSILE_USER_EMAIL", "ann@example.com"),
        ("SESSILE_USER_ID", &user),
    ];
    assert_eq!(all, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let (unit, all) = of(Isolation::Tenant).await;
    assert_eq!(unit, format!("tenant {tenant}"));
    assert!(all.contains_key("SESSILE_TENANT_ID") && !all.contains_key("SESSILE_USER_ID"), "{all:?}");
    let (unit, all) = of(Isolation::Shared).await;
    assert_eq!((unit.as_str(), all.contains_key("SESSILE_TENANT_ID")), ("shared", false));
    let shared = Outward::shared(Arc::new(openapi()));
    assert!(matches!(shared.query().await, Err(Failure::Incomplete(_))));
}

#[tokio::test]
async fn a_credential_stands_for_nothing_but_itself_in_a_url_and_in_a_header() {
    let world = World::new();
    let ann = world.owner("ann").await;
    let open = |definition: Definition| {
        Outward::open(Arc::new(definition), &ann, "s", world.minter()).expect("it is open to all")
    };
    let set = async |value: &str| {
        for name in NAMES {
            credential::set(&ann, name, value, 1).await.expect("it is set");
        }
    };
    let outward = open(http(&[("X-C", "${credential:c}")]));
    set("a/../../b?c#d@e&f= é%").await;
    let url = outward.url().await.expect("it is a URL");
    let encoded = "a%2F..%2F..%2Fb%3Fc%23d%40e%26f%3D%20%C3%A9%25";
    assert_eq!(url.as_str(), format!("https://h.example.com/{encoded}?k={encoded}"));
    set("..").await;
    assert!(matches!(outward.url().await, Err(Failure::Incomplete(_))));
    set("one\r\nX-Evil: two").await;
    let failure = outward.headers().await.map(drop).expect_err("it has a line break").to_string();
    assert!(failure.contains("X-C") && !failure.contains("Evil"), "{failure}");
    set("plain").await;
    let headers = outward.headers().await.expect("it can be sent");
    assert_eq!(headers["x-c"], "plain");
    assert!(headers["x-c"].is_sensitive());
    assert!(!format!("{outward:?} {headers:?} {:?}", outward.definition()).contains("plain"));
    for url in ["https://${credential:a}/", "https://h.example.com:${credential:a}/", "https://h${credential:a}.com/"] {
        set("9").await;
        let elsewhere = open(Definition::new("x", Reach::Http { url: template(url), headers: BTreeMap::new() }));
        assert!(matches!(elsewhere.url().await, Err(Failure::Incomplete(_))), "{url}");
    }
}

#[tokio::test]
async fn an_identity_is_verified_by_the_published_keys_and_is_no_access_token() {
    let world = World::new();
    let ann = world.owner("ann").await;
    let minter = world.minter();
    let keys: JwkSet =
        serde_json::from_str(&minter.keys().jwks().await.expect("there are keys")).expect("it is a key set");
    let ours = minter.options().audience.clone();
    for (isolation, audience) in
        [(Isolation::Session, "https://api"), (Isolation::Tenant, "x"), (Isolation::Session, &ours)]
    {
        let identity = Some(IdentityOptions { audience: audience.to_owned(), lifetime: Duration::from_secs(100) });
        let definition = Arc::new(Definition { isolation, identity, ..http(&[]) });
        let outward = Outward::open(definition, &ann, "s", world.minter()).expect("it is open to all");
        let headers = outward.headers().await.expect("nothing is missing");
        assert_eq!(outward.headers().await.expect("again")[AUTHORIZATION], headers[AUTHORIZATION], "it is kept");
        assert!(headers[AUTHORIZATION].is_sensitive());
        let token = headers[AUTHORIZATION].to_str().expect("it is text").strip_prefix("Bearer ").expect("a token");

        let header = decode_header(token).expect("it is a JWT");
        assert_eq!((header.typ.as_deref(), header.alg), (Some("JWT"), Algorithm::EdDSA));
        let key = keys.find(&header.kid.expect("it names its key")).expect("the key is published");
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[&minter.options().issuer]);
        let key = DecodingKey::from_jwk(key).expect("it is a key");
        let claims = decode::<Value>(token, &key, &validation).expect("it verifies").claims;
        let (tenant, user) = (ann.principal().tenant().to_string(), ann.principal().user().to_string());
        assert_eq!((claims["tenant"].as_str(), claims["tenant_name"].as_str()), (Some(tenant.as_str()), Some("ann")));
        let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
        assert!(life == Some(100) && claims["jti"].is_string() && claims["nbf"] == claims["iat"], "{claims}");
        if isolation == Isolation::Session {
            let who = (claims["sub"].as_str(), claims["role"].as_str(), claims["email"].as_str());
            assert_eq!(who, (Some(user.as_str()), Some("owner"), Some("ann@example.com")));
        } else {
            assert_eq!(claims["sub"].as_str(), Some(tenant.as_str()));
            assert!(claims["role"].is_null() && claims["email"].is_null(), "{claims}");
        }
        let as_proof = Token::new(token).expect("it may be one");
        let refused = world.strategies.bearers.admit(&as_proof, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
        assert!(matches!(refused, Err(Error::InvalidToken(_))), "{audience}: {refused:?}");
    }
}

#[tokio::test]
async fn a_token_that_an_upstream_gave_is_kept_sealed_and_sent_by_its_owner_alone() {
    let world = World::new();
    let [ann, eve] = [world.owner("ann").await, world.owner("eve").await];
    let options = AuthorizationOptions { per_tenant: false, client_id: None, client_secret: None, scopes: Vec::new() };
    let definition = Definition { authorization: Some(options), ..http(&[]) };
    let url = template("https://h.example.com/");
    let definition = Arc::new(Definition { reach: Reach::Http { url, headers: BTreeMap::new() }, ..definition });
    let open = |scope| Outward::open(Arc::clone(&definition), scope, "s", world.minter()).expect("it is open to all");
    let [of_ann, of_eve] = [open(&ann), open(&eve)];
    assert!(of_ann.headers().await.expect("it is sent without").is_empty());
    let version = of_ann.version();
    of_ann.save_token(r#"{"access_token":"annstoken","refresh_token":"more"}"#).await.expect("it is saved");
    assert!(of_ann.version() > version);
    assert_eq!(of_ann.headers().await.expect("it is sent")[AUTHORIZATION], "Bearer annstoken");
    assert!(of_ann.token().await.expect("it is there").is_some_and(|text| text.contains("refresh_token")));
    assert!(of_eve.headers().await.expect("it is sent without").is_empty());
    let sql = "SELECT sealed FROM upstream_token";
    let sealed = world.store.get_now(sql, Vec::new()).expect("it runs").expect("it is there").text();
    assert!(!sealed.expect("it is text").contains("annstoken"));
    of_eve.remove_token().await.expect("there is none");
    of_ann.remove_token().await.expect("it is removed");
    assert!(of_ann.headers().await.expect("it is sent without").is_empty());
}

#[tokio::test]
async fn another_role_is_told_from_the_next_request_on() {
    let world = World::new();
    let [ann, eve] = [world.owner("ann").await, world.owner("eve").await];
    let outward = Outward::open(Arc::new(command(&[])), &ann, "s", world.minter()).expect("it is open to all");
    let demote = "UPDATE member SET role = 'viewer' WHERE user_id = $1";
    let write = crate::store::Write::new().run(demote, crate::store::params![ann.principal().user()]);
    world.store.write(write).await.expect("it is written");
    let viewer = match world.authority.review(ann.principal()).await.expect("it can be read") {
        crate::tenancy::Recognised::Good(principal) => world.authority.scope(principal).expect("it is current"),
        other => panic!("{other:?}"),
    };
    let role = async |outward: &Outward| {
        let all = outward.environment().await.expect("nothing is missing");
        all.into_iter().find(|(name, _)| name == "SESSILE_ROLE").map(|(_, role)| role.to_string())
    };
    let version = outward.version();
    for anybody in [&eve, &ann] {
        outward.renew(anybody);
        assert_eq!((role(&outward).await.as_deref(), outward.version()), (Some("owner"), version));
    }
    outward.renew(&viewer);
    assert_eq!(role(&outward).await.as_deref(), Some("viewer"));
    assert!(outward.version() > version, "a child learns it by being started again");
}
