//! The fourth part: a call through `sessile connect` beside the same call on a WebSocket of one's own; and what the bridge
//! itself takes, in memory and until it is there.
//!
//! A call takes the processor time of all processes that it passes: of the generator, which is the client here, of the
//! bridge and of the gateway.

use super::client::{Connection, open_signed_in};
use super::cpu::Clock;
use super::generator::{Generator, Round};
use super::machine::Cores;
use super::options::Options;
use super::server::{Process, Server};
use super::template::Template;
use super::{Result, verdict, workload};
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How many calls are under way at the same time.
const IN_FLIGHT: [usize; 2] = [1, 8];
/// How many times the processor time of a direct call one through the bridge may take.
const MOST_TIMES: f64 = 1.3;
/// How much later its answer may come at the median, in microseconds.
const MOST_LATER: f64 = 60.0;
/// How much of the bridge's memory may be resident, in MiB.
const MOST_RESIDENT: f64 = 10.0;
/// How long it may take until it has its first answer, in milliseconds.
const MOST_START: f64 = 20.0;
/// How often it is started; odd, so that there is a median.
const STARTS: usize = 21;
/// The call: the cheapest one, of which a bridge's share is the largest.
const TOOL: &str = "auth_whoami";

/// A way to the gateway, ready to be driven.
struct Way {
    name: &'static str,
    generator: Generator,
    request: Template,
    /// The bridge, where there is one.
    bridge: Option<Clock>,
    rounds: Vec<Measured>,
}

/// A round of a way, and what a call took in the bridge, in microseconds.
struct Measured {
    round: Round,
    bridge: f64,
}

/// Measures, and prints its tables.
pub(crate) fn measure(options: &Options, cores: &Cores) -> Result<()> {
    let server = Server::sessile(cores)?;
    workload::prepare(server.address())?;
    let mut direct = Vec::new();
    open_signed_in(server.address(), 1, |connection| direct.push(connection))?;
    let (process, mut through) = Process::bridge(cores, server.address())?;
    through.say(&workload::request("auth_sign_in", &workload::credentials()))?;
    let text = workload::request(TOOL, &json!({}));
    let way = |name, opened: Connection, request, bridge| {
        let generator = Generator::over(server.clock()?, vec![opened])?;
        Ok::<_, Box<dyn std::error::Error>>(Way { name, generator, request, bridge, rounds: Vec::new() })
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
            let yardstick = *yardstick.get_or_insert_with(|| (measured.all(), measured.served(), measured.median()));
            print_row(way.name, in_flight, &measured, yardstick);
        }
    }
    println!();
    print_own(process.resident_kib()?, cores, &server)
}

impl Way {
    fn measure(&mut self, in_flight: usize, options: &Options) -> Result<()> {
        let read = |clock: Option<Clock>| clock.map(Clock::read).transpose();
        let before = read(self.bridge)?;
        let round = self.generator.round(&self.request, in_flight, options.short_round())?;
        let bridge = read(self.bridge)?.zip(before).map_or(0.0, |(after, before)| (after - before).as_secs_f64());
        let bridge = bridge * 1e6 / round.calls();
        self.rounds.push(Measured { round, bridge });
        Ok(())
    }

    /// The round in which a call took the median of processor time; the others are forgotten.
    fn median(&mut self) -> Option<Measured> {
        let mut rounds = std::mem::take(&mut self.rounds);
        rounds.sort_by(|one, other| one.all().total_cmp(&other.all()));
        rounds.into_iter().nth(Options::ROUNDS / 2)
    }
}

impl Measured {
    /// Processor time of a call, in microseconds.
    fn all(&self) -> f64 {
        self.round.own_micros_per_call() + self.served()
    }

    /// The same without that of the client.
    fn served(&self) -> f64 {
        self.bridge + self.round.cpu_micros_per_call()
    }

    /// When half of the answers were there, in microseconds.
    fn median(&self) -> f64 {
        self.round.latency_micros(500)
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
        "| in flight | way | calls/s | p50 µs | p99 µs | client's CPU µs/call | bridge's | gateway's | all | times | \
         target | without the client | later µs | target |"
    );
    println!("| --: | --- | --: | --: | --: | --: | --: | --: | --: | --: | --- | --: | --: | --- |");
}

fn print_row(name: &str, in_flight: usize, measured: &Measured, (all, served, median): (f64, f64, f64)) {
    let round = &measured.round;
    let told = if measured.bridge == 0.0 {
        " |  |  |  | ".to_owned()
    } else {
        let (times, later) = (measured.all() / all, measured.median() - median);
        let (cheap, soon) = (verdict(times <= MOST_TIMES), verdict(later <= MOST_LATER));
        let without = measured.served() / served;
        format!("{times:.2} | ≤ {MOST_TIMES}: {cheap} | {without:.2} | {later:.0} | ≤ {MOST_LATER}: {soon}")
    };
    println!(
        "| {in_flight} | {name} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {told} |",
        round.calls_per_second(),
        measured.median(),
        round.latency_micros(990),
        round.own_micros_per_call(),
        measured.bridge,
        round.cpu_micros_per_call(),
        measured.all(),
    );
}

/// What the bridge takes itself. A start is over when the gateway's answer to `initialize` has come through it; beside
/// it stands a process that prints its version and ends.
fn print_own(resident_kib: u64, cores: &Cores, server: &Server) -> Result<()> {
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "load", "version": "1" },
    });
    let hello = workload::message_text("initialize", &hello);
    let started = median(|| {
        // It is stopped when it is dropped, which does not count.
        let start = Instant::now();
        let (process, mut host) = Process::bridge(cores, server.address())?;
        host.say(&hello)?;
        Ok((start.elapsed(), process))
    })?;
    let nothing = median(|| {
        let start = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessile"));
        cores.spawn(command.arg("--version").stdout(Stdio::null()))?.wait()?;
        Ok((start.elapsed(), ()))
    })?;
    let resident = resident_kib as f64 / 1024.0;
    let (started, nothing) = (started.as_secs_f64() * 1e3, nothing.as_secs_f64() * 1e3);
    println!("| of `sessile connect` | | target |\n| --- | --: | --- |");
    println!(
        "| resident after these calls, MiB | {resident:.1} | < {MOST_RESIDENT}: {} |",
        verdict(resident < MOST_RESIDENT)
    );
    println!(
        "| from its start to the answer to `initialize`, ms (median of {STARTS}) | {started:.1} | < {MOST_START}: {} |",
        verdict(started < MOST_START)
    );
    println!("| beside it: `sessile --version` until it has ended, ms | {nothing:.1} | |\n");
    Ok(())
}

fn median<T>(mut once: impl FnMut() -> Result<(Duration, T)>) -> Result<Duration> {
    let times = (0..STARTS).map(|_| Ok(once()?.0)).collect::<Result<Vec<_>>>();
    let mut times = times?;
    times.sort_unstable();
    Ok(times[STARTS / 2])
}
