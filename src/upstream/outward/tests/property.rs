//! Whatever tenants set, each gets its own and nothing else.

use super::*;
use crate::repository::upstream;
use crate::upstream::own;
use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq, proptest, test_runner::Config};
use serde_json::json;

/// All that an upstream is called with, as one text.
async fn all_of(outward: &Outward) -> Result<String, Failure> {
    let mut all = match outward.definition().reach {
        Reach::Http { .. } => outward.url().await?.to_string(),
        _ => String::new(),
    };
    for value in outward.headers().await?.values() {
        all.push_str(&format!(" {}", value.to_str().expect("it is text")));
    }
    for (name, value) in outward.query().await?.into_iter().chain(outward.environment().await?) {
        all.push_str(&format!(" {name}={}", *value));
    }
    Ok(all)
}

#[derive(Debug, Clone)]
enum Act {
    Set { tenant: usize, name: usize },
    Remove { tenant: usize, name: usize },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = (0..2usize, 0..3usize, any::<bool>())
        .prop_map(|(tenant, name, set)| if set { Act::Set { tenant, name } } else { Act::Remove { tenant, name } });
    prop::collection::vec(act, 1..24)
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    #[test]
    fn one_tenants_outward_never_holds_what_is_anothers(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
        runtime.block_on(async {
            let world = World::new();
            let scopes = [world.owner("ann").await, world.owner("eve").await];
            let configured = [
                http(&[("X-B", "Bearer ${credential:b}"), ("X-C", "${credential:c}")]),
                command(&[("A", "${credential:a}"), ("C", "c=${credential:c};")]),
                openapi(),
                Definition { isolation: Isolation::Tenant, ..command(&[("B", "${credential:b}")]) },
            ].map(Arc::new);
            // Both tenants call their own upstream the same.
            let mine = json!({ "url": "https://h.example.com/${credential:c}", "prefix": "mine_", "role": "viewer",
                "isolation": "tenant", "headers": { "X-A": "${credential:a}" } }).to_string();
            let mut definitions: [Vec<Arc<Definition>>; 2] = Default::default();
            for (scope, definitions) in scopes.iter().zip(&mut definitions) {
                upstream::add(scope, ("mine", &mine), (&[], 1), 1).await.expect("it is added");
                definitions.extend(configured.iter().cloned());
                definitions.extend(own::definitions(scope).await.expect("they can be read"));
            }
            for (scope, foreign) in scopes.iter().zip(definitions.iter().rev()) {
                let foreign = foreign.last().expect("there is one").clone();
                prop_assert!(Outward::open(foreign, scope, "s", world.minter()).is_err());
            }
            let open = |(scope, definitions): (&TenantScope, &Vec<Arc<Definition>>)| -> Vec<Outward> {
                let open = |definition: &Arc<Definition>| Outward::open(Arc::clone(definition), scope, "s", world.minter());
                definitions.iter().map(|definition| open(definition).expect("it is open to them")).collect()
            };
            // These are open all the time, and the others just for a look.
            let kept: Vec<_> = scopes.iter().zip(&definitions).map(open).collect();
            let mut model: [BTreeMap<&str, String>; 2] = Default::default();
            for (step, act) in acts.into_iter().enumerate() {
                let versions: Vec<Vec<_>> = kept.iter().map(|kept| kept.iter().map(Outward::version).collect()).collect();
                let (changed, name) = match act {
                    Act::Set { tenant, name } => {
                        let value = format!("secret{step}of{tenant}");
                        credential::set(&scopes[tenant], NAMES[name], &value, 1).await.expect("it is set");
                        model[tenant].insert(NAMES[name], value);
                        (tenant, NAMES[name])
                    }
                    Act::Remove { tenant, name } => {
                        let there = model[tenant].remove(NAMES[name]).is_some();
                        let removed = credential::remove(&scopes[tenant], NAMES[name], 1).await.expect("it can be");
                        prop_assert_eq!(removed, there);
                        if !removed {
                            continue;
                        }
                        (tenant, NAMES[name])
                    }
                };
                for (tenant, theirs) in scopes.iter().zip(&definitions).enumerate() {
                    for (index, fresh) in open(theirs).iter().enumerate() {
                        let needed = names(fresh.definition());
                        let concerned = tenant == changed && needed.contains(name);
                        let version = kept[tenant][index].version();
                        prop_assert_eq!(version > versions[tenant][index], concerned, "only who is concerned is told");
                        for outward in [fresh, &kept[tenant][index]] {
                            match (all_of(outward).await, needed.iter().find(|name| !model[tenant].contains_key(*name))) {
                                (Ok(all), None) => {
                                    let foreign = format!("of{}", 1 - tenant);
                                    prop_assert!(!all.contains(&foreign), "{}", all);
                                    for name in &needed {
                                        prop_assert!(all.contains(&model[tenant][name]), "{} is not in {}", name, all);
                                    }
                                }
                                (Err(failure), Some(_)) => {
                                    prop_assert!(failure.to_string().contains("credential_set"), "{}", failure);
                                    prop_assert!(!failure.to_string().contains("secret"), "{}", failure);
                                }
                                (all, missing) => prop_assert!(false, "{:?} is missing, and there is {:?}", missing, all),
                            }
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
}
