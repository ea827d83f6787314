//! The first part: calls over WebSocket, in turns with the echo.

use super::Result;
use super::contest::{self, Contest};
use super::generator::Generator;
use super::machine::Cores;
use super::options::Options;
use super::server::Server;
use super::template::Template;
use super::workload::{self, Operation};

const IN_FLIGHT: [usize; 2] = [1, 8];

/// Measures each chosen call with one and with several in flight, and prints a table.
pub(crate) fn measure(options: &Options, cores: &Cores) -> Result<()> {
    let mut chosen = Operation::ALL.into_iter().filter(|call| call.tool().contains(&options.only)).peekable();
    if chosen.peek().is_none() {
        return Err(format!("no call is named like {:?}", options.only).into());
    }
    let (echo, sessile) = (Server::echo(cores)?, Server::sessile(cores)?);
    let contact = workload::prepare(sessile.address())?;
    let mut contest = Contest {
        options,
        yardstick: Generator::connect(&echo, Options::CONNECTIONS)?,
        sessile: Generator::connect(&sessile, Options::CONNECTIONS)?,
    };
    contest::print_head(&format!("Calls over {} connections", Options::CONNECTIONS), "echo", options);
    for call in chosen {
        let request = Template::websocket(&call.request(&contact));
        for in_flight in IN_FLIGHT {
            let pair = contest.median_pair([&request, &request], in_flight)?;
            contest::print_row("echo", call.tool(), in_flight, &pair.yardstick, "");
            let of_echo = pair.against(call.target(in_flight));
            contest::print_row("sessile", call.tool(), in_flight, &pair.sessile, &of_echo);
        }
    }
    println!("\nA server whose core is not busy waited for the generator or, in crm_contact_create,");
    println!("for the disk: each answer of that call leaves after its commit.\n");
    Ok(())
}
