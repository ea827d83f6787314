//! The gateways that a person has signed in to, by name. Secrets are elsewhere.

use super::place::Place;
use super::{GatewayUrl, secrets::Vault};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The file that they are in.
const FILE: &str = "profiles.toml";
/// What the file begins with.
const HEAD: &str = "# Written by `sessile login`. No secret is in here.\n\n";

/// One sign-in: where, as whom, and where its key is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// The URL of the gateway.
    pub(crate) url: String,
    /// The address of whoever signed in.
    pub(crate) email: String,
    /// The name of their tenant.
    pub(crate) tenant: String,
    /// The id of their tenant.
    pub(crate) tenant_id: String,
    /// What they are there.
    pub(crate) role: String,
    /// What its secret goes by.
    pub(crate) id: Uuid,
    /// Where its secret is.
    pub(crate) secret: Vault,
    /// The key's id, if `sessile login` made the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    /// When the key ends by itself, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<String>,
    /// Whether it is the one that is meant when only its URL is given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) default: bool,
}

/// All profiles, as they are in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Profiles {
    /// The one that is meant when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<String>,
    /// All of them, by name.
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Profile>,
}

impl Profiles {
    /// Reads them.
    ///
    /// # Errors
    /// The file can't be read or understood.
    pub(crate) fn load(place: &Place) -> Result<Self, String> {
        let Some(bytes) = place.read(FILE)? else { return Ok(Self::default()) };
        let wrong = |why: String| format!("{} is not as `sessile login` writes it: {why}", place.file(FILE).display());
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is no UTF-8".into()))?;
        toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))
    }

    /// Changes them, while nobody else does.
    ///
    /// # Errors
    /// They can't be read or written, or the change itself is refused: then they are as they were.
    pub(crate) fn change<T>(place: &Place, change: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        let lock = place.lock()?;
        let mut profiles = Self::load(place)?;
        let value = change(&mut profiles)?;
        let text = toml::to_string(&profiles).map_err(|error| format!("profiles can't be written: {error}"))?;
        place.write(&lock, FILE, format!("{HEAD}{text}").as_bytes())?;
        Ok(value)
    }

    /// Puts a profile under a name. The first one is the default, and so is the first of its URL.
    pub(crate) fn put(&mut self, name: &str, mut profile: Profile) {
        self.profiles.remove(name);
        profile.default = self.of_url(&profile.url).is_none();
        self.profiles.insert(name.to_owned(), profile);
        self.default.get_or_insert_with(|| name.to_owned());
    }

    /// Takes a profile away. Another one of its URL, if there is one, is that URL's default then.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Profile> {
        let profile = self.profiles.remove(name)?;
        if profile.default
            && let Some(next) = self.profiles.values_mut().find(|other| other.url == profile.url)
        {
            next.default = true;
        }
        if self.default.as_deref() == Some(name) {
            self.default = self.profiles.keys().next().cloned();
        }
        Some(profile)
    }

    /// Makes a profile the one that is meant when nothing is said, or its URL only.
    ///
    /// # Errors
    /// There is none of this name.
    pub(crate) fn prefer(&mut self, name: &str) -> Result<(), String> {
        let url = self.named(name)?.url.clone();
        for (other, profile) in &mut self.profiles {
            if profile.url == url {
                profile.default = other == name;
            }
        }
        self.default = Some(name.to_owned());
        Ok(())
    }

    /// The profile of a name.
    ///
    /// # Errors
    /// There is none; says which there are.
    pub(crate) fn named(&self, name: &str) -> Result<&Profile, String> {
        self.profiles.get(name).ok_or_else(|| {
            let names: Vec<_> = self.profiles.keys().map(String::as_str).collect();
            match names.is_empty() {
                true => format!("there is no profile {name:?}; `sessile login URL --name {name}` makes one"),
                false => format!("there is no profile {name:?}; there is {}", names.join(", ")),
            }
        })
    }

    /// The profile that is meant by a URL, and its name.
    pub(crate) fn of_url(&self, url: &str) -> Option<(&str, &Profile)> {
        let found = self.profiles.iter().find(|(_, profile)| profile.default && profile.url == url);
        found.map(|(name, profile)| (name.as_str(), profile))
    }
}

/// A name for a profile that got none: that of its gateway.
pub(crate) fn name_of(url: &GatewayUrl) -> String {
    let host = url.url().host_str().unwrap_or("gateway").trim_matches(['[', ']']).replace(':', "-");
    url.url().port().map_or_else(|| host.clone(), |port| format!("{host}-{port}"))
}

/// Whether a name can be told from a URL, and be typed.
///
/// # Errors
/// What a name may have.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.chars().count() > 64 || !name.chars().all(fits) || name.starts_with('-') {
        return Err(format!("{name:?} is no name for a profile: use up to 64 letters, digits, dots, - and _"));
    }
    Ok(())
}
