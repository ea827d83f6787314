//! The load: many connections, each with a fixed number of calls in flight, driven by one thread.
//!
//! A connection that has something to read is read once; as many requests leave in one write as
//! responses came. Latency runs from that write to the read that brought the response, and so
//! includes the wait for the other connections that the servers and this thread handle first.

use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::Result;
use super::client::{Connection, PATIENCE, STUCK, open_signed_in};
use super::cpu::Clock;
use super::server::Server;
use super::template::{FIRST_NUMBER, Template};

/// More calls than a round is likely to hold: growing in its midst would be felt by the slowest ones.
const ROOM_FOR_CALLS: usize = 1 << 22;

/// All connections to one server.
pub(crate) struct Generator {
    clock: Clock,
    lanes: Vec<Lane>,
    epoll: Epoll,
    /// Numbers the calls, over all rounds: no two have the same.
    next_number: u64,
}

/// What one round showed.
#[derive(Debug)]
pub(crate) struct Round {
    /// How long it took.
    elapsed: Duration,
    /// Processor time of the server meanwhile.
    server_cpu: Duration,
    /// The generator's own.
    own_cpu: Duration,
    /// How long each call took, in nanoseconds, sorted.
    latencies: Vec<u32>,
}

/// A connection and the calls it waits for, with the time each was sent.
struct Lane {
    connection: Connection,
    in_flight: Vec<(u64, Instant)>,
}

impl Generator {
    /// Opens `connections` to the server and signs them in.
    pub(crate) fn connect(server: &Server, connections: u32) -> Result<Self> {
        let mut opened = Vec::new();
        open_signed_in(server.address(), connections, |connection| opened.push(connection))?;
        Self::over(server.clock()?, opened)
    }

    /// Opens `connections` to the server, for requests that each bring their own proof.
    pub(crate) fn http(server: &Server, connections: u32) -> Result<Self> {
        let opened = (0..connections).map(|_| Connection::http(server.address())).collect::<Result<_>>()?;
        Self::over(server.clock()?, opened)
    }

    /// On connections that are open already, to a server whose processor time this clock shows.
    pub(crate) fn over(clock: Clock, opened: Vec<Connection>) -> Result<Self> {
        let lanes: Vec<_> = opened.into_iter().map(|connection| Lane { connection, in_flight: Vec::new() }).collect();
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (index, lane) in (0..).zip(&lanes) {
            epoll.add(lane.connection.readable(), EpollEvent::new(EpollFlags::EPOLLIN, index))?;
        }
        Ok(Self { clock, lanes, epoll, next_number: FIRST_NUMBER })
    }

    /// Keeps `in_flight` calls of `request` under way on each connection for `duration`, then waits
    /// for the last of them, which do not count.
    pub(crate) fn round(&mut self, request: &Template, in_flight: usize, duration: Duration) -> Result<Round> {
        let own = Clock::of(std::process::id())?;
        let (cpu_before, own_before) = (self.clock.read()?, own.read()?);
        let start = Instant::now();
        let mut out = Vec::new();
        for lane in &mut self.lanes {
            lane.send(in_flight, request, &mut self.next_number, start, &mut out)?;
        }
        let mut latencies = Vec::with_capacity(ROOM_FOR_CALLS);
        while start.elapsed() < duration {
            self.turn(&mut latencies, Some(request), &mut out)?;
        }
        let elapsed = start.elapsed();
        let server_cpu = self.clock.read()?.saturating_sub(cpu_before);
        let own_cpu = own.read()?.saturating_sub(own_before);
        while self.lanes.iter().any(|lane| !lane.in_flight.is_empty()) {
            self.turn(&mut Vec::new(), None, &mut out)?;
        }
        latencies.sort_unstable();
        Ok(Round { elapsed, server_cpu, own_cpu, latencies })
    }

    /// Waits until something can be read, reads it, and sends as many requests as responses came.
    fn turn(&mut self, latencies: &mut Vec<u32>, request: Option<&Template>, out: &mut Vec<u8>) -> Result<()> {
        let mut events = [EpollEvent::empty(); 64];
        let timeout = EpollTimeout::try_from(PATIENCE)?;
        let ready = self.epoll.wait(&mut events, timeout)?;
        if ready == 0 {
            return Err(STUCK.into());
        }
        for event in &events[..ready] {
            let lane = &mut self.lanes[usize::try_from(event.data())?];
            let (answers, now) = lane.receive(latencies)?;
            if let Some(request) = request {
                lane.send(answers, request, &mut self.next_number, now, out)?;
            }
        }
        Ok(())
    }
}

impl Lane {
    fn send(
        &mut self,
        calls: usize,
        request: &Template,
        next_number: &mut u64,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if calls == 0 {
            return Ok(());
        }
        out.clear();
        for _ in 0..calls {
            request.write(*next_number, out);
            self.in_flight.push((*next_number, now));
            *next_number += 1;
        }
        self.connection.send(out)
    }

    /// Returns how many calls were answered, and when that was.
    fn receive(&mut self, latencies: &mut Vec<u32>) -> Result<(usize, Instant)> {
        let Self { connection, in_flight } = self;
        let before = latencies.len();
        let mut now = None;
        connection.receive(|number, _| {
            let now = *now.get_or_insert_with(Instant::now);
            let call = in_flight.iter().position(|(sent, _)| *sent == number);
            let call = call.ok_or_else(|| format!("an answer to call {number}, which is not in flight"))?;
            let (_, sent) = in_flight.swap_remove(call);
            latencies.push(u32::try_from((now - sent).as_nanos()).unwrap_or(u32::MAX));
            Ok(())
        })?;
        Ok((latencies.len() - before, now.unwrap_or_else(Instant::now)))
    }
}

impl Round {
    /// Calls that were answered in a second.
    pub(crate) fn calls_per_second(&self) -> f64 {
        self.calls() / self.elapsed.as_secs_f64()
    }

    /// Processor time of the server for one call, in microseconds.
    pub(crate) fn cpu_micros_per_call(&self) -> f64 {
        self.server_cpu.as_secs_f64() * 1e6 / self.calls()
    }

    /// Processor time of the generator for one call, in microseconds.
    pub(crate) fn own_micros_per_call(&self) -> f64 {
        self.own_cpu.as_secs_f64() * 1e6 / self.calls()
    }

    /// The share of one core that the server used.
    pub(crate) fn server_busy(&self) -> f64 {
        self.server_cpu.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    /// The latency, in microseconds, that so many in a thousand calls did not exceed.
    pub(crate) fn latency_micros(&self, per_mille: usize) -> f64 {
        let rank = (self.latencies.len() * per_mille).div_ceil(1000);
        let nanos = self.latencies.get(rank.saturating_sub(1)).copied().unwrap_or(0);
        f64::from(nanos) / 1e3
    }

    /// How many were answered.
    pub(crate) fn calls(&self) -> f64 {
        self.latencies.len() as f64
    }
}
