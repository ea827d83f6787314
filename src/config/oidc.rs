//! The tables `[oidc.NAME]`, one for each issuer. What has to hold between their keys is checked where
//! they are used.

use crate::auth::OidcOptions;
use crate::tenancy::Role;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Issuer {
    issuer: String,
    audience: String,
    algorithms: Option<Vec<String>>,
    tenants: Vec<String>,
    tenant_claim: Option<String>,
    role_claim: Option<String>,
    #[serde(default)]
    roles: BTreeMap<String, Role>,
    default_role: Option<Role>,
    #[serde(default)]
    provision: bool,
    email_claim: Option<String>,
}

/// The issuers in the file, or what is wrong and where.
pub(super) fn read(issuers: toml::Value) -> Result<Vec<OidcOptions>, String> {
    let toml::Value::Table(issuers) = issuers else {
        return Err("oidc: must hold a table for each issuer, such as [oidc.corp]".into());
    };
    issuers.into_iter().map(|(name, table)| issuer(&name, table)).collect()
}

fn issuer(name: &str, table: toml::Value) -> Result<OidcOptions, String> {
    let read: Issuer = table.try_into().map_err(|e: toml::de::Error| format!("oidc.{name}: {}", e.message()))?;
    let usual = OidcOptions::new(name, &read.issuer, &read.audience, "");
    Ok(OidcOptions {
        algorithms: read.algorithms.unwrap_or(usual.algorithms),
        tenants: read.tenants.iter().map(|id| id.to_lowercase()).collect(),
        tenant_claim: read.tenant_claim,
        role_claim: read.role_claim,
        roles: read.roles,
        default_role: read.default_role,
        provision: read.provision,
        email_claim: read.email_claim.unwrap_or(usual.email_claim),
        ..usual
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> toml::Value {
        toml::Value::Table(text.parse().expect("it is TOML"))
    }

    #[test]
    fn an_issuer_is_read_with_what_is_usual() {
        let text = r#"
            [corp]
            issuer = "https://id.example.com/realms/crm"
            audience = "sessile"
            tenants = ["0199C0DE-0000-7000-8000-000000000001"]
            role_claim = "realm_access.roles"
            roles = { crm-admin = "admin", crm = "member" }
            provision = true
        "#;
        let issuers = read(table(text)).expect("it is good");
        let [corp] = &issuers[..] else { panic!("there is one: {issuers:?}") };
        assert_eq!((corp.name.as_str(), corp.audience.as_str()), ("corp", "sessile"));
        assert_eq!(corp.algorithms, ["RS256", "ES256", "EdDSA"]);
        assert_eq!(corp.tenants, ["0199c0de-0000-7000-8000-000000000001"]);
        assert_eq!(corp.roles["crm-admin"], Role::Admin);
        assert!(corp.provision && corp.default_role.is_none() && corp.tenant_claim.is_none());
        assert_eq!(corp.email_claim, "email");
    }

    #[test]
    fn the_examples_of_the_documentation_can_be_read() {
        let page = include_str!("../../docs/oidc.md");
        let examples: Vec<_> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(examples.len(), 2);
        for example in examples {
            let toml::Value::Table(mut file) = table(example) else { unreachable!() };
            assert_eq!(read(file.remove("oidc").expect("it has issuers")).expect(example).len(), 1);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, message) in [
            ("corp = 1", "oidc.corp: "),
            ("[corp]\nissuer = \"a\"", "oidc.corp: missing field `audience`"),
            ("[corp]\nissuer = \"a\"\nsecret = 1", "oidc.corp: unknown field `secret`"),
        ] {
            let error = read(table(text)).expect_err(text);
            assert!(error.starts_with(message), "{error}");
        }
    }
}
