//! Ports for telephones on a simulated loop: dial tone and digits, a ring with caller id, the far end's hang-up, flash,
//! a telephone left off hook, two of them at once.

use tipring_card::Supervision;
use tipring_lines::Telephone as Plugged;
use tipring_router::LineKind;

use super::*;

/// The kernel tells no ring before then.
const HEARS_MS: u64 = 2_500;

fn setting(phones: u16) -> Setting {
    let telephone = Plugged { line: "sim 1".into(), number: "21".into(), ..Plugged::default() };
    let group = |name: &str, line: &str| tipring_lines::Group {
        name: name.into(),
        lines: vec![line.into()],
        ..tipring_lines::Group::default()
    };
    Setting {
        wire: WireConfig { spans: 0, phone_ports: phones, ..WireConfig::default() },
        lines: LinesConfig {
            plan: tipring_numbering::Plan::preset("us").expect("a plan"),
            telephones: vec![telephone],
            groups: vec![group("phones", "sim 1"), group("second", "sim 1/2")],
            ..LinesConfig::default()
        },
        ..Setting::default()
    }
}

impl Bench {
    fn with_phones(phones: u16) -> Bench {
        let mut bench = Bench::of(setting(phones));
        bench.run_ms(HEARS_MS);
        bench
    }

    fn rings_phone(&mut self, group: &str, call: Outgoing) -> AttemptId {
        self.dial_with(Outgoing { group: group.into(), to: "21".into(), ..call })
    }

    fn lift(&mut self, phone: usize, steps: Vec<Step>) {
        let now = self.now;
        self.telephones[phone].lift(now, steps);
    }

    fn put_down(&mut self, phone: usize) {
        let now = self.now;
        self.telephones[phone].put_down(now);
    }

    /// Whether the telephone hears something that is no faint noise at the moment.
    fn hears(&mut self, phone: usize) -> bool {
        let heard = |bench: &Bench| bench.telephones[phone].phone().map_or(0, |phone| phone.heard().len());
        let before = heard(self);
        self.run_ms(200);
        let octets = &self.telephones[phone].phone().expect("it was lifted").heard()[before..];
        // µ-law: the louder, the more of the low bits are clear.
        octets.iter().filter(|octet| !**octet & 0x7F > 0x28).count() * 3 > octets.len()
    }
}

fn waits() -> Step {
    Step::Wait { ms: 600_000 }
}

#[test]
fn a_telephone_gets_dial_tone_dials_and_its_call_comes_in_with_the_number_that_was_dialled() {
    let mut bench = Bench::with_phones(1);
    bench.lift(0, vec![Step::Wait { ms: 1_000 }, Step::press("5550100"), Step::press("#"), waits()]);
    bench.run_ms(500);
    assert!(bench.hears(0), "dial tone");
    bench.run_ms(3_000);
    let Some(LineEvent::Incoming { lease, line, kind, called, calling, .. }) = bench.told.first() else {
        panic!("{:?} {:?}", bench.told, bench.notes);
    };
    assert_eq!((line.as_str(), *kind, called.digits.as_str()), ("sim 1/1", LineKind::Telephone, "5550100"));
    assert_eq!(calling.as_ref().map(|calling| calling.digits.as_str()), Some("21"));
    let lease = *lease;
    assert!(!bench.hears(0), "the first key ends dial tone");
    bench.command(LineCommand::Alert { lease });
    bench.run_ms(300);
    assert!(bench.hears(0), "ringback");
    bench.command(LineCommand::Answer { lease });
    bench.run_ms(300);
    assert!(!bench.hears(0), "nobody speaks");
    assert_eq!(bench.told.last(), Some(&LineEvent::Answered { lease, by: Supervision::Connect }));
    let play = PlayId(1);
    bench.media.command(Command::Play { port: lease, play });
    bench.media.command(Command::Feed { play, port: lease, len: FEED as u8, data: [0x11; FEED] });
    bench.media.command(Command::FeedEnd { play, port: lease });
    bench.run_ms(500);
    let phone = bench.telephones[0].phone().expect("it was lifted");
    assert!(phone.heard().windows(FEED).any(|window| window == [0x11; FEED]), "the telephone hears us");
    bench.put_down(0);
    bench.run_ms(2_000);
    assert_eq!(bench.told.last(), Some(&LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: true }));
    assert_eq!((bench.signalling.busy(), bench.signalling.runaways()), (0, 0));
}

#[test]
fn a33_a_telephone_with_a_hotline_calls_it_when_it_is_lifted() {
    let mut setting = setting(1);
    setting.lines.telephones[0].config.hotline = "100".try_into().expect("digits");
    let mut bench = Bench::of(setting);
    bench.run_ms(HEARS_MS);
    bench.lift(0, vec![waits()]);
    bench.run_ms(500);
    let Some(LineEvent::Incoming { lease, called, calling, .. }) = bench.told.first() else {
        panic!("{:?} {:?}", bench.told, bench.notes);
    };
    assert_eq!(called.digits, "100");
    assert_eq!(calling.as_ref().map(|calling| calling.digits.as_str()), Some("21"));
    let lease = *lease;
    assert!(!bench.hears(0), "no dial tone");
    bench.command(LineCommand::Answer { lease });
    bench.put_down(0);
    bench.run_ms(2_000);
    assert_eq!(bench.told.last(), Some(&LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: true }));
}

#[test]
fn a33_a_telephone_that_a_person_holds_is_not_lifted_by_a_program() {
    let mut bench = Bench::with_phones(1);
    let stale = bench.signalling.stale_commands();
    for (line, lifted) in [("sim 1/1", true), ("sim 1/1", false), ("sim 1/9", true)] {
        bench.command(LineCommand::Lift { line: line.into(), lifted });
    }
    bench.run_ms(500);
    assert_eq!((bench.told.len(), bench.signalling.stale_commands()), (0, stale + 1));
    let refused = bench.notes.iter().filter(|note| note.contains("a person's hand is needed")).count();
    assert_eq!(refused, 2, "{:?}", bench.notes);
}

#[test]
fn a_number_for_help_is_dialled_without_waiting() {
    let mut bench = Bench::with_phones(1);
    bench.lift(0, vec![Step::Wait { ms: 600 }, Step::press("911"), waits()]);
    // 160 ms a key behind the 600: nothing waits for more.
    bench.run_ms(1_500);
    assert!(
        matches!(&bench.told[..], [LineEvent::Incoming { called, .. }] if called.digits == "911"),
        "{:?}",
        bench.told
    );
}

#[test]
fn a_telephone_rings_shows_who_calls_and_is_answered() {
    let mut bench = Bench::with_phones(1);
    bench.telephones[0].answer(3, vec![waits()]);
    let call = Outgoing { from: "+12025550123".into(), name: "ADA".into(), ..Outgoing::default() };
    bench.rings_phone("phones", call);
    bench.run_ms(4_000);
    let lease = bench.seized().0;
    assert_eq!(bench.story(lease), ["seized", "ringing"]);
    let caller = bench.telephones[0].caller().cloned().expect("caller id");
    assert_eq!(caller.number.as_deref(), Some("12025550123"));
    assert_eq!(caller.name.as_deref(), Some("ADA"));
    bench.run_ms(10_000);
    assert_eq!(bench.story(lease), ["seized", "ringing", "answered"], "{:?}", bench.notes);
    assert_eq!(bench.telephones[0].rings().len(), 3);
    let gap = bench.telephones[0].rings()[1].since(bench.telephones[0].rings()[0]).as_ms();
    assert!((5_980..=6_020).contains(&gap), "{gap} ms between two rings");
    // The far end goes: the battery tells the telephone, then congestion tone.
    bench.clear(lease, Cause::NORMAL);
    bench.run_ms(1_000);
    assert_eq!(bench.telephones[0].drops().len(), 1);
    bench.run_ms(1_000);
    assert!(bench.hears(0) || bench.hears(0), "congestion tone");
    assert_eq!(bench.signalling.gauges()[0].channels, [(1, "off hook")]);
    bench.put_down(0);
    bench.run_ms(2_000);
    assert_eq!(bench.signalling.gauges()[0].channels, [(1, "idle")]);
}

#[test]
fn a_telephone_shows_a_number_as_one_would_dial_it_from_there() {
    for (country, from, shown) in [
        ("gb", "+442079460100", "02079460100"),
        ("gb", "+12025550123", "0012025550123"),
        ("us", "+12025550123", "12025550123"),
        ("us", "21", "21"),
    ] {
        let mut setting = setting(1);
        setting.lines.plan = tipring_numbering::Plan::preset(country).expect("a plan");
        let mut bench = Bench::of(setting);
        bench.run_ms(HEARS_MS);
        bench.rings_phone("phones", Outgoing { from: from.into(), ..Outgoing::default() });
        bench.run_ms(5_000);
        let caller = bench.telephones[0].caller().cloned().expect("caller id");
        assert_eq!(caller.number.as_deref(), Some(shown), "{country} {from}");
    }
}

#[test]
fn a_withheld_caller_stays_withheld_on_the_telephone() {
    let mut bench = Bench::with_phones(1);
    let call = Outgoing { from: "+12025550123".into(), name: "ADA".into(), restricted: true, ..Outgoing::default() };
    bench.rings_phone("phones", call);
    bench.run_ms(5_000);
    let caller = bench.telephones[0].caller().cloned().expect("caller id");
    assert!(caller.restricted && caller.number.is_none() && caller.name.is_none(), "{caller:?}");
}

#[test]
fn a_ring_that_is_given_up_stops_and_the_telephone_may_dial() {
    let mut bench = Bench::with_phones(1);
    bench.rings_phone("phones", Outgoing::default());
    bench.run_ms(3_000);
    let lease = bench.seized().0;
    bench.clear(lease, Cause::NO_ANSWER);
    bench.run_ms(12_000);
    assert_eq!(bench.telephones[0].rings().len(), 1);
    assert_eq!(bench.story(lease), ["seized", "ringing", "cleared"]);
    bench.lift(0, vec![waits()]);
    bench.run_ms(500);
    assert!(bench.hears(0), "dial tone");
}

/// The loop is seen to be closed 50 ms after it was: before the channel is taken back, while nobody has it, or after that.
#[test]
fn a_telephone_that_is_lifted_while_its_channel_is_opened_again_gets_dial_tone() {
    for before_ms in (0..50).step_by(10) {
        let mut bench = Bench::with_phones(1);
        bench.rings_phone("phones", Outgoing::default());
        bench.run_ms(3_000);
        let lease = bench.seized().0;
        bench.lift(0, vec![waits()]);
        bench.run_ms(before_ms);
        bench.clear(lease, Cause::NO_ANSWER);
        bench.run_ms(1_500);
        assert_eq!(bench.story(lease), ["seized", "ringing", "cleared"]);
        let words = &bench.signalling.gauges()[0].channels;
        assert_eq!(words, &[(1, "dialling")], "lifted {before_ms} ms before the ring was given up");
        assert!(bench.hears(0), "dial tone, lifted {before_ms} ms before the ring was given up");
    }
}

#[test]
fn a_telephone_that_is_off_hook_when_the_box_starts_gets_dial_tone() {
    let mut bench = Bench::of(setting(1));
    for ms in [100, 200] {
        bench.now = Micros::from_ms(ms);
        bench.wire.step(bench.now);
        bench.telephones[0].step(bench.now);
        bench.lift(0, vec![waits()]);
    }
    bench.run_ms(1_500);
    assert_eq!(bench.signalling.gauges()[0].channels, [(1, "dialling")]);
    assert!(bench.hears(0), "dial tone");
    bench.put_down(0);
    bench.run_ms(1_500);
    assert_eq!(bench.signalling.gauges()[0].channels, [(1, "idle")]);
}

#[test]
fn a_telephone_that_is_off_hook_is_busy_and_another_of_the_group_rings() {
    let mut bench = Bench::with_phones(2);
    bench.lift(0, vec![waits()]);
    bench.run_ms(500);
    bench.rings_phone("phones", Outgoing::default());
    bench.run_ms(1_000);
    assert!(bench.telephones[0].rings().is_empty() && bench.telephones[1].rings().len() == 1);
    // And when all of them are, the call is answered by that: nobody waits for a telephone.
    bench.rings_phone("phones", Outgoing::default());
    let busy = matches!(bench.told.last(), Some(LineEvent::NoLine { cause: Cause::USER_BUSY, may_wait: false, .. }));
    assert!(busy, "{:?}", bench.told.last());
}

#[test]
fn a_port_for_a_telephone_is_no_line_for_calls_out() {
    let mut setting = setting(1);
    setting.lines.groups.clear();
    let mut bench = Bench::of(setting);
    bench.run_ms(HEARS_MS);
    bench.dial_with(Outgoing { to: "911".into(), emergency: true, ..Outgoing::default() });
    assert!(matches!(bench.told.last(), Some(LineEvent::NoLine { .. })), "{:?}", bench.told.last());
    bench.run_ms(3_000);
    assert!(bench.telephones[0].rings().is_empty());
}

#[test]
fn a_flash_in_a_call_is_told_and_ends_nothing() {
    let mut bench = Bench::with_phones(1);
    bench.telephones[0].answer(1, vec![waits()]);
    bench.rings_phone("phones", Outgoing::default());
    bench.run_ms(2_000);
    let lease = bench.seized().0;
    bench.telephones[0].flash();
    bench.run_ms(3_000);
    assert_eq!(bench.story(lease), ["seized", "ringing", "answered"]);
    let flashed =
        bench.told.iter().any(|event| matches!(event, LineEvent::Told { text, .. } if text.contains("flash")));
    assert!(flashed, "{:?}", bench.told);
}

#[test]
fn a_port_whose_card_is_taken_away_ends_its_call() {
    let mut bench = Bench::with_phones(1);
    bench.telephones[0].answer(1, vec![waits()]);
    bench.rings_phone("phones", Outgoing::default());
    bench.run_ms(2_000);
    let lease = bench.seized().0;
    bench.wire.trouble(Trouble::Remove(Side::Near));
    bench.run_ms(500);
    assert_eq!(
        bench.cleared().last(),
        Some(&&LineEvent::Cleared { lease, cause: Cause::OUT_OF_ORDER, by_far_end: false })
    );
    assert_eq!(bench.signalling.gauges()[0].channels, [(1, "down")]);
}

#[test]
fn a_port_that_is_not_named_is_left_alone() {
    let mut setting = setting(2);
    setting.lines.telephones[0].line = "sim 1/2".into();
    let mut bench = Bench::of(setting);
    bench.run_ms(HEARS_MS);
    bench.lift(0, vec![waits()]);
    bench.lift(1, vec![waits()]);
    bench.run_ms(500);
    assert!(!bench.hears(0) && bench.hears(1));
}

#[test]
fn messages_that_wait_light_the_lamp_and_dial_tone_stutters_until_none_waits() {
    let mut bench = Bench::with_phones(2);
    let wait = |line: &str, waiting| LineCommand::MessagesWait { line: line.into(), waiting };
    bench.command(wait("sim 1/1", true));
    bench.run_ms(4_000);
    assert_eq!([0, 1].map(|phone| bench.telephones[phone].messages()), [Some(true), None]);
    // Pauses at the beginning of dial tone, which a plain one has not.
    let pauses = |bench: &mut Bench, phone: usize| {
        bench.lift(phone, vec![waits()]);
        bench.run_ms(3_000);
        let heard = bench.telephones[phone].phone().expect("it was lifted").heard().to_vec();
        bench.put_down(phone);
        bench.run_ms(4_000);
        let sounds: Vec<bool> = heard.chunks_exact(80).map(|block| block.iter().any(|it| !it & 0x7F > 0x28)).collect();
        let first = sounds.iter().position(|it| *it).expect("dial tone");
        sounds[first..].iter().filter(|it| !**it).count()
    };
    assert!(pauses(&mut bench, 0) > 0);
    assert_eq!(pauses(&mut bench, 1), 0);
    bench.command(wait("sim 1/1", false));
    bench.run_ms(4_000);
    assert_eq!(bench.telephones[0].messages(), Some(false));
    assert_eq!(pauses(&mut bench, 0), 0);
    let stale = bench.signalling.stale_commands();
    bench.command(wait("sim 1/9", true));
    assert_eq!(bench.signalling.stale_commands(), stale + 1);
}

#[test]
fn messages_that_come_in_a_call_are_told_behind_it_and_the_telephone_lives_on() {
    let mut bench = Bench::with_phones(1);
    bench.run_ms(HEARS_MS);
    for (waiting, put_down_first) in [(true, false), (false, false), (true, true), (false, true)] {
        let wait = LineCommand::MessagesWait { line: "sim 1/1".into(), waiting };
        bench.lift(0, vec![waits()]);
        bench.run_ms(2_000);
        assert!(bench.hears(0), "dial tone, with {waiting} to come");
        if put_down_first {
            bench.put_down(0);
        }
        bench.command(wait);
        bench.run_ms(500);
        if !put_down_first {
            bench.put_down(0);
        }
        bench.run_ms(6_000);
        assert_eq!(bench.telephones[0].messages(), Some(waiting));
    }
    // At every moment of being put on hook.
    for after_ms in (0..3_000).step_by(130) {
        bench.lift(0, vec![waits()]);
        bench.run_ms(1_000);
        bench.put_down(0);
        bench.run_ms(after_ms);
        let waiting = bench.telephones[0].messages() != Some(true);
        bench.command(LineCommand::MessagesWait { line: "sim 1/1".into(), waiting });
        bench.run_ms(8_000);
        assert_eq!(bench.telephones[0].messages(), Some(waiting), "{after_ms} ms after it was put down");
    }
}

#[test]
fn a_telephone_rings_otherwise_for_somebody_of_the_house() {
    let rings = |from: &str, inside_ring_ms| {
        let mut setting = setting(2);
        setting.lines.telephones = [("sim 1/1", "21"), ("sim 1/2", "22")]
            .map(|(line, number)| Plugged {
                line: line.into(),
                number: number.into(),
                inside_ring_ms,
                ..Plugged::default()
            })
            .to_vec();
        let mut bench = Bench::of(setting);
        bench.run_ms(HEARS_MS);
        bench.rings_phone("second", Outgoing { from: from.into(), ..Outgoing::default() });
        bench.run_ms(10_000);
        bench.telephones[1].rings().len()
    };
    let double: &[u16] = &[400, 400, 400, 3_800];
    assert_eq!((rings("21", double), rings("2025550100", double), rings("21", &[])), (4, 2, 2));
}
