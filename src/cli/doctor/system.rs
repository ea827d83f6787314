//! What this machine is set to that matters on the way to a gateway.

use super::Findings;
use crate::client::GatewayUrl;

/// Fewer open files than this, and an agent with many servers runs out.
const FILES: u64 = 256;
/// What other programs take for a proxy's address.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

pub(super) fn look(findings: &mut Findings, url: &GatewayUrl) {
    // Their names alone: a proxy's address may hold a password.
    let set: Vec<_> =
        PROXIES.into_iter().filter(|name| std::env::var_os(name).is_some_and(|set| !set.is_empty())).collect();
    if !set.is_empty() {
        let found = format!("{} is set, and Sessile uses no proxy", set.join(" and "));
        findings.note("proxy", found, "if there is no other way out of this network, the steps below fail to connect");
    }
    if let Ok((soft, _)) = rlimit::Resource::NOFILE.get()
        && soft < FILES
    {
        findings.note("files", format!("this shell allows {soft} open files"), "raise it with `ulimit -n 1024`");
    }
    if url.is_exposed() {
        findings.note("secrecy", "what is sent there can be read on the way", "use wss:// if the gateway has TLS");
    }
}
