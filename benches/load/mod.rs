//! The parts of the load benchmark, and the order they run in.
//!
//! `calls`, `http` and `memory` are what is measured, the first two as a `contest`; `generator` drives the
//! connections that `client`, `frame` and `response` speak for; `server`, `echo` and `rmcp_server` are what they
//! speak to; `workload` is what they say, and `template` has it ready to go.

mod calls;
mod client;
mod contest;
mod echo;
mod frame;
mod generator;
mod http;
mod machine;
mod memory;
mod options;
mod response;
mod rmcp_server;
mod server;
mod template;
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
    let outcome = match () {
        () if options.echo_server => echo::run(),
        () if options.rmcp_server => rmcp_server::run(),
        () => measure(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<()> {
    let cores = Cores::claim()?;
    println!("{}\n{}\n", machine::describe(), cores.describe());
    if !options.only_http {
        calls::measure(options, &cores)?;
    }
    http::measure(options, &cores)?;
    if !options.no_memory {
        memory::measure(options, &cores)?;
    }
    Ok(())
}

/// How a target is judged in the tables. The exit status does not depend on it: machines are noisy.
fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "not met" }
}
