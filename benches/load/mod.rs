//! The parts of the load benchmark, and the order they run in.
//!
//! `calls` and `memory` are what is measured; `generator` drives the connections that `client` and
//! `frame` speak for; `server` and `echo` are what they speak to; `workload` is what they say.

mod calls;
mod client;
mod echo;
mod frame;
mod generator;
mod machine;
mod memory;
mod options;
mod server;
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
    let outcome = if options.echo_server { echo::run() } else { measure(&options) };
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
    calls::measure(options, &cores)?;
    if !options.no_memory {
        memory::measure(options, &cores)?;
    }
    Ok(())
}

/// How a target is judged in the tables. The exit status does not depend on it: machines are noisy.
fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "not met" }
}
