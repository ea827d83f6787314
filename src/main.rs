//! The `sessile` binary: hands its command line over to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    match sessile::cli::run() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("sessile: {error}");
            ExitCode::FAILURE
        }
    }
}
