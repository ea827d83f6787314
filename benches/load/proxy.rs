//! The third part: calls that go on to an upstream, beside the same calls made to that directly.
//!
//! What counts is the processor time that a call takes more than the same one made directly, in all processes together: in
//! the generator, which is the client here, in Sessile and in the upstream. No process can be looked at alone, for
//! whoever wakes another one pays for that, and who that is depends on the way. Beside Sessile stands a process that only
//! carries bytes, which is what the system asks of anybody in between, and one that only passes HTTP requests on.

use super::client::Connection;
use super::cpu::Clock;
use super::generator::{Generator, Round};
use super::http::{self, MODERN};
use super::machine::Cores;
use super::options::Options;
use super::server::{Process, Server};
use super::template::Template;
use super::upstream::Size;
use super::{Result, verdict, workload};
use serde_json::json;
use std::cmp::Ordering;

/// How many calls are under way at the same time.
const IN_FLIGHT: [usize; 2] = [1, 8];

/// How an upstream is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Stdio,
    Http,
}

/// What is measured in turns: one kind of call, on all its ways to the upstream.
#[derive(Clone, Copy)]
struct Cell<'a> {
    http: &'a Server,
    relay: &'a Server,
    forward: &'a Server,
    sessile: &'a Server,
    token: &'a str,
    reach: Reach,
    size: Size,
    in_flight: usize,
}

/// A way to the upstream, ready to be driven.
struct Way {
    name: &'static str,
    generator: Generator,
    request: Template,
    /// Calls under way on each of its connections.
    in_flight: usize,
    rounds: Vec<Measured>,
}

/// A round of a way, and the processor time of the upstream for one of its calls, in microseconds.
struct Measured {
    round: Round,
    upstream: f64,
    /// What a call took more than one of the direct way just before.
    added: f64,
}

/// Measures, and prints a table each for the client on a core of its own and for everybody on one. In the one, a core
/// falls asleep while the other one works, and whoever wakes it pays for that; in the other there is nothing but work.
pub(crate) fn measure(options: &Options, cores: &Cores) -> Result<()> {
    print_head(options);
    if let Cores::Apart { .. } = cores {
        println!("The client on one core, all others on another:\n");
        placed(options, cores)?;
    }
    println!("All on one core:\n");
    cores.together(|cores| placed(options, cores))?;
    println!("Over WebSocket and over standard input and output, calls that are under way at the same time share a");
    println!("connection; over HTTP each has its own.\n");
    Ok(())
}

/// Measures both kinds of upstreams, and prints a table.
fn placed(options: &Options, cores: &Cores) -> Result<()> {
    let http = Server::upstream(cores)?;
    let forward = Server::forward(cores, http.address())?;
    let sessile = Server::gateway(cores, &upstreams(&http)?)?;
    let token = http::sign_up(sessile.address())?;
    print_columns();
    for reach in [Reach::Stdio, Reach::Http] {
        let relay = Server::relay(cores, (reach == Reach::Http).then(|| http.address()))?;
        for size in Size::ALL {
            for in_flight in IN_FLIGHT {
                let (http, forward, relay, sessile, token) = (&http, &forward, &relay, &sessile, token.as_str());
                let cell = Cell { http, relay, forward, sessile, token, reach, size, in_flight };
                cell.measure(options, cores)?;
            }
        }
    }
    println!();
    Ok(())
}

/// The configuration of an upstream of each kind in each era.
fn upstreams(http: &Server) -> Result<String> {
    let program = std::env::current_exe()?;
    let command = json!([program, "--upstream-stdio"]);
    let url = json!(format!("http://{}/mcp", http.address()));
    let table = |reach: Reach, era: &str| match reach {
        Reach::Stdio => format!("[upstream.stdio-{era}]\nera = \"{era}\"\ncommand = {command}\n"),
        Reach::Http => format!("[upstream.http-{era}]\nera = \"{era}\"\nurl = {url}\n"),
    };
    let all = [Reach::Stdio, Reach::Http].map(|reach| table(reach, "legacy") + &table(reach, "modern"));
    Ok(all.concat())
}

impl Reach {
    /// The name of the upstream's tool at Sessile.
    fn tool(self, era: &str, size: Size) -> String {
        let name = if self == Self::Stdio { "stdio" } else { "http" };
        format!("{name}-{era}_{}", size.tool())
    }

    fn words(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "HTTP",
        }
    }
}

impl Cell<'_> {
    fn measure(self, options: &Options, cores: &Cores) -> Result<()> {
        // Held: it ends when it is dropped.
        let (_process, direct) = match self.reach {
            Reach::Stdio => self.by_pipes(cores).map(|(process, way)| (Some(process), way))?,
            Reach::Http => (None, self.by_http()?),
        };
        let mut ways = vec![direct, self.by_relay()?];
        if self.reach == Reach::Http {
            ways.push(self.by_forward()?);
        }
        ways.extend([self.by_websocket_through()?, self.by_http_through()?]);
        for way in &mut ways {
            way.generator.round(&way.request, way.in_flight, options.warm_up())?;
        }
        for _ in 0..Options::ROUNDS {
            let mut directly = None;
            for way in &mut ways {
                // A child was started by the first call, if not before.
                let upstream = match self.reach {
                    Reach::Stdio => [self.sessile.clocks_of_children()?, self.relay.clocks_of_children()?].concat(),
                    Reach::Http => vec![self.http.clock()?],
                };
                let all = way.measure(&upstream, directly, options)?;
                directly.get_or_insert(all);
            }
        }
        for way in ways {
            let name = way.name;
            if let Some(measured) = way.median() {
                self.print_row(name, &measured);
            }
        }
        Ok(())
    }

    fn by_pipes(self, cores: &Cores) -> Result<(Process, Way)> {
        let (process, pipes) = Process::upstream(cores)?;
        let generator = Generator::over(process.clock()?, vec![pipes])?;
        let request = Template::line(&workload::request(self.size.tool(), &json!({})));
        Ok((process, Way { name: DIRECT, generator, request, in_flight: self.in_flight, rounds: Vec::new() }))
    }

    fn by_http(self) -> Result<Way> {
        let generator = Generator::http(self.http, u32::try_from(self.in_flight)?)?;
        let request = http::request(self.http.address(), MODERN, self.size.tool(), None)?;
        Ok(Way { name: DIRECT, generator, request, in_flight: 1, rounds: Vec::new() })
    }

    fn by_relay(self) -> Result<Way> {
        let (generator, request, in_flight) = match self.reach {
            Reach::Stdio => {
                let generator = Generator::over(self.relay.clock()?, vec![Connection::lines(self.relay.address())?])?;
                let request = Template::line(&workload::request(self.size.tool(), &json!({})));
                (generator, request, self.in_flight)
            }
            Reach::Http => {
                let generator = Generator::http(self.relay, u32::try_from(self.in_flight)?)?;
                (generator, http::request(self.http.address(), MODERN, self.size.tool(), None)?, 1)
            }
        };
        Ok(Way { name: RELAY, generator, request, in_flight, rounds: Vec::new() })
    }

    fn by_forward(self) -> Result<Way> {
        let generator = Generator::http(self.forward, u32::try_from(self.in_flight)?)?;
        let request = http::request(self.http.address(), MODERN, self.size.tool(), None)?;
        Ok(Way { name: FORWARD, generator, request, in_flight: 1, rounds: Vec::new() })
    }

    fn by_websocket_through(self) -> Result<Way> {
        let generator = Generator::connect(self.sessile, 1)?;
        let tool = self.reach.tool("legacy", self.size);
        let request = Template::websocket(&workload::request(&tool, &json!({})));
        Ok(Way { name: "WebSocket", generator, request, in_flight: self.in_flight, rounds: Vec::new() })
    }

    fn by_http_through(self) -> Result<Way> {
        let generator = Generator::http(self.sessile, u32::try_from(self.in_flight)?)?;
        let tool = self.reach.tool("modern", self.size);
        let request = http::request(self.sessile.address(), MODERN, &tool, Some(self.token))?;
        Ok(Way { name: "HTTP", generator, request, in_flight: 1, rounds: Vec::new() })
    }

    fn print_row(self, name: &str, measured: &Measured) {
        let Measured { round, upstream, added } = measured;
        let [p50, p99] = [500, 990].map(|per_mille| round.latency_micros(per_mille));
        let (client, between) = (round.own_micros_per_call(), round.cpu_micros_per_call());
        let most = self.size.target_micros();
        let (between, told) = match name {
            DIRECT => (String::new(), " | ".to_owned()),
            RELAY | FORWARD => (format!("{between:.1}"), format!("{added:.1} | ")),
            _ => (format!("{between:.1}"), format!("{added:.1} | ≤ {most}: {}", verdict(*added <= most))),
        };
        println!(
            "| {} | {} | {} | {name} | {:.0} | {p50:.0} | {p99:.0} | {client:.1} | {between} | {upstream:.1} | {told} |",
            self.reach.words(),
            self.size.words(),
            self.in_flight,
            round.calls_per_second(),
        );
    }
}

/// What the way without Sessile is called.
const DIRECT: &str = "direct";
/// What the way through a process is called that only carries bytes.
const RELAY: &str = "relay of bytes";
/// And through one that only passes requests on.
const FORWARD: &str = "proxy on hyper";

impl Way {
    /// Gives what a call took in all processes, in microseconds.
    fn measure(&mut self, upstream: &[Clock], directly: Option<f64>, options: &Options) -> Result<f64> {
        // One of a session that is over may end meanwhile.
        let read = || upstream.iter().map(|clock| clock.read().ok());
        let before: Vec<_> = read().collect();
        let round = self.generator.round(&self.request, self.in_flight, options.short_round())?;
        let used = before.into_iter().zip(read()).filter_map(|(before, after)| after?.checked_sub(before?));
        let (between, upstream) = match self.name {
            DIRECT => (0.0, round.cpu_micros_per_call()),
            _ => {
                let upstream = used.map(|used| used.as_secs_f64()).sum::<f64>() * 1e6 / round.calls();
                (round.cpu_micros_per_call(), upstream)
            }
        };
        let all = round.own_micros_per_call() + between + upstream;
        self.rounds.push(Measured { round, upstream, added: all - directly.unwrap_or(all) });
        Ok(all)
    }

    /// The round in which a call took the median of added processor time; of the direct way, of all of it.
    fn median(mut self) -> Option<Measured> {
        let cost = |measured: &Measured| (measured.added, measured.round.cpu_micros_per_call());
        self.rounds.sort_by(|one, other| cost(one).partial_cmp(&cost(other)).unwrap_or(Ordering::Equal));
        self.rounds.into_iter().nth(Options::ROUNDS / 2)
    }
}

fn print_head(options: &Options) {
    println!("### Calls through Sessile to an upstream\n");
    println!(
        "{} rounds of {} ms for each way, in turns; the one with the median of added processor time.\n",
        Options::ROUNDS,
        options.short_round().as_millis()
    );
}

fn print_columns() {
    println!(
        "| upstream | result | in flight | way | calls/s | p50 µs | p99 µs | client's CPU µs/call | between | upstream's | \
         added by what is between | target |"
    );
    println!("| --- | --- | --: | --- | --: | --: | --: | --: | --: | --: | --: | --- |");
}
