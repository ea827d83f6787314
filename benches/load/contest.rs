//! Two servers in turns, and the table of what came out.

use super::generator::{Generator, Round};
use super::options::Options;
use super::template::Template;
use super::{Result, verdict};

/// Two servers, both connected and ready.
pub(crate) struct Contest<'a> {
    pub(crate) options: &'a Options,
    pub(crate) yardstick: Generator,
    pub(crate) sessile: Generator,
}

/// One round of each, the one right after the other.
pub(crate) struct Pair {
    pub(crate) yardstick: Round,
    pub(crate) sessile: Round,
}

impl Contest<'_> {
    /// Of several pairs of rounds, the one whose ratio is the median. The first request is the yardstick's.
    pub(crate) fn median_pair(&mut self, requests: [&Template; 2], in_flight: usize) -> Result<Pair> {
        self.yardstick.round(requests[0], in_flight, self.options.warm_up())?;
        self.sessile.round(requests[1], in_flight, self.options.warm_up())?;
        let mut pairs = Vec::with_capacity(Options::ROUNDS);
        for _ in 0..Options::ROUNDS {
            pairs.push(Pair {
                yardstick: self.yardstick.round(requests[0], in_flight, self.options.round())?,
                sessile: self.sessile.round(requests[1], in_flight, self.options.round())?,
            });
        }
        pairs.sort_by(|one, other| one.ratio().total_cmp(&other.ratio()));
        Ok(pairs.swap_remove(Options::ROUNDS / 2))
    }
}

impl Pair {
    fn ratio(&self) -> f64 {
        self.sessile.calls_per_second() / self.yardstick.calls_per_second()
    }

    /// The ratio in words, and whether it is what was promised.
    pub(crate) fn against(&self, target: Option<f64>) -> String {
        let ratio = self.ratio();
        match target {
            Some(target) => format!("{ratio:.2} (≥ {target}: {})", verdict(ratio >= target)),
            None => format!("{ratio:.2}"),
        }
    }
}

/// The head of a table.
pub(crate) fn print_head(title: &str, yardstick: &str, options: &Options) {
    println!("### {title}\n");
    println!(
        "{} rounds of {} ms for each server, in turns; the pair with the median ratio.\n",
        Options::ROUNDS,
        options.round().as_millis()
    );
    println!(
        "| call | in flight | server | calls/s | p50 µs | p90 µs | p99 µs | p99.9 µs | CPU µs/call | core busy | of {yardstick} |"
    );
    println!("| --- | --: | --- | --: | --: | --: | --: | --: | --: | --: | --- |");
}

/// One line of it.
pub(crate) fn print_row(server: &str, call: &str, in_flight: usize, round: &Round, of_yardstick: &str) {
    let [p50, p90, p99, p999] = [500, 900, 990, 999].map(|per_mille| round.latency_micros(per_mille));
    println!(
        "| {call} | {in_flight} | {server} | {:.0} | {p50:.0} | {p90:.0} | {p99:.0} | {p999:.0} | {:.2} | {:.0} % | {of_yardstick} |",
        round.calls_per_second(),
        round.cpu_micros_per_call(),
        round.server_busy() * 100.0,
    );
}
