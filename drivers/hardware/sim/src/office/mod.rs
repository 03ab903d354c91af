//! The other end of the analogue lines: an exchange without a D channel. It gives dial tone, takes digits, rings its
//! subscribers' telephones and plays the country's tones; it rings the box with cadence and caller id; it ends calls as
//! exchanges do, by battery, polarity, tone or not at all. It is not the ISDN exchange, which is [`crate::Exchange`].
//!
//! It has no clock and no thread: [`Office::step`] after every step of the wire. `line` is one subscriber's loop, `joined`
//! calls from one line to another, `config` what can be wished, `callerid` the burst between the first and the second
//! ring.
//!
//! Source: loop signalling as in ITU-T Q.552 networks and GR-506; tones as in the country's row of E.180.

mod callerid;
mod config;
mod joined;
mod line;

use std::collections::VecDeque;

use tipring_card::{BLOCK_US, Card, Cause, ChannelId, Micros, Signalling};
use tipring_isdn::By;

pub use config::{CallerIdForm, Clearing, DialTone, OfficeConfig};

use self::line::{Desk, SubscriberLine};
use crate::{
    card::SimCard,
    exchange::{Call, CallReport, Finished, RingError, Trace, TraceLine},
    lossy::LineFault,
};

/// An exchange on the analogue lines of a simulated card.
///
/// ```
/// use tipring_card::Micros;
/// use tipring_sim::{Call, Office, OfficeConfig, Reply, Step, Subscriber, Wire, WireConfig};
///
/// let wire = Wire::new(WireConfig { spans: 0, analog_ports: 2, ..WireConfig::default() });
/// let answer = Reply::Answer { rings: Micros::from_s(3), steps: vec![Step::hangup()] };
/// let subscribers = vec![Subscriber { number: "5550100".into(), reply: answer }];
/// let mut office = Office::new(wire.far(), OfficeConfig { subscribers, ..OfficeConfig::default() });
/// let steps = vec![Step::AwaitAnswer { limit_ms: 9_000 }];
/// office.ring(Call { id: "one".into(), from: Some("2025550100".into()), steps, ..Call::default() })?;
/// while wire.now() < Micros::from_s(10) {
///     wire.step(wire.now() + Micros::from_ms(10));
///     office.step(wire.now());
/// }
/// assert!(office.is_idle() && office.call("one").is_some_and(|call| call.connected_at.is_none()));
/// # Ok::<(), tipring_sim::RingError>(())
/// ```
pub struct Office {
    card: SimCard,
    config: OfficeConfig,
    lines: Vec<SubscriberLine>,
    waiting: VecDeque<Call>,
    finished: Finished,
    trace: Trace,
    named: u32,
    seen: Micros,
    /// The lines' differences as the card knows them.
    differ: Vec<LineFault>,
}

impl Office {
    /// An exchange on all analogue lines of a card, which is [`crate::Wire::far`]. It opens nothing before its first
    /// step.
    pub fn new(card: SimCard, config: OfficeConfig) -> Office {
        let lines = card.channels().iter().filter(|channel| channel.signalling == Signalling::FxoKs);
        let lines = lines.zip(1..).map(|(info, number)| SubscriberLine::new(info, number)).collect();
        let trace = Trace::new(config.keeps_trace);
        Office {
            card,
            config,
            lines,
            waiting: VecDeque::new(),
            finished: Finished::default(),
            trace,
            named: 0,
            seen: Micros::ZERO,
            differ: Vec::new(),
        }
    }

    /// How it works from now on. A call that is under way goes on with the new wishes.
    pub fn config_mut(&mut self) -> &mut OfficeConfig {
        &mut self.config
    }

    /// Its lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = ChannelId> {
        self.lines.iter().map(|line| line.id)
    }

    /// Has somebody call the box at the call's moment (or at once, when that has passed), on [`Call::line`]. An
    /// analogue line carries no dialled number: [`Call::to`] is for people.
    pub fn ring(&mut self, call: Call) -> Result<(), RingError> {
        call.check(self.waiting.len())?;
        if call.line.is_some_and(|line| self.lines.iter().all(|known| known.id != line)) || self.lines.is_empty() {
            let why = "there is no such analogue line: leave it out, or give the wire more analogue ports";
            return Err(RingError(format!("call '{}': {why}", call.id)));
        }
        let place = self.waiting.partition_point(|waiting| waiting.at <= call.at);
        self.waiting.insert(place, call);
        Ok(())
    }

    /// Has the far end of a call hang up. A call that still waits for its moment is forgotten, without a report.
    pub fn hang_up(&mut self, now: Micros, id: &str, cause: Cause) {
        self.waiting.retain(|call| call.id != id);
        let Office { lines, card, config, trace, named, .. } = self;
        if let Some(line) = lines.iter_mut().find(|line| line.call().is_some_and(|call| call.id == id)) {
            line.far_end_hangs_up(now, cause, &mut Desk { card, config, trace, named });
        }
        self.join_lines(now);
    }

    /// Works: events, digits, rings, telephones. Call it after every step of the wire. Calls that are due are rung
    /// before the loops are looked at: who seizes a line in the same moment meets a ringing call.
    pub fn step(&mut self, now: Micros) {
        if now < self.config.starts_at {
            return;
        }
        self.seen = now;
        if self.differ != self.config.lines_differ {
            self.make_differ();
        }
        self.place_calls(now);
        self.each_line(|line, desk| line.listen(now, desk));
        self.join_lines(now);
        self.each_line(|line, desk| line.work(now, desk));
        self.join_lines(now);
        for line in &mut self.lines {
            if let Some(report) = line.take_finished() {
                self.finished.keep(report);
            }
        }
    }

    fn make_differ(&mut self) {
        self.differ.clone_from(&self.config.lines_differ);
        for (line, number) in self.lines.iter().zip(1..) {
            let fault = self.differ.iter().find(|fault| fault.line == number).copied().unwrap_or_default();
            let _ = self.card.suffers(line.id, &fault); // a card that is gone tells it at the next read
        }
    }

    fn each_line(&mut self, mut act: impl FnMut(&mut SubscriberLine, &mut Desk<'_>)) {
        let Office { lines, card, config, trace, named, .. } = self;
        for line in lines {
            act(line, &mut Desk { card, config, trace, named });
        }
    }

    /// When [`Office::step`] has something to do of itself, always later than the last step. Events and audio come with
    /// the wire's steps.
    pub fn deadline(&self) -> Option<Micros> {
        let next_block = self.seen + Micros(BLOCK_US);
        let works = self.lines.iter().any(|line| !line.is_at_rest());
        // A call that is due waits for its line, block by block.
        let waiting = self.waiting.front().map(|call| if call.at > self.seen { call.at } else { next_block });
        let opens = self.lines.iter().filter_map(SubscriberLine::opens_at);
        let first = opens.chain(waiting).chain(works.then_some(next_block)).min();
        first.map(|at| at.max(self.config.starts_at))
    }

    /// Whether no call waits and no line is in use.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.lines.iter().all(|line| line.call().is_none())
    }

    /// The lines that are in use.
    pub fn busy_lines(&self) -> Vec<ChannelId> {
        self.lines.iter().filter(|line| line.call().is_some()).map(|line| line.id).collect()
    }

    /// Calls under way.
    pub fn calls(&self) -> impl Iterator<Item = &CallReport> {
        self.lines.iter().filter_map(SubscriberLine::call)
    }

    /// A call by its id: under way, or over and not yet taken. A call from line to line has two reports: that of the line
    /// that dialled, and that of the called one, which has the id of the other with `-rung` behind it.
    pub fn call(&self, id: &str) -> Option<&CallReport> {
        self.calls().chain(self.finished.iter()).find(|report| report.id == id)
    }

    /// The calls that are over, in the order of their end; they are given once.
    pub fn take_finished(&mut self) -> Vec<CallReport> {
        self.finished.take()
    }

    /// Everything that happened on the lines so far; empty when no trace is kept.
    pub fn trace(&self) -> &[TraceLine] {
        self.trace.lines()
    }

    fn place_calls(&mut self, now: Micros) {
        // Each turn takes a waiting call away or passes it over.
        let mut passed_over = 0;
        while let Some(call) = self.waiting.get(passed_over).filter(|call| call.at <= now) {
            let fits = |line: &SubscriberLine| line.can_ring() && call.line.is_none_or(|wish| wish == line.id);
            let line = self.lines.iter().position(fits);
            let waits = line.is_none() && now.since(call.at) < self.config.line_wait;
            if waits {
                passed_over += 1;
                continue;
            }
            let Some(call) = self.waiting.remove(passed_over) else {
                return;
            };
            let Office { lines, card, config, trace, named, .. } = self;
            match line.and_then(|line| lines.get_mut(line)) {
                Some(line) => line.rings_in(now, &call, &mut Desk { card, config, trace, named }),
                None => {
                    let mut report = CallReport::of(&call, tipring_card::Law::Mu, now);
                    report.line = call.line;
                    report.released_at = Some(now);
                    report.cause = Some(Cause::USER_BUSY);
                    report.by = Some(By::Remote);
                    self.finished.keep(report);
                }
            }
        }
    }
}
