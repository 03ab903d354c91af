//! Everything at once, by seed: calls in and out on a span and on analogue lines, answers and clears at any moment,
//! frames that vanish, both ends on one channel, restarts, a span that is unplugged. Whatever happens, every lease is told once, in order, and ended once,
//! and at the end every line is free.

use std::collections::BTreeMap;

use tipring_lines::Group;
use tipring_sim::Seed;

use super::*;

/// What was told of a lease so far.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Life {
    Incoming,
    Outgoing,
    Answered,
    Over,
}

/// Follows every lease through what is told.
#[derive(Default)]
struct Ledger {
    lives: BTreeMap<(u16, u32), Life>,
    seen: usize,
}

impl Ledger {
    #[track_caller]
    fn follow(&mut self, told: &[LineEvent], seed: u64) {
        for event in &told[self.seen..] {
            self.enter(event, seed);
        }
        self.seen = told.len();
    }

    #[track_caller]
    fn enter(&mut self, event: &LineEvent, seed: u64) {
        let key = |port: &Port| (port.index, port.generation);
        let mut put = |port: &Port, life: Life, before: &[Option<Life>]| {
            let was = self.lives.insert(key(port), life);
            assert!(before.contains(&was), "seed {seed}: {event:?} after {was:?}");
            if life != Life::Over {
                let others =
                    self.lives.iter().filter(|((index, _), life)| *index == port.index && **life != Life::Over);
                assert_eq!(others.count(), 1, "seed {seed}: {event:?}: one use of a port at a time");
            }
        };
        match event {
            LineEvent::Incoming { lease, .. } => put(lease, Life::Incoming, &[None]),
            LineEvent::Seized { lease, .. } => put(lease, Life::Outgoing, &[None]),
            LineEvent::Moved { from, lease, .. } => {
                put(from, Life::Over, &[Some(Life::Outgoing)]);
                put(lease, Life::Outgoing, &[None]);
            }
            LineEvent::Ringing { lease } | LineEvent::EarlyMedia { lease } => {
                put(lease, Life::Outgoing, &[Some(Life::Outgoing)]);
            }
            LineEvent::Answered { lease, .. } => {
                put(lease, Life::Answered, &[Some(Life::Incoming), Some(Life::Outgoing)]);
            }
            LineEvent::Cleared { lease, .. } => {
                put(lease, Life::Over, &[Some(Life::Incoming), Some(Life::Outgoing), Some(Life::Answered)]);
            }
            LineEvent::Told { lease, .. } | LineEvent::EndedBy { lease, .. } => {
                let was = self.lives.get(&key(lease));
                assert!(was.is_some_and(|life| *life != Life::Over), "seed {seed}: {event:?} after {was:?}");
            }
            LineEvent::NoLine { .. } | LineEvent::LineFree => {}
        }
    }

    fn live(&self) -> Vec<Port> {
        let of = |(&(index, generation), _): (&(u16, u32), &Life)| Port { index, generation };
        self.lives.iter().filter(|(_, life)| **life != Life::Over).map(of).collect()
    }
}

fn replies() -> Vec<(&'static str, Reply)> {
    let answers = |rings_ms, steps| Reply::Answer { rings: Micros::from_ms(rings_ms), steps };
    vec![
        ("1", answers(300, stays())),
        ("2", answers(4_000, vec![Step::Wait { ms: 2_000 }, Step::hangup()])),
        ("3", Reply::Refuse(Cause::USER_BUSY)),
        ("4", Reply::Refuse(Cause::CHANNEL_UNAVAILABLE)),
        ("5", Reply::RingForever),
        ("6", Reply::Ignore),
        ("7", Reply::RefuseWithTone(Cause::REJECTED)),
    ]
}

fn play(number: u64) -> (u64, u64) {
    let mut seed = Seed::new(number);
    let wire = WireConfig { spans: 1, analog_ports: 3, seed: number, ..WireConfig::default() };
    let office = OfficeConfig { reversal_on_answer: number.is_multiple_of(2), ..OfficeConfig::default() };
    let group = |name: &str, line: &str| Group { name: name.into(), lines: vec![line.into()], ..Group::default() };
    let lines = LinesConfig { groups: vec![group("span", "sim 1"), group("lines", "sim 2")], ..LinesConfig::default() };
    let mut bench = Bench::calling(replies(), Setting { wire, office, lines, ..Setting::default() });
    let mut ledger = Ledger::default();
    let mut pick = |n: u64| seed.below(n);
    for turn in 0..120 {
        let live = ledger.live();
        let one = |pick: &mut dyn FnMut(u64) -> u64| live.get(pick(live.len().max(1) as u64) as usize).copied();
        match pick(12) {
            0..=2 => {
                let group = if pick(2) == 0 { "" } else { "lines" };
                let to = char::from(b'1' + pick(9) as u8).to_string();
                bench.dial_with(Outgoing { to, group: group.into(), ..Outgoing::default() });
            }
            3 => bench.rings(&format!("e{turn}"), vec![Step::Wait { ms: 3_000 }, Step::hangup()]),
            4 => {
                // Both ends want one channel at the same moment.
                let free = (1..=31).rev().filter(|slot| *slot != 16);
                let mut free = free.filter(|slot| !bench.exchange.busy_channels().contains(&(SpanId(1), *slot)));
                let call = Call { timeslot: free.next(), id: format!("g{turn}"), at: bench.now, ..Call::default() };
                drop(free);
                bench.exchange.ring(Call { to: "1".into(), steps: stays(), ..call }).expect("a good call");
                bench.exchange.step(bench.now);
                bench.dial("1");
            }
            5 => {
                let id = format!("o{turn}");
                let call = Call { id, at: bench.now, to: "1".into(), steps: stays(), ..Call::default() };
                bench.office.ring(call).expect("a good call");
            }
            6..=7 => {
                if let Some(lease) = one(&mut pick) {
                    bench.command(LineCommand::Answer { lease });
                }
            }
            8..=9 => {
                if let Some(lease) = one(&mut pick) {
                    bench.clear(lease, Cause::NORMAL);
                }
            }
            10 if pick(10) == 0 => {
                let slot = Some(31 - pick(4) as u8).filter(|_| pick(2) == 0);
                bench.exchange.restart(bench.now, SpanId(1), slot);
            }
            10 => {
                let lasts = Micros::from_ms(pick(3_000));
                bench.wire.trouble(Trouble::FramesVanish { span: SpanId(1), lasts });
            }
            _ if pick(6) == 0 => {
                let span = SpanId(1 + pick(2) as u16);
                bench.wire.plug(span, false);
                bench.run_ms(500);
                bench.wire.plug(span, true);
            }
            _ => {}
        }
        bench.run_ms(pick(40) * pick(40));
        ledger.follow(&bench.told, number);
    }
    for lease in ledger.live() {
        bench.clear(lease, Cause::NORMAL);
    }
    bench.run_ms(400_000);
    ledger.follow(&bench.told, number);
    for lease in ledger.live() {
        bench.clear(lease, Cause::NORMAL); // came in meanwhile
    }
    bench.run_ms(200_000);
    ledger.follow(&bench.told, number);
    assert_eq!(ledger.live(), [], "seed {number}");
    let words: Vec<_> = bench.signalling.gauges();
    assert_eq!(bench.signalling.busy(), 0, "seed {number}: {words:?}");
    assert_eq!(bench.signalling.runaways(), 0, "seed {number}");
    assert_eq!(bench.media.counters().news_lost, 0, "seed {number}");
    let glares = bench.signalling.spans().map(|span| span.counters().glares).sum();
    (ledger.lives.len() as u64, glares)
}

#[test]
fn whatever_happens_every_lease_begins_and_ends_once() {
    let seeds = std::env::var("TIPRING_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let (leases, glares) = (1..=seeds).map(play).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(leases > seeds * 20 && glares > seeds / 4, "{leases} leases, {glares} glares in {seeds} worlds");
}
