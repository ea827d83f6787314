//! The parts of the load benchmark, and the order they run in.
//!
//! `calls`, `http`, `proxy`, `bridge` and `memory` are what is measured, the first two as a `contest`; `generator` drives the
//! connections that `client`, `frame` and `response` speak for; `server`, `echo`, `rmcp_server`, `relay` and
//! `upstream` are what they speak to; `workload` is what they say, and `template` has it ready to go; `cpu` has what it took.

mod bridge;
mod calls;
mod client;
mod contest;
mod cpu;
mod echo;
mod forward;
mod frame;
mod generator;
mod http;
mod machine;
mod memory;
mod options;
mod proxy;
mod relay;
mod response;
mod rmcp_server;
mod server;
mod template;
mod upstream;
mod workload;

use std::process::ExitCode;

use clap::Parser as _;

use self::machine::Cores;
use self::options::Options;

/// Any failure of the benchmark; it is only ever printed.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Runs what the command line asks for.
pub(crate) fn main() -> ExitCode {
    let options = Options::parse();
    match play(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The part that the command line gives this program.
fn play(options: &Options) -> Result<()> {
    if let Some(upstream) = options.forward_to {
        return forward::run(upstream);
    }
    match () {
        () if options.echo_server => echo::run(),
        () if options.rmcp_server => rmcp_server::run(),
        () if options.upstream_stdio => upstream::run_stdio(),
        () if options.upstream_http => upstream::run_http(),
        () if options.relay_to_child => relay::run(None),
        () if options.relay_to.is_some() => relay::run(options.relay_to),
        () => measure(options),
    }
}

fn measure(options: &Options) -> Result<()> {
    let cores = Cores::claim()?;
    println!("{}\n{}\n", machine::describe(), cores.describe());
    if options.only_bridge {
        return bridge::measure(options, &cores);
    }
    let all = !options.only_http && !options.only_proxy;
    if all {
        calls::measure(options, &cores)?;
    }
    if !options.only_proxy {
        http::measure(options, &cores)?;
    }
    if !options.only_http {
        proxy::measure(options, &cores)?;
    }
    if all {
        bridge::measure(options, &cores)?;
    }
    if !options.no_memory && !options.only_proxy {
        memory::measure(options, &cores)?;
    }
    Ok(())
}

/// How a target is judged in the tables. The exit status does not depend on it: machines are noisy.
fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "not met" }
}
