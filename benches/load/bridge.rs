//! The fourth part: a call through `sessile connect` beside the same call on a WebSocket of one's own.
//!
//! What counts is the processor time of gateway and bridge together, and how much later the answer comes.

use super::client::{Connection, open_signed_in};
use super::cpu::Clock;
use super::generator::{Generator, Round};
use super::machine::Cores;
use super::options::Options;
use super::server::{Process, Server};
use super::template::Template;
use super::{Result, verdict, workload};
use serde_json::json;

/// How many calls are under way at the same time.
const IN_FLIGHT: [usize; 2] = [1, 8];
/// How many times the processor time of a direct call one through the bridge may take.
const MOST_TIMES: f64 = 1.3;
/// How much later its answer may come at the median, in microseconds.
const MOST_LATER: f64 = 60.0;
/// The call: the cheapest one, of which a bridge's share is the largest.
const TOOL: &str = "auth_whoami";

/// A way to the gateway, ready to be driven.
struct Way {
    name: &'static str,
    generator: Generator,
    request: Template,
    /// Processes of this way that the generator's own clock does not show.
    beside: Option<Clock>,
    rounds: Vec<Measured>,
}

/// A round of a way, and what a call took in all processes of that, in microseconds.
struct Measured {
    round: Round,
    cpu: f64,
}

/// Measures, and prints a table.
pub(crate) fn measure(options: &Options, cores: &Cores) -> Result<()> {
    let server = Server::sessile(cores)?;
    workload::prepare(server.address())?;
    let mut direct = Vec::new();
    open_signed_in(server.address(), 1, |connection| direct.push(connection))?;
    // Held: it ends when it is dropped.
    let (process, mut through) = Process::bridge(cores, server.address())?;
    through.sign_in_by_line()?;
    let text = workload::request(TOOL, &json!({}));
    let way = |name, opened: Connection, request, beside| {
        let generator = Generator::over(server.clock()?, vec![opened])?;
        Ok::<_, Box<dyn std::error::Error>>(Way { name, generator, request, beside, rounds: Vec::new() })
    };
    let direct = direct.pop().ok_or("there is no connection")?;
    let mut ways = [
        way("direct", direct, Template::websocket(&text), None)?,
        way("bridge", through, Template::line(&text), Some(process.clock()?))?,
    ];
    print_head(options);
    for in_flight in IN_FLIGHT {
        for way in &mut ways {
            way.generator.round(&way.request, in_flight, options.warm_up())?;
        }
        for _ in 0..Options::ROUNDS {
            for way in &mut ways {
                way.measure(in_flight, options)?;
            }
        }
        let mut yardstick = None;
        for way in &mut ways {
            let Some(measured) = way.median() else { continue };
            let p50 = measured.round.latency_micros(500);
            let (cpu, later) = *yardstick.get_or_insert((measured.cpu, p50));
            print_row(way.name, in_flight, &measured, measured.cpu / cpu, p50 - later);
        }
    }
    println!();
    Ok(())
}

impl Way {
    fn measure(&mut self, in_flight: usize, options: &Options) -> Result<()> {
        let read = |clock: Option<Clock>| clock.map(Clock::read).transpose();
        let before = read(self.beside)?;
        let round = self.generator.round(&self.request, in_flight, options.short_round())?;
        let beside = read(self.beside)?.zip(before).map_or(0.0, |(after, before)| (after - before).as_secs_f64());
        let cpu = round.cpu_micros_per_call() + beside * 1e6 / round.calls();
        self.rounds.push(Measured { round, cpu });
        Ok(())
    }

    /// The round in which a call took the median of processor time; the others are forgotten.
    fn median(&mut self) -> Option<Measured> {
        let mut rounds = std::mem::take(&mut self.rounds);
        rounds.sort_by(|one, other| one.cpu.total_cmp(&other.cpu));
        rounds.into_iter().nth(Options::ROUNDS / 2)
    }
}

fn print_head(options: &Options) {
    println!("### Calls through `sessile connect`\n");
    println!(
        "`{TOOL}`; {} rounds of {} ms for each way, in turns; the one with the median of processor time.\n",
        Options::ROUNDS,
        options.short_round().as_millis()
    );
    println!(
        "| in flight | way | calls/s | p50 µs | p99 µs | CPU µs/call, all processes | times | target | later µs | target |"
    );
    println!("| --: | --- | --: | --: | --: | --: | --: | --- | --: | --- |");
}

fn print_row(name: &str, in_flight: usize, measured: &Measured, times: f64, later: f64) {
    let round = &measured.round;
    let [p50, p99] = [500, 990].map(|per_mille| round.latency_micros(per_mille));
    let told = if name == "direct" {
        " |  |  | ".to_owned()
    } else {
        let (cheap, soon) = (verdict(times <= MOST_TIMES), verdict(later <= MOST_LATER));
        format!("{times:.2} | ≤ {MOST_TIMES}: {cheap} | {later:.0} | ≤ {MOST_LATER}: {soon}")
    };
    let (rate, cpu) = (round.calls_per_second(), measured.cpu);
    println!("| {in_flight} | {name} | {rate:.0} | {p50:.0} | {p99:.0} | {cpu:.1} | {told} |");
}
