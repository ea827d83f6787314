//! What has to hold between upstreams: that a tool's name says whose it is.

use super::definition::{Definition, Tenants};

/// Looks whether names of tools are anybody's but one's.
///
/// # Errors
/// The key that is wrong, with both sides: `upstream.a.prefix: …`.
pub(crate) fn check_together(definitions: &[Definition], built_in: &[&str]) -> Result<(), String> {
    for (at, one) in definitions.iter().enumerate() {
        if let Some(tool) = built_in.iter().find(|tool| !one.prefix.is_empty() && tool.starts_with(&one.prefix)) {
            return Err(format!(
                "upstream.{}.prefix: {:?} begins the name of the built-in tool {tool}; write another prefix",
                one.name, one.prefix
            ));
        }
        for other in &definitions[..at] {
            check_pair(other, one)?;
        }
    }
    Ok(())
}

fn check_pair(one: &Definition, other: &Definition) -> Result<(), String> {
    if one.name == other.name {
        return Err(format!("upstream.{}: there are two with this name", one.name));
    }
    if !one.tenants.overlap(&other.tenants) {
        return Ok(());
    }
    let (name, prefix) = (&other.name, &other.prefix);
    let advice = "write another one, or open them to different tenants";
    if one.prefix == *prefix {
        return Err(format!(
            "upstream.{name}.prefix: {prefix:?} is the prefix of upstream.{} as well; {advice}",
            one.name
        ));
    }
    let (shorter, longer) = if one.prefix.len() < prefix.len() { (one, other) } else { (other, one) };
    if !shorter.prefix.is_empty() && longer.prefix.starts_with(&shorter.prefix) {
        return Err(format!(
            "upstream.{}.prefix: {:?} begins with {:?}, the prefix of upstream.{}; {advice}",
            longer.name, longer.prefix, shorter.prefix, shorter.name
        ));
    }
    Ok(())
}

impl Tenants {
    /// Whether there is a tenant that both name.
    fn overlap(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Only(some), Self::Only(others)) => !some.is_disjoint(others),
            _ => true,
        }
    }
}
