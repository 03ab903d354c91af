//! Analogue lines against an office on a simulated loop: rings with caller id, calls out with dial tone, every sign of
//! a hang-up, glare, and the rest between two calls.

use tipring_analog::AnswerSign;
use tipring_card::{Law, Supervision};
use tipring_lines::LineNews;
use tipring_router::LineKind;
use tipring_sim::{Clearing, DialTone};

use super::*;

/// The kernel tells no ring before then.
const HEARS_MS: u64 = 2_500;

fn lines(ports: u16) -> Setting {
    Setting { wire: WireConfig { spans: 0, analog_ports: ports, ..WireConfig::default() }, ..Setting::default() }
}

fn answers(rings_ms: u64, steps: Vec<Step>) -> Reply {
    Reply::Answer { rings: Micros::from_ms(rings_ms), steps }
}

fn speaks(ms: u32) -> Step {
    Step::Tone { hz: 900.0, ms, level_dbm0: -12.0 }
}

/// Four seconds of sound that is no tone.
pub(crate) fn babble() -> Vec<u8> {
    let mut state = 1_u32;
    let noise = std::iter::from_fn(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((state >> 24) as u8 | 0x10)
    });
    noise.take(32_000).collect()
}

impl Bench {
    fn office_rings(&mut self, id: &str, steps: Vec<Step>) {
        let call = Call {
            id: id.into(),
            at: self.now,
            from: Some("2025550100".into()),
            name: Some("ADA".into()),
            to: "100".into(),
            steps,
            ..Call::default()
        };
        self.office.ring(call).expect("a good call");
    }

    /// A ring is heard, caller id and all, and answered.
    #[track_caller]
    fn takes_the_ring(&mut self) -> Port {
        self.run_ms(6_000);
        let lease = self.lease();
        self.command(LineCommand::Answer { lease });
        self.run_ms(500);
        assert_eq!(self.story(lease), ["incoming", "answered"], "{:?}", self.notes);
        lease
    }

    fn words(&self) -> Vec<&'static str> {
        self.signalling.gauges().iter().flat_map(|gauge| gauge.channels.iter().map(|(_, word)| *word)).collect()
    }

    /// Waits until the line may be used again.
    fn rests(&mut self) {
        self.run_ms(5_000);
        assert_eq!(self.signalling.busy(), 0, "{:?} {:?}", self.words(), self.notes);
    }
}

#[test]
fn a2_a_ring_comes_in_with_caller_id_and_is_answered() {
    let mut bench = Bench::calling(Vec::new(), lines(1));
    bench.office_rings("a", vec![speaks(2_000), Step::AwaitHangup { limit_ms: 60_000 }]);
    bench.run_ms(6_000);
    let Some(LineEvent::Incoming { lease, line, law, kind, called, calling, caller_name, .. }) = bench.told.first()
    else {
        panic!("{:?} {:?}", bench.told, bench.notes);
    };
    let port = *lease;
    assert_eq!((line.as_str(), *law, *kind, called.digits.as_str()), ("sim 1/1", Law::Mu, LineKind::Analog, ""));
    assert_eq!(calling.as_ref().map(|calling| calling.digits.as_str()), Some("2025550100"));
    assert_eq!(caller_name.as_deref(), Some("ADA"));
    bench.command(LineCommand::Answer { lease: port });
    bench.run_ms(100);
    assert_eq!(bench.told.last(), Some(&LineEvent::Answered { lease: port, by: Supervision::Connect }));
    let tap = tipring_switch::TapId(1);
    bench.media.command(Command::Tap { port, tap, both: false, quiet_ms: 0 });
    let play = PlayId(1);
    bench.media.command(Command::Play { port, play });
    bench.media.command(Command::Feed { play, port, len: FEED as u8, data: [0x11; FEED] });
    bench.media.command(Command::FeedEnd { play, port });
    bench.run_ms(500);
    assert!(bench.heard.iter().any(|event| matches!(event, Event::Audio { data, .. } if data[3] != 0xFF)));
    let phone = &bench.office.call("a").expect("the call").phone;
    assert!(phone.heard().windows(FEED).any(|window| window == [0x11; FEED]), "the caller hears us");
    bench.clear(port, Cause::NORMAL);
    assert_eq!(bench.told.last(), Some(&LineEvent::Cleared { lease: port, cause: Cause::NORMAL, by_far_end: false }));
    bench.rests();
    assert_eq!(bench.told.last(), Some(&LineEvent::LineFree));
    assert!(bench.office.is_idle());
}

#[test]
fn a2_a_line_without_caller_id_is_offered_all_the_same() {
    let office = OfficeConfig { caller_id: tipring_sim::CallerIdForm::Nothing, ..OfficeConfig::default() };
    let mut bench = Bench::calling(Vec::new(), Setting { office, ..lines(1) });
    bench.office_rings("a", stays());
    bench.run_ms(9_000);
    let Some(LineEvent::Incoming { calling, .. }) = bench.told.first() else {
        panic!("{:?}", bench.told);
    };
    assert_eq!(*calling, None);
}

#[test]
fn a_caller_who_gives_up_is_cleared_and_a_ring_cannot_be_refused() {
    let mut bench = Bench::calling(Vec::new(), lines(1));
    bench.office_rings("a", vec![Step::AwaitAnswer { limit_ms: 8_000 }]);
    bench.run_ms(6_000);
    let first = bench.lease();
    bench.run_ms(14_000);
    assert_eq!(bench.cleared(), [&LineEvent::Cleared { lease: first, cause: Cause::NORMAL, by_far_end: true }]);
    bench.rests();
    bench.office_rings("b", vec![Step::AwaitAnswer { limit_ms: 30_000 }]);
    bench.run_ms(6_000);
    let second = bench.lease();
    assert_ne!(first, second);
    bench.clear(second, Cause::USER_BUSY);
    assert_eq!(bench.story(second), ["incoming", "cleared"]);
    bench.run_ms(10_000);
    assert_eq!(bench.office.call("b").and_then(|call| call.released_at), None, "it rings on");
    assert_eq!(bench.count(|event| matches!(event, LineEvent::Incoming { .. })), 2, "and is not offered again");
    assert!(bench.signalling.busy() > 0, "nobody dials into a ring");
    bench.run_ms(40_000);
    assert_eq!(bench.signalling.busy(), 0, "{:?}", bench.words());
}

#[test]
fn a_caller_who_hangs_up_is_noticed_by_battery_polarity_and_tone() {
    for clearing in [Clearing::BatteryDrop, Clearing::BusyTone, Clearing::DialTone] {
        let office = OfficeConfig { clearing, ..OfficeConfig::default() };
        let mut bench = Bench::calling(Vec::new(), Setting { office, ..lines(1) });
        bench.office_rings("a", vec![speaks(1_000), Step::hangup()]);
        let lease = bench.takes_the_ring();
        bench.run_ms(15_000);
        let cleared = LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: true };
        assert_eq!(bench.cleared(), [&cleared], "{clearing:?}: {:?}", bench.notes);
        bench.rests();
        bench.run_ms(5_000);
        assert!(bench.office.is_idle(), "{clearing:?}");
    }
}

#[test]
fn a15_a_call_goes_out_after_dial_tone_and_is_answered_by_reversal() {
    let office = OfficeConfig { reversal_on_answer: true, ..OfficeConfig::default() };
    let replies = vec![("5550100", answers(5_000, vec![speaks(3_000), Step::AwaitHangup { limit_ms: 60_000 }]))];
    let mut bench = Bench::calling(replies, Setting { office, ..lines(1) });
    let attempt = bench.dial("5550100");
    let (lease, line) = (bench.seized().0, "sim 1/1".to_string());
    let seized = LineEvent::Seized { attempt, lease, line, law: Law::Mu, kind: LineKind::Analog };
    assert_eq!(bench.told, [seized], "at once");
    bench.run_ms(14_000);
    assert_eq!(bench.story(lease), ["seized", "early media", "ringing", "answered"], "{:?}", bench.notes);
    assert_eq!(bench.told.last(), Some(&LineEvent::Answered { lease, by: Supervision::Reversal }));
    assert_eq!(bench.arrived_at_office().to, "5550100");
    bench.clear(lease, Cause::NORMAL);
    bench.rests();
    assert!(bench.office.is_idle());
    assert_eq!(bench.media.counters().late_blocks, 0);
}

#[test]
fn a16_without_supervision_the_answer_is_guessed_by_voice_or_by_the_last_digit() {
    let voice = vec![Step::Say { octets: babble() }, Step::AwaitHangup { limit_ms: 60_000 }];
    let replies = vec![("5550100", answers(5_000, voice))];
    for (answer, by) in
        [(AnswerSign::Voice, Supervision::GuessedVoice), (AnswerSign::Dialled, Supervision::GuessedDialled)]
    {
        let mut setting = lines(1);
        setting.lines.analog.answer = answer;
        let mut bench = Bench::calling(replies.clone(), setting);
        bench.dial("5550100");
        let lease = bench.seized().0;
        bench.run_ms(18_000);
        assert!(bench.told.contains(&LineEvent::Answered { lease, by }), "{:?} {:?}", bench.told, bench.notes);
    }
}

#[test]
fn b12_busy_and_congestion_and_information_tones_are_causes() {
    let replies = vec![("17", Reply::Refuse(Cause(17))), ("34", Reply::Refuse(Cause(34))), ("19", Reply::RingForever)];
    for (number, cause) in [("17", Cause::USER_BUSY), ("34", Cause::NO_CHANNEL), ("99", Cause::UNALLOCATED)] {
        let mut bench = Bench::calling(replies.clone(), lines(1));
        bench.dial(number);
        let lease = bench.seized().0;
        bench.run_ms(20_000);
        let cleared = LineEvent::Cleared { lease, cause, by_far_end: true };
        assert_eq!(bench.cleared(), [&cleared], "{number}: {:?} {:?}", bench.told, bench.notes);
        bench.rests();
    }
    let mut bench = Bench::calling(replies, lines(1));
    bench.dial("19");
    let lease = bench.seized().0;
    bench.run_ms(30_000);
    assert_eq!(bench.story(lease), ["seized", "early media", "ringing"], "nobody answers");
    bench.clear(lease, Cause::NORMAL);
    bench.rests();
}

#[test]
fn a_dead_line_is_left_for_another_and_the_last_one_ends_the_call() {
    let office = OfficeConfig { dial_tone: DialTone::Dead, ..OfficeConfig::default() };
    let mut bench = Bench::calling(Vec::new(), Setting { office, ..lines(2) });
    bench.dial("5550100");
    bench.run_ms(20_000);
    assert_eq!(bench.count(|event| matches!(event, LineEvent::Moved { .. })), 1, "{:?}", bench.told);
    assert_eq!(bench.count(|event| matches!(event, LineEvent::EndedBy { .. })), 0, "a dead line tells of no far end");
    assert_eq!(bench.cleared().len(), 1);
    assert!(matches!(bench.cleared()[0], LineEvent::Cleared { cause: Cause::OUT_OF_ORDER, .. }));
}

#[test]
fn lines_take_turns_and_rest_after_a_call() {
    let mut bench = Bench::calling(vec![("5550100", answers(60_000, stays()))], lines(3));
    let mut used = Vec::new();
    for _ in 0..4 {
        bench.dial("5550100");
        let (lease, line) = bench.seized();
        used.push(line.to_string());
        bench.run_ms(4_000);
        bench.clear(lease, Cause::NORMAL);
        bench.run_ms(5_000);
    }
    assert_eq!(used, ["sim 1/3", "sim 1/2", "sim 1/1", "sim 1/3"], "the one that has rested longest");
    let mut bench = Bench::calling(vec![("5550100", answers(60_000, stays()))], lines(1));
    bench.dial("5550100");
    let lease = bench.seized().0;
    bench.run_ms(4_000);
    bench.clear(lease, Cause::NORMAL);
    let cleared_at = bench.now;
    bench.run_ms(500);
    bench.dial("5550100");
    let Some(LineEvent::NoLine { cause: Cause::NO_CHANNEL, may_wait: true, .. }) = bench.told.last() else {
        panic!("{:?}", bench.told.last());
    };
    while bench.told.last() != Some(&LineEvent::LineFree) && bench.now.since(cleared_at) < Micros::from_s(10) {
        bench.run_ms(10);
    }
    let rest = bench.now.since(cleared_at).as_ms();
    assert!((2_000..2_200).contains(&rest), "{rest}");
    bench.dial("5550100");
    assert_eq!(bench.seized().0.generation, lease.generation + 1);
}

#[test]
fn a_line_that_begins_to_ring_is_not_seized() {
    for ports in [1, 2] {
        let mut bench = Bench::calling(vec![("5550100", answers(3_000, stays()))], lines(ports));
        let line = bench.wire.near().channels()[usize::from(ports) - 1].id;
        let call = Call {
            id: "in".into(),
            at: bench.now,
            to: "100".into(),
            line: Some(line),
            steps: stays(),
            ..Call::default()
        };
        bench.office.ring(call).expect("a good call");
        // The ring is on the line, and nobody has fetched its event yet.
        bench.now = bench.now + Micros::from_ms(10);
        bench.wire.step(bench.now);
        bench.office.step(bench.now);
        bench.dial("5550100");
        match ports {
            1 => assert!(matches!(bench.told.last(), Some(LineEvent::NoLine { may_wait: true, .. }))),
            _ => assert_eq!(bench.seized().1, "sim 1/1", "the next one"),
        }
        let theirs = bench.takes_the_ring();
        assert!(bench.office.call("in").is_some_and(|call| call.connected_at.is_some()));
        bench.run_ms(2_000);
        bench.clear(theirs, Cause::NORMAL);
    }
}

#[test]
fn a_ring_that_meets_a_seizure_has_the_line_under_a_lease_of_its_own() {
    for ports in [1, 2] {
        let office = OfficeConfig { dial_tone: DialTone::Dead, ..OfficeConfig::default() };
        let mut bench = Bench::calling(Vec::new(), Setting { office, ..lines(ports) });
        bench.dial("5550100");
        let ours = bench.seized().0;
        bench.run_ms(2_500);
        // A ring whose event crosses the seizure: the channel is on the media side by now.
        let mut actions = Vec::new();
        let ring = LineNews::Event(tipring_card::Event::RingBegin);
        bench.signalling.heard(bench.now, ours, ring, &mut actions);
        bench.carry_out(actions);
        if ports == 1 {
            let cleared = LineEvent::Cleared { lease: ours, cause: Cause::CHANNEL_UNAVAILABLE, by_far_end: true };
            assert_eq!(bench.cleared(), [&cleared], "{:?}", bench.notes);
        } else {
            let is_move = |event: &&LineEvent| matches!(event, LineEvent::Moved { .. });
            let Some(LineEvent::Moved { from, line, .. }) = bench.told.iter().find(is_move) else {
                panic!("{:?}", bench.told);
            };
            assert_eq!((*from, line.as_str()), (ours, "sim 1/1"));
            assert!(bench.cleared().is_empty());
        }
        bench.run_ms(7_500);
        let theirs = bench.lease();
        assert_eq!((theirs.index, theirs.generation), (ours.index, ours.generation + 1), "{:?}", bench.told);
        bench.command(LineCommand::Answer { lease: theirs });
        let before = bench.media.counters();
        bench.run_ms(500);
        assert_eq!(bench.story(theirs), ["incoming", "answered"]);
        let after = bench.media.counters();
        assert!(after.blocks >= before.blocks + 45, "the channel went along");
        assert_eq!(after.late_blocks, 0);
    }
}

#[test]
fn a_card_that_is_taken_out_ends_every_call_and_lines_are_down() {
    let mut bench = Bench::calling(vec![("5550100", answers(1_000, stays()))], lines(3));
    bench.office_rings("a", stays());
    let first = bench.takes_the_ring();
    bench.dial("5550100");
    bench.run_ms(8_000);
    let second = bench.seized().0;
    assert_ne!(first.index, second.index);
    bench.wire.remove(Side::Near);
    bench.run_ms(3_000);
    assert_eq!(bench.cleared().len(), 2, "{:?}", bench.told);
    let out_of_order = |event: &&LineEvent| matches!(event, LineEvent::Cleared { cause: Cause::OUT_OF_ORDER, .. });
    assert!(bench.cleared().iter().all(out_of_order), "{:?}", bench.cleared());
    assert_eq!(bench.words(), ["down"; 3]);
    bench.dial("5550100");
    assert!(matches!(bench.told.last(), Some(LineEvent::NoLine { may_wait: false, .. })), "{:?}", bench.told.last());
}

#[test]
fn an_alarm_ends_a_call_and_the_line_is_used_again_after_it() {
    let mut bench = Bench::calling(vec![("5550100", answers(60_000, stays()))], lines(1));
    bench.dial("5550100");
    let lease = bench.seized().0;
    bench.run_ms(6_000);
    bench.wire.plug(SpanId(1), false);
    bench.run_ms(2_000);
    assert_eq!(bench.cleared(), [&LineEvent::Cleared { lease, cause: Cause::OUT_OF_ORDER, by_far_end: false }]);
    assert_eq!(bench.words(), ["alarm"]);
    bench.dial("5550100");
    assert!(matches!(bench.told.last(), Some(LineEvent::NoLine { may_wait: false, .. })));
    bench.wire.plug(SpanId(1), true);
    bench.run_ms(4_000);
    bench.dial("5550100");
    assert_eq!(bench.seized().0.generation, lease.generation + 1);
}

#[test]
fn a_stale_command_does_nothing_to_the_next_call() {
    let mut bench = Bench::calling(Vec::new(), lines(1));
    bench.office_rings("a", vec![speaks(500), Step::hangup()]);
    let first = bench.takes_the_ring();
    bench.run_ms(6_000);
    bench.rests();
    bench.office_rings("b", stays());
    let second = bench.takes_the_ring();
    bench.clear(first, Cause::NORMAL);
    bench.command(LineCommand::Answer { lease: first });
    bench.run_ms(500);
    assert_eq!(bench.story(second), ["incoming", "answered"]);
    assert_eq!(bench.signalling.stale_commands(), 2);
    assert_eq!(bench.signalling.runaways(), 0);
}

impl Bench {
    /// What the office knows of the call that came to it last.
    #[track_caller]
    fn arrived_at_office(&self) -> &CallReport {
        let of_us = |report: &&CallReport| report.dialled == tipring_sim::Dialled::There;
        self.office.calls().find(of_us).expect("a call is under way at the office")
    }
}

#[test]
fn lines_hear_nothing_for_two_seconds_after_the_start() {
    let mut bench = Bench::of(lines(1));
    bench.run_ms(100);
    bench.dial("5550100");
    assert!(matches!(bench.told.last(), Some(LineEvent::NoLine { may_wait: true, .. })), "it may be ringing");
    bench.run_ms(HEARS_MS);
    assert_eq!(bench.told.last(), Some(&LineEvent::LineFree));
    bench.dial("5550100");
    bench.seized();
}
