//! The lines of a card against an exchange on a simulated wire, on virtual time: what the router is told, what the far
//! end sees, and what becomes of channels.

mod calling;
mod doctor;
mod gains;
mod late;
mod loops;
mod phones;
mod recorder;
mod settings;
mod sweep;
mod threads;
mod uses;

use tipring_card::{BLOCK_US, Card, Cause, Micros, SpanId};
use tipring_isdn::Role;
use tipring_lines::{LinesConfig, Media, Signalling, SignallingAction};
use tipring_router::{AttemptId, LineCommand, LineEvent, Outgoing};
use tipring_sim::{
    Call, CallReport, Exchange, ExchangeConfig, Office, OfficeConfig, Reply, Side, Step, Subscriber, Telephone,
    Trouble, Wire, WireConfig,
};
use tipring_switch::{Command, Event, FEED, PlayId, Port};

/// By then the link is up and every channel restarted.
const READY_MS: u64 = 2_500;

struct Bench {
    wire: Wire,
    exchange: Exchange,
    office: Office,
    telephones: Vec<Telephone>,
    signalling: Signalling,
    media: Media,
    now: Micros,
    told: Vec<LineEvent>,
    notes: Vec<String>,
    heard: Vec<Event>,
    examined: Vec<tipring_doctor::Examined>,
    attempts: u64,
}

/// What stands at both ends of the wire.
#[derive(Default)]
struct Setting {
    wire: WireConfig,
    exchange: ExchangeConfig,
    office: OfficeConfig,
    lines: LinesConfig,
}

impl Bench {
    fn new() -> Bench {
        Bench::of(Setting::default())
    }

    fn of(setting: Setting) -> Bench {
        let wire = Wire::new(setting.wire);
        let exchange = Exchange::new(wire.far(), setting.exchange);
        let office = Office::new(wire.far(), setting.office);
        let far = wire.far();
        let ports = far.channels().iter().filter(|channel| channel.signalling == tipring_card::Signalling::FxsKs);
        let telephones = ports.map(|port| Telephone::new(wire.far(), port.id)).collect();
        let signalling = Signalling::new(Box::new(wire.near()), setting.lines);
        let media = Media::new(signalling.ports());
        Bench {
            wire,
            exchange,
            office,
            telephones,
            signalling,
            media,
            now: Micros::ZERO,
            told: Vec::new(),
            notes: Vec::new(),
            heard: Vec::new(),
            examined: Vec::new(),
            attempts: 0,
        }
    }

    /// Who can be called at the exchange and the office; the link is up.
    fn calling(replies: Vec<(&str, Reply)>, mut setting: Setting) -> Bench {
        let of = |(number, reply): &(&str, Reply)| Subscriber { number: (*number).into(), reply: reply.clone() };
        setting.exchange.subscribers = replies.iter().map(of).collect();
        setting.office.subscribers = replies.iter().map(of).collect();
        let mut bench = Bench::of(setting);
        bench.run_ms(READY_MS);
        bench
    }

    fn ready() -> Bench {
        let mut bench = Bench::new();
        bench.run_ms(READY_MS);
        assert!(bench.signalling.spans().all(tipring_lines::Span::link_is_up));
        bench
    }

    fn run_ms(&mut self, ms: u64) {
        let end = self.now + Micros::from_ms(ms);
        while self.now < end {
            self.pass_block();
            self.media_ticks(1);
        }
    }

    /// All but the media side, which is late.
    fn pass_block(&mut self) {
        self.now = self.now + Micros(BLOCK_US);
        self.wire.step(self.now);
        self.exchange.step(self.now);
        self.office.step(self.now);
        self.telephones.iter_mut().for_each(|telephone| telephone.step(self.now));
        let mut actions = Vec::new();
        self.signalling.step(self.now, &mut actions);
        self.carry_out(actions);
    }

    fn media_ticks(&mut self, ticks: u32) {
        self.media.tick(ticks);
        while let Some(event) = self.media.poll() {
            self.heard.push(event);
        }
        while let Some((port, news)) = self.media.heard() {
            let mut actions = Vec::new();
            self.signalling.heard(self.now, port, news, &mut actions);
            self.carry_out(actions);
        }
        while let Some(port) = self.media.lost() {
            let mut actions = Vec::new();
            self.signalling.bearer_lost(self.now, port, &mut actions);
            self.carry_out(actions);
        }
    }

    fn carry_out(&mut self, actions: Vec<SignallingAction>) {
        for action in actions {
            match action {
                SignallingAction::Attach { port, law, channel, handset, gains } => {
                    drop(self.media.add(port, law, channel, handset, gains));
                }
                SignallingAction::Rename { from, to } => self.media.rename(from, to),
                SignallingAction::Detach { port } => drop(self.media.remove(port)),
                SignallingAction::Listen { port, listen } => self.media.listen(port, listen),
                SignallingAction::Send { port, digits } => self.media.send(port, &digits),
                SignallingAction::Play { port, tone } => self.media.play(port, tone),
                SignallingAction::TellTelephone { port, news, manner } => {
                    self.media.tell_telephone(port, &news, manner);
                }
                SignallingAction::Event(event) => self.told.push(event),
                SignallingAction::Examined(examined) => self.examined.push(*examined),
                SignallingAction::Note(text) => self.notes.push(text),
            }
        }
    }

    fn command(&mut self, command: LineCommand) {
        let mut actions = Vec::new();
        self.signalling.command(self.now, command, &mut actions);
        self.carry_out(actions);
    }

    fn dial(&mut self, to: &str) -> AttemptId {
        self.dial_with(Outgoing { to: to.into(), from: "2025550123".into(), ..Outgoing::default() })
    }

    fn dial_with(&mut self, call: Outgoing) -> AttemptId {
        self.attempts += 1;
        let attempt = AttemptId(self.attempts);
        self.command(LineCommand::Dial { attempt, call: Box::new(call) });
        attempt
    }

    /// The lease of the call that was dialled last, where it is now.
    #[track_caller]
    fn seized(&self) -> (Port, &str) {
        let seized = self.told.iter().rev().find_map(|event| match event {
            LineEvent::Seized { lease, line, .. } | LineEvent::Moved { lease, line, .. } => {
                Some((*lease, line.as_str()))
            }
            _ => None,
        });
        seized.unwrap_or_else(|| panic!("a line was found: {:?}", self.told))
    }

    /// What was told of a lease, in a word each.
    fn story(&self, of: Port) -> Vec<&'static str> {
        let word = |event: &LineEvent| match event {
            LineEvent::Incoming { lease, .. } => (*lease, "incoming"),
            LineEvent::Seized { lease, .. } => (*lease, "seized"),
            LineEvent::Moved { lease, .. } => (*lease, "moved"),
            LineEvent::Ringing { lease } => (*lease, "ringing"),
            LineEvent::EarlyMedia { lease } => (*lease, "early media"),
            LineEvent::Answered { lease, .. } => (*lease, "answered"),
            LineEvent::Cleared { lease, .. } => (*lease, "cleared"),
            LineEvent::Told { .. } | LineEvent::EndedBy { .. } | LineEvent::NoLine { .. } | LineEvent::LineFree => {
                (Port { index: u16::MAX, generation: 0 }, "")
            }
        };
        self.told.iter().map(word).filter(|(lease, _)| *lease == of).map(|(_, word)| word).collect()
    }

    fn count(&self, wanted: fn(&LineEvent) -> bool) -> usize {
        self.told.iter().filter(|event| wanted(event)).count()
    }

    fn clear(&mut self, lease: Port, cause: Cause) {
        self.command(LineCommand::Clear { lease, cause });
    }

    /// What the exchange knows of the call that came to it last.
    #[track_caller]
    fn arrived(&self) -> &CallReport {
        let of_us = |report: &&CallReport| report.dialled == tipring_sim::Dialled::There;
        let report = (1..=self.attempts + 8).rev().find_map(|n| self.exchange.call(&format!("in-{n}")).filter(of_us));
        report.expect("a call came to the exchange")
    }

    fn rings(&mut self, id: &str, steps: Vec<Step>) {
        let call = Call {
            id: id.into(),
            at: self.now,
            from: Some("2025550100".into()),
            to: "100".into(),
            steps,
            ..Call::default()
        };
        self.exchange.ring(call).expect("a good call");
    }

    /// The lease of the call that came in last.
    #[track_caller]
    fn lease(&self) -> Port {
        let incoming = self.told.iter().rev().find_map(|event| match event {
            LineEvent::Incoming { lease, .. } => Some(*lease),
            _ => None,
        });
        incoming.expect("a call came in")
    }

    #[track_caller]
    fn answered(steps: Vec<Step>) -> (Bench, Port) {
        Bench::ready().answers(steps)
    }

    /// A call comes in and is answered.
    #[track_caller]
    fn answers(self, steps: Vec<Step>) -> (Bench, Port) {
        let mut bench = self;
        bench.rings("a", steps);
        bench.run_ms(100);
        let lease = bench.lease();
        bench.command(LineCommand::Answer { lease });
        bench.run_ms(100);
        assert_eq!(bench.told.last(), Some(&LineEvent::Answered { lease, by: tipring_card::Supervision::Connect }));
        (bench, lease)
    }

    fn cleared(&self) -> Vec<&LineEvent> {
        self.told.iter().filter(|event| matches!(event, LineEvent::Cleared { .. })).collect()
    }

    fn cause(&self, id: &str) -> Option<Cause> {
        self.exchange.call(id).and_then(|call| call.cause)
    }

    #[track_caller]
    fn assert_clear(&self) {
        assert_eq!(self.signalling.spans().map(tipring_lines::Span::busy).sum::<usize>(), 0);
        assert_eq!(self.exchange.busy_channels(), []);
    }
}

fn stays() -> Vec<Step> {
    vec![Step::AwaitHangup { limit_ms: 60_000 }]
}

#[test]
fn a2_a_call_comes_in_with_its_numbers_and_is_answered() {
    let (bench, lease) = Bench::answered(stays());
    let Some(LineEvent::Incoming { line, called, calling, .. }) = bench.told.first() else {
        panic!("{:?}", bench.told);
    };
    assert_eq!((line.as_str(), called.digits.as_str()), ("sim 1/1", "100"));
    assert_eq!(calling.as_ref().map(|calling| calling.digits.as_str()), Some("2025550100"));
    assert_eq!(lease, Port { index: 0, generation: 1 });
}

#[test]
fn what_the_switch_plays_is_what_the_telephone_hears() {
    let (mut bench, port) = Bench::answered(stays());
    let sound: Vec<u8> = (0..1_600_u32).map(|n| (n * 7 % 200) as u8 | 1).collect();
    let play = PlayId(1);
    bench.media.command(Command::Play { port, play });
    for piece in sound.chunks(FEED) {
        let mut data = [0; FEED];
        data[..piece.len()].copy_from_slice(piece);
        bench.media.command(Command::Feed { play, port, len: piece.len() as u8, data });
    }
    bench.media.command(Command::FeedEnd { play, port });
    bench.run_ms(500);
    let heard = bench.exchange.call("a").expect("the call").phone.heard();
    assert!(heard.windows(sound.len()).any(|window| window == sound), "octet by octet, without a gap");
    assert_eq!(bench.media.counters().late_blocks, 0);
    assert_eq!(bench.media.counters().lost_blocks, 0);
}

#[test]
fn our_clear_ends_the_lease_at_once_and_frees_the_channel() {
    let (mut bench, lease) = Bench::answered(stays());
    bench.command(LineCommand::Clear { lease, cause: Cause::NORMAL });
    let cleared = LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: false };
    assert_eq!(bench.cleared(), [&cleared]);
    bench.run_ms(200);
    bench.assert_clear();
    assert_eq!(bench.cause("a"), Some(Cause::NORMAL));
    bench.command(LineCommand::Clear { lease, cause: Cause::NORMAL });
    assert_eq!(bench.cleared().len(), 1, "a stale lease does nothing");
    assert_eq!(bench.signalling.spans().map(|span| span.counters().stale_commands).sum::<u64>(), 1);
}

#[test]
fn the_far_ends_hang_up_ends_the_lease_with_its_cause() {
    let (mut bench, lease) = Bench::answered(vec![Step::Wait { ms: 300 }, Step::Hangup { cause: 31 }]);
    bench.run_ms(1_000);
    assert_eq!(bench.cleared(), [&LineEvent::Cleared { lease, cause: Cause(31), by_far_end: true }]);
    bench.assert_clear();
}

#[test]
fn a_refused_call_tells_the_cause_and_was_never_answered() {
    let mut bench = Bench::ready();
    bench.rings("a", stays());
    bench.run_ms(100);
    let lease = bench.lease();
    bench.command(LineCommand::Clear { lease, cause: Cause::USER_BUSY });
    bench.run_ms(200);
    assert_eq!(bench.cause("a"), Some(Cause::USER_BUSY));
    assert_eq!(bench.exchange.call("a").and_then(|call| call.connected_at), None);
    bench.assert_clear();
}

#[test]
fn each_use_of_a_channel_has_a_lease_of_its_own() {
    let (mut bench, first) = Bench::answered(stays());
    bench.command(LineCommand::Clear { lease: first, cause: Cause::NORMAL });
    bench.run_ms(500);
    bench.rings("b", stays());
    bench.run_ms(100);
    let second = bench.lease();
    assert_eq!((second.index, second.generation), (first.index, first.generation + 1));
    bench.command(LineCommand::Clear { lease: first, cause: Cause::NORMAL });
    bench.run_ms(200);
    assert_eq!(bench.cause("b"), None, "the old lease cannot touch the new call");
}

#[test]
fn thirty_calls_have_thirty_leases_and_the_next_one_is_refused() {
    let mut bench = Bench::ready();
    for n in 0..31 {
        bench.rings(&format!("c{n}"), stays());
    }
    bench.run_ms(1_000);
    let leases: std::collections::BTreeSet<u16> = bench
        .told
        .iter()
        .filter_map(|event| match event {
            LineEvent::Incoming { lease, .. } => Some(lease.index),
            _ => None,
        })
        .collect();
    assert_eq!(leases.len(), 30);
    assert_eq!(bench.cause("c30"), Some(Cause::NO_CHANNEL));
}

#[test]
fn an_answered_call_outlives_a_d_channel_that_comes_back() {
    let (mut bench, lease) = Bench::answered(stays());
    bench.wire.trouble(Trouble::FramesVanish { span: SpanId(1), lasts: Micros::from_s(30) });
    bench.run_ms(40_000);
    assert!(bench.cleared().is_empty(), "T309 is longer");
    assert!(bench.signalling.spans().all(tipring_lines::Span::link_is_up));
    bench.command(LineCommand::Clear { lease, cause: Cause::NORMAL });
    bench.run_ms(500);
    bench.assert_clear();
}

#[test]
fn a_card_that_is_taken_out_ends_its_calls_as_out_of_order() {
    let (mut bench, lease) = Bench::answered(stays());
    bench.wire.remove(Side::Near);
    bench.run_ms(2_000);
    assert_eq!(bench.cleared(), [&LineEvent::Cleared { lease, cause: Cause::OUT_OF_ORDER, by_far_end: false }]);
    let words: Vec<_> = bench.signalling.spans().flat_map(|span| span.channels().map(|(_, word)| word)).collect();
    assert!(words.iter().all(|word| *word == "gone"), "{words:?}");
}

#[test]
fn a_channel_that_somebody_else_holds_is_cleared_not_left_ringing() {
    let mut bench = Bench::ready();
    let first = bench.wire.near().channels()[0].id;
    let other = bench.wire.near().open(first).expect("free");
    bench.rings("a", stays());
    bench.run_ms(100);
    let lease = bench.lease();
    bench.command(LineCommand::Answer { lease });
    bench.run_ms(300);
    assert_eq!(bench.cleared(), [&LineEvent::Cleared { lease, cause: Cause::TEMPORARY_FAILURE, by_far_end: false }]);
    drop(other);
}

#[test]
fn a_box_that_starts_anew_restarts_every_channel() {
    let (mut bench, _) = Bench::answered(stays());
    assert_eq!(bench.exchange.busy_channels().len(), 1);
    // The process dies: every channel closes, nothing is said on the D channel.
    bench.signalling = Signalling::new(Box::new(Wire::new(WireConfig::default()).near()), Role::User);
    bench.media = Media::new(30);
    bench.run_ms(1_000);
    bench.signalling = Signalling::new(Box::new(bench.wire.near()), Role::User);
    bench.run_ms(20_000);
    bench.assert_clear();
    assert!(bench.exchange.call("a").is_some_and(|call| call.released_at.is_some()));
}

#[test]
fn each_block_of_prefill_is_ten_milliseconds_of_delay() {
    let place = |prefill: u8| {
        let mut bench = Bench::new();
        bench.media = Media::new(30).with_prefill(prefill);
        bench.run_ms(READY_MS);
        let (mut bench, port) = bench.answers(stays());
        let play = PlayId(1);
        bench.media.command(Command::Play { port, play });
        bench.media.command(Command::Feed { play, port, len: FEED as u8, data: [0x11; FEED] });
        bench.media.command(Command::FeedEnd { play, port });
        bench.run_ms(300);
        let heard = bench.exchange.call("a").expect("the call").phone.heard();
        heard.iter().position(|&octet| octet == 0x11).expect("it is heard")
    };
    assert_eq!(place(4) - place(2), 2 * 80);
}
