//! The `sessile` binary: hands its command line over to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    match sessile::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sessile: {error}");
            ExitCode::FAILURE
        }
    }
}
