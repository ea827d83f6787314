//! The first part: calls a second, latency and processor time, in turns with the echo.

use super::frame::Template;
use super::generator::{Generator, Round};
use super::machine::Cores;
use super::options::Options;
use super::server::Server;
use super::workload::{self, Operation};
use super::{Result, verdict};

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
        echo: Generator::connect(&echo, Options::CONNECTIONS)?,
        sessile: Generator::connect(&sessile, Options::CONNECTIONS)?,
    };
    print_head(options);
    for call in chosen {
        let request = Template::new(&call.request(&contact));
        for in_flight in IN_FLIGHT {
            let pair = contest.median_pair(&request, in_flight)?;
            print_row("echo", call, in_flight, &pair.echo, "");
            print_row("sessile", call, in_flight, &pair.sessile, &pair.against(call.target(in_flight)));
        }
    }
    println!("\nA server whose core is not busy waited for the generator or, in crm_contact_create,");
    println!("for the disk: each answer of that call leaves after its commit.\n");
    Ok(())
}

/// The two servers, both connected and ready.
struct Contest<'a> {
    options: &'a Options,
    echo: Generator<'a>,
    sessile: Generator<'a>,
}

/// One round of each, the one right after the other.
struct Pair {
    echo: Round,
    sessile: Round,
}

impl Contest<'_> {
    /// Of several pairs of rounds, the one whose ratio is the median.
    fn median_pair(&mut self, request: &Template, in_flight: usize) -> Result<Pair> {
        self.echo.round(request, in_flight, self.options.warm_up())?;
        self.sessile.round(request, in_flight, self.options.warm_up())?;
        let mut pairs = Vec::with_capacity(Options::ROUNDS);
        for _ in 0..Options::ROUNDS {
            pairs.push(Pair {
                echo: self.echo.round(request, in_flight, self.options.round())?,
                sessile: self.sessile.round(request, in_flight, self.options.round())?,
            });
        }
        pairs.sort_by(|one, other| one.ratio().total_cmp(&other.ratio()));
        Ok(pairs.swap_remove(Options::ROUNDS / 2))
    }
}

impl Pair {
    fn ratio(&self) -> f64 {
        self.sessile.calls_per_second() / self.echo.calls_per_second()
    }

    fn against(&self, target: Option<f64>) -> String {
        let ratio = self.ratio();
        match target {
            Some(target) => format!("{ratio:.2} (≥ {target}: {})", verdict(ratio >= target)),
            None => format!("{ratio:.2}"),
        }
    }
}

fn print_head(options: &Options) {
    println!("### Calls over {} connections\n", Options::CONNECTIONS);
    println!(
        "{} rounds of {} ms for each server, in turns; the pair with the median ratio.\n",
        Options::ROUNDS,
        options.round().as_millis()
    );
    println!(
        "| call | in flight | server | calls/s | p50 µs | p90 µs | p99 µs | p99.9 µs | CPU µs/call | core busy | of echo |"
    );
    println!("| --- | --: | --- | --: | --: | --: | --: | --: | --: | --: | --- |");
}

fn print_row(server: &str, call: Operation, in_flight: usize, round: &Round, of_echo: &str) {
    let [p50, p90, p99, p999] = [500, 900, 990, 999].map(|per_mille| round.latency_micros(per_mille));
    println!(
        "| {} | {in_flight} | {server} | {:.0} | {p50:.0} | {p90:.0} | {p99:.0} | {p999:.0} | {:.2} | {:.0} % | {of_echo} |",
        call.tool(),
        round.calls_per_second(),
        round.cpu_micros_per_call(),
        round.server_busy() * 100.0,
    );
}
