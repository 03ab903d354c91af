//! The office at the far end of an analogue line, against a box that is a raw channel: every reply to a dialled number,
//! every form of a hang-up, rings and glare.

use tipring_card::{Cause, ChannelId, Event, Hook, Law};
use tipring_dsp::ZoneId;
use tipring_isdn::By;
use tipring_sim::{
    Call, CallerIdForm, Clearing, DialTone, Dialled, OfficeConfig, Reply, Step, StepEnd, Trouble, WireConfig,
};

use crate::{
    subscriber::{BUSY, DIAL, LineWorld, RINGBACK, answers, subscribers_of},
    support::{answer, ms, pattern, place_of, stay},
};

fn say(hz: f32, ms: u32) -> Step {
    Step::Tone { hz, ms, level_dbm0: -10.0 }
}

#[test]
fn b11_a_number_dialled_on_a_line_rings_and_is_answered() {
    let steps = vec![say(800.0, 1_000), Step::Wait { ms: 3_000 }, Step::hangup()];
    let mut world = LineWorld::calling(vec![("5550100", answers(4_000, steps))]);
    world.dials("5550100");
    let rings_at = world.run_until(2_000, "ringback", |world| world.sounds(RINGBACK));
    let answered_at = world.run_until(6_000, "the called party", |world| world.sounds(&[800.0]));
    assert!((3_900..4_200).contains(&(answered_at - rings_at)), "{}", answered_at - rings_at);
    world.presses("42");
    world.run_until(6_000, "battery drop", |world| world.saw(Event::OnHook));
    assert_eq!(world.count(Event::Polarity), 0, "no reversal unless it is asked for");
    assert!(!world.office.is_idle(), "the box has not hung up yet");
    world.hangs_up();
    assert!(world.office.is_idle(), "{}", world.story());
    let report = world.office.take_finished().remove(0);
    assert_eq!((report.to.as_str(), report.dialled, report.line), ("5550100", Dialled::There, Some(world.id)));
    assert_eq!((report.cause, report.by), (Some(Cause::NORMAL), Some(By::Local)));
    assert_eq!(report.phone.keys_heard(), "42");
    let line = report.to_string();
    assert!(
        line.starts_with("call in-1: nobody to 5550100, line 1, answered after ") && line.ends_with("(16)"),
        "{line}"
    );
    assert!(report.phone.steps_ended().iter().all(|step| step.end == StepEnd::Done));
    let order = [Some(report.began_at), report.alerting_at, report.connected_at, report.released_at];
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
    assert_eq!(report.blocks_lost, 0);
}

#[test]
fn a31_every_refusal_is_heard_as_its_tone_and_reported_with_its_cause() {
    let refuse = |cause| Reply::Refuse(Cause(cause));
    let replies = vec![("17", refuse(17)), ("34", refuse(34)), ("21", refuse(21))];
    for (number, rhythm, tone, cause) in [
        ("17", vec![500, 500], BUSY, 17),
        ("34", vec![250, 250], BUSY, 34),
        ("21", vec![1_000, 990], &[1_800.0][..], 21),
        ("99", vec![1_000, 990], &[1_800.0][..], 1), // nobody has it
    ] {
        let mut world = LineWorld::calling(replies.clone());
        world.dials(number);
        world.run_until(5_000, "the tone", |world| world.sounds(tone));
        world.run(ms(4_500));
        let heard = world.rhythm(4_000);
        let fits = heard.windows(2).any(|pair| pair.iter().zip(&rhythm).all(|(a, b)| a.abs_diff(*b) <= 20));
        assert!(fits, "{number}: {heard:?}");
        world.hangs_up();
        let report = world.office.take_finished().remove(0);
        assert_eq!((report.to.as_str(), report.cause, report.by), (number, Some(Cause(cause)), Some(By::Local)));
        assert_eq!(report.connected_at, None);
    }
}

#[test]
fn a31_a_telephone_that_nobody_takes_rings_until_the_box_gives_up() {
    let mut world = LineWorld::calling(vec![("19", Reply::RingForever), ("18", Reply::Ignore)]);
    world.dials("19");
    world.run_until(2_000, "ringback", |world| world.sounds(RINGBACK));
    world.run(ms(20_000));
    assert!(world.rhythm(13_000).windows(2).any(|pair| pair == [2_000, 4_000]), "{:?}", world.rhythm(13_000));
    world.hangs_up();
    let report = world.office.take_finished().remove(0);
    assert_eq!((report.cause, report.by, report.connected_at), (Some(Cause::NORMAL), Some(By::Remote), None));
    assert!(report.alerting_at.is_some());
    world.events.clear();
    world.dials("18");
    world.run(ms(10_000));
    assert!(world.rhythm(9_000).is_empty(), "nothing is heard");
    world.hangs_up();
    let report = world.office.take_finished().remove(0);
    assert_eq!((report.to.as_str(), report.alerting_at), ("18", None));
    assert!(world.office.is_idle());
}

#[test]
fn a_reversal_tells_the_answer_and_another_the_end() {
    for seizure in [false, true] {
        let config = OfficeConfig {
            subscribers: subscribers_of(vec![("77", answers(2_000, vec![Step::Wait { ms: 3_000 }]))]),
            reversal_on_answer: true,
            reversal_on_seizure: seizure,
            clearing: Clearing::Reversal,
            ..OfficeConfig::default()
        };
        let mut world = LineWorld::new(config);
        world.dials("77");
        assert_eq!(world.count(Event::Polarity), usize::from(seizure));
        world.events.clear();
        world.run(ms(10_000));
        let report = world.office.calls().next().map(|call| call.connected_at.map(|at| at.as_ms()));
        let answered = report.flatten().expect("answered");
        let turns: Vec<_> = world.events.iter().filter(|e| e.1 == Event::Polarity).map(|e| e.0).collect();
        assert_eq!(turns.len(), 2, "{turns:?}");
        assert!((64..100).contains(&(turns[0] - answered)), "{turns:?} {answered}");
        assert!((2_900..3_200).contains(&(turns[1] - turns[0])), "{turns:?}");
        assert!(!world.saw(Event::OnHook), "the battery stays");
        world.hangs_up();
        assert!(world.office.is_idle());
    }
}

#[test]
fn every_form_of_a_hang_up_is_what_it_says() {
    for clearing in [
        Clearing::BatteryDrop,
        Clearing::BatteryDropThenBusyTone,
        Clearing::BusyTone,
        Clearing::ReversalThenBusyTone,
        Clearing::DialTone,
        Clearing::Nothing,
    ] {
        let config = OfficeConfig {
            subscribers: subscribers_of(vec![("77", answers(500, vec![Step::Wait { ms: 2_000 }]))]),
            clearing,
            ..OfficeConfig::default()
        };
        let mut world = LineWorld::new(config);
        world.dials("77");
        world.run_until(9_000, "end", |world| world.office.calls().any(|call| call.cause.is_some()));
        world.run(ms(500));
        let drops = matches!(clearing, Clearing::BatteryDrop | Clearing::BatteryDropThenBusyTone);
        assert_eq!(world.saw(Event::OnHook), drops, "{clearing:?}");
        assert_eq!(world.saw(Event::Polarity), clearing == Clearing::ReversalThenBusyTone, "{clearing:?}");
        world.run(ms(2_500));
        match clearing {
            Clearing::BusyTone | Clearing::BatteryDropThenBusyTone | Clearing::ReversalThenBusyTone => {
                assert!(world.rhythm(1_900).contains(&500), "{clearing:?} {:?}", world.rhythm(1_900));
            }
            Clearing::BatteryDrop | Clearing::DialTone => assert!(world.sounds(DIAL), "{clearing:?}"),
            Clearing::Nothing | Clearing::Reversal => assert!(world.is_quiet()),
        }
        world.run(ms(20_000));
        assert!(!world.office.is_idle(), "{clearing:?}: the box has the line still");
        world.hangs_up();
        assert!(world.office.is_idle(), "{clearing:?}");
        let report = world.office.take_finished().remove(0);
        assert_eq!((report.cause, report.by), (Some(Cause::NORMAL), Some(By::Local)), "{clearing:?}");
    }
}

#[test]
fn a_line_without_dial_tone_may_hear_digits_or_not() {
    for (dial_tone, hears) in [(DialTone::Silent, true), (DialTone::Dead, false), (DialTone::After(ms(9_000)), false)] {
        let config = OfficeConfig {
            subscribers: subscribers_of(vec![("77", Reply::RingForever)]),
            dial_tone,
            ..OfficeConfig::default()
        };
        let mut world = LineWorld::new(config);
        world.seizes();
        world.run(ms(2_000));
        assert!(world.is_quiet(), "{dial_tone:?}");
        world.presses("77");
        world.run(ms(2_000));
        let dialled = world.office.calls().next().map(|call| call.to.clone());
        assert_eq!(dialled.as_deref(), Some(if hears { "77" } else { "" }), "{dial_tone:?}");
        assert_eq!(world.sounds(RINGBACK), hears, "{dial_tone:?}");
        world.hangs_up();
        assert!(world.office.is_idle());
    }
}

#[test]
fn a_number_ends_by_its_length_its_subscriber_or_a_pause() {
    let subscribers = || subscribers_of(vec![("12", Reply::RingForever), ("123", Reply::RingForever)]);
    let begins = |config: OfficeConfig, digits: &str| {
        let mut world = LineWorld::new(config);
        world.dials(digits);
        let from = world.now();
        let rings = world.run_until(9_000, "ringback", |world| world.sounds(RINGBACK));
        assert_eq!(world.office.calls().next().map(|call| call.to.clone()).as_deref(), Some(digits));
        rings - from
    };
    let plain = OfficeConfig { subscribers: subscribers(), ..OfficeConfig::default() };
    let (whole, paused) = (begins(plain.clone(), "123"), begins(plain.clone(), "12"));
    assert!(whole < 700 && (2_500..3_500).contains(&paused), "{whole} {paused}");
    let length = begins(OfficeConfig { number_length: Some(2), ..plain }, "12");
    assert!(length < 700, "{length}");
}

#[test]
fn dial_tone_does_not_last_for_ever() {
    let mut world = LineWorld::calling(vec![]);
    world.seizes();
    world.run(ms(10_000));
    assert!(world.sounds(DIAL));
    world.run(ms(10_000));
    assert!(world.rhythm(2_000).contains(&250), "congestion: {:?}", world.rhythm(2_000));
    world.hangs_up();
    assert_eq!(world.office.take_finished()[0].cause, Some(Cause(28)));
}

fn call_in(id: &str, steps: Vec<Step>) -> Call {
    Call { id: id.into(), from: Some("2025550100".into()), name: Some("A CALLER".into()), steps, ..Call::default() }
}

#[test]
fn a2_a_call_rung_in_has_its_cadence_and_is_answered() {
    let mut world = LineWorld::new(OfficeConfig::default());
    world.office.ring(call_in("one", vec![answer(), say(800.0, 2_000), stay()])).unwrap();
    world.run(ms(7_000));
    let from = world.events[0].0;
    let rings: Vec<_> = world.events.iter().map(|e| (e.0 - from, e.1)).collect();
    let close = |at: usize, want: u64, event| rings[at].1 == event && rings[at].0.abs_diff(want) <= 20;
    assert!(close(0, 0, Event::RingBegin) && close(1, 2_050, Event::RingOffHook), "{rings:?}");
    assert!(close(2, 6_000, Event::RingBegin), "{rings:?}");
    assert_eq!(world.line.hook(Hook::OffHook), Ok(tipring_card::Progress::Done));
    world.run_until(1_000, "the caller", |world| world.sounds(&[800.0]));
    world.presses("5");
    world.hangs_up();
    let report = world.office.take_finished().remove(0);
    assert_eq!((report.id.as_str(), report.dialled, report.line), ("one", Dialled::Here, Some(ChannelId(1))));
    assert_eq!((report.cause, report.by), (Some(Cause::NORMAL), Some(By::Remote)));
    assert_eq!(report.phone.keys_heard(), "5");
    assert!(world.office.is_idle());
}

#[test]
fn a2_a_caller_who_gives_up_stops_the_ring() {
    let mut world = LineWorld::new(OfficeConfig::default());
    world.office.ring(call_in("short", vec![Step::AwaitAnswer { limit_ms: 3_000 }])).unwrap();
    world.run(ms(15_000));
    assert_eq!((world.count(Event::RingBegin), world.count(Event::RingOffHook)), (1, 1));
    let report = world.office.take_finished().remove(0);
    assert_eq!((report.cause, report.by, report.connected_at), (Some(Cause::NORMAL), Some(By::Local), None));
    // By hand, and the line is free for the next.
    world.office.ring(Call { line: Some(world.id), ..call_in("next", vec![answer()]) }).unwrap();
    world.run(ms(1_000));
    world.office.hang_up(world.wire.now(), "next", Cause::NORMAL);
    world.run(ms(1_000));
    assert_eq!((world.count(Event::RingBegin), world.office.is_idle()), (2, true));
}

#[test]
fn a_call_for_a_busy_line_hears_busy_and_another_line_takes_it() {
    let mut world = LineWorld::new(OfficeConfig { line_wait: ms(1_000), ..OfficeConfig::default() });
    world.seizes();
    world.office.ring(Call { line: Some(world.id), ..call_in("mine", vec![]) }).unwrap();
    world.office.ring(call_in("any", vec![answer()])).unwrap();
    world.run(ms(500));
    assert!(world.office.deadline() > Some(world.wire.now()), "a call that waits is no reason to turn on the spot");
    world.run(ms(1_000));
    let report = world.office.call("mine").expect("over");
    assert_eq!((report.cause, report.by), (Some(Cause::USER_BUSY), Some(By::Remote)));
    assert_eq!(world.office.call("any").and_then(|call| call.line), Some(ChannelId(2)));
    assert_eq!(world.office.busy_lines(), [ChannelId(1), ChannelId(2)]);
    let error = world.office.ring(Call { line: Some(ChannelId(9)), ..Call::default() }).unwrap_err();
    assert!(error.to_string().contains("no such analogue line"), "{error}");
}

#[test]
fn glare_gives_the_box_the_caller_instead_of_dial_tone() {
    // Seized in the very moment of the ring, and before a ring that is on its way.
    for ring_delay in [ms(0), ms(400)] {
        let mut world = LineWorld::new(OfficeConfig { ring_delay, ..OfficeConfig::default() });
        let at = world.wire.now() + ms(500);
        world.office.ring(Call { at, ..call_in("glare", vec![answer(), say(800.0, 8_000)]) }).unwrap();
        world.run(ms(490));
        assert_eq!(world.office.calls().count(), 0);
        if ring_delay > ms(0) {
            world.run(ms(100));
        }
        world.line.hook(Hook::Start).unwrap();
        world.run_until(3_000, "the caller", |world| world.sounds(&[800.0]));
        assert_eq!(world.saw(Event::RingBegin), ring_delay == ms(0), "{:?}", world.events);
        assert_eq!(world.office.calls().map(|call| call.id.clone()).collect::<Vec<_>>(), ["glare"]);
        world.hangs_up();
        assert_eq!(world.office.take_finished()[0].by, Some(By::Remote));
    }
}

#[test]
fn a_flash_is_no_hang_up_and_a_box_that_dies_is_one() {
    let mut world = LineWorld::calling(vec![("77", answers(200, vec![stay()]))]);
    world.dials("77");
    world.run_until(3_000, "answer", |world| world.office.calls().any(|call| call.connected_at.is_some()));
    world.run(ms(1_000));
    world.line.hook(Hook::Flash).unwrap();
    world.run(ms(3_000));
    assert!(world.office.calls().all(|call| call.cause.is_none()), "{}", world.story());
    assert!(world.story().contains("a flash"));
    let before = world.now();
    let (near, id) = (&mut world.wire.near(), world.id);
    let other = tipring_card::Card::open(near, ChannelId(2)).unwrap();
    drop(std::mem::replace(&mut world.line, other));
    world.run(ms(2_000));
    let report = world.office.take_finished().remove(0);
    assert_eq!((report.line, report.by), (Some(id), Some(By::Remote)));
    let seen = report.released_at.map_or(0, |at| at.as_ms()) - before;
    assert!((1_250..1_300).contains(&seen), "the flash window: {seen}");
}

#[test]
fn a_broken_line_ends_the_call_and_a_lost_card_everything() {
    let mut world = LineWorld::calling(vec![("77", answers(200, vec![stay()]))]);
    world.dials("77");
    world.run(ms(1_000));
    world.wire.trouble(Trouble::SpanAlarm { span: tipring_card::SpanId(1), lasts: ms(500) });
    world.run(ms(100));
    let report = world.office.take_finished().remove(0);
    assert_eq!((report.cause, report.by), (Some(Cause::NETWORK_OUT_OF_ORDER), Some(By::Link)));
    world.hangs_up();
    world.office.ring(call_in("two", vec![answer()])).unwrap();
    world.run(ms(500));
    world.wire.remove(tipring_sim::Side::Far);
    world.run(ms(500));
    assert_eq!(world.office.take_finished()[0].by, Some(By::Link));
    assert!(world.office.is_idle());
}

#[test]
fn each_country_has_its_own_tones_and_law() {
    let config = OfficeConfig {
        zone: ZoneId::of("de").expect("in the table"),
        subscribers: subscribers_of(vec![("77", Reply::RingForever)]),
        ..OfficeConfig::default()
    };
    let wire = WireConfig { spans: 0, analog_ports: 1, analog_law: Law::A, ..WireConfig::default() };
    let mut world = LineWorld::on(wire, config); // the box speaks µ-law, the card A-law
    world.seizes();
    world.run_until(3_000, "dial tone", |world| world.sounds(&[425.0]));
    world.presses("77");
    world.run(ms(15_000));
    assert!(world.rhythm(13_000).windows(2).any(|pair| pair == [1_000, 4_000]), "{:?}", world.rhythm(13_000));
}

#[test]
fn equal_seeds_give_equal_stories_whatever_the_step() {
    let story = |step: u64| {
        let mut world = LineWorld::calling(vec![("77", answers(1_000, vec![say(800.0, 500), stay()]))]);
        world.office.ring(Call { line: Some(ChannelId(2)), ..call_in("two", vec![answer()]) }).unwrap();
        world.dials("77");
        for _ in 0..300 / step {
            world.run(ms(10 * step));
        }
        world.hangs_up();
        world.story()
    };
    let first = story(1);
    assert!(first.lines().count() > 6, "{first}");
    assert_eq!(first, story(1));
    assert_eq!(first, story(3));
}

#[test]
fn a2_caller_id_comes_between_the_rings_in_every_form() {
    use tipring_analog::{CallerId, Heard};
    let who = |form, number: Option<&str>, name: Option<&str>, restricted| {
        Heard::CallerId(CallerId {
            number: number.map(|number| number.try_into().expect("it fits")),
            name: name.map(|name| name.try_into().expect("it fits")),
            restricted,
            form: Some(form),
            ..CallerId::default()
        })
    };
    let known = |form| who(form, Some("2025550100"), Some("A CALLER"), false);
    let (bell, v23) = (tipring_analog::CallerIdForm::Bell202, tipring_analog::CallerIdForm::V23);
    for (form, zone, restricted, expected) in [
        (CallerIdForm::Bell202, "us", false, Some(known(bell))),
        (CallerIdForm::Bell202, "us", true, Some(who(bell, None, None, true))),
        (CallerIdForm::V23, "uk", false, Some(known(v23))),
        (CallerIdForm::Damaged, "us", false, Some(Heard::BadCallerId)),
        (CallerIdForm::Nothing, "us", false, None),
    ] {
        let zone = ZoneId::of(zone).expect("in the table");
        let mut world = LineWorld::new(OfficeConfig { zone, caller_id: form, ..OfficeConfig::default() });
        world.hears_caller_id(zone);
        world.office.ring(Call { restricted, ..call_in("one", vec![answer()]) }).unwrap();
        world.run(ms(5_500));
        assert_eq!(world.told, Vec::from_iter(expected), "{form:?} {zone:?}");
        let sent =
            world.office.trace().iter().find(|line| line.text.ends_with("caller id")).map(|line| line.at.as_ms());
        let pause = if zone == ZoneId::default() { 2_500 } else { 1_500 }; // half a second into the long pause
        let after = sent.map(|at| at - world.events[0].0);
        assert_eq!(after, (form != CallerIdForm::Nothing).then_some(pause), "{form:?} {zone:?}");
        let double = world.count(Event::RingBegin) > 2;
        assert_eq!(double, zone != ZoneId::default(), "the country's cadence: {:?}", world.events);
    }
}

#[test]
fn a2_an_unknown_caller_is_no_withheld_one() {
    let mut world = LineWorld::new(OfficeConfig::default());
    world.hears_caller_id(ZoneId::default());
    world.office.ring(Call { from: None, name: None, ..call_in("one", vec![answer()]) }).unwrap();
    world.run(ms(5_500));
    let form = Some(tipring_analog::CallerIdForm::Bell202);
    let unavailable = tipring_analog::CallerId { unavailable: true, form, ..tipring_analog::CallerId::default() };
    assert_eq!(world.told, [tipring_analog::Heard::CallerId(unavailable)]);
}

#[test]
fn an_announcement_is_no_answer() {
    let announce = Reply::Announce { steps: vec![say(800.0, 2_000)], cause: Cause(22) };
    let config = OfficeConfig {
        subscribers: subscribers_of(vec![("77", announce)]),
        reversal_on_answer: true,
        ..OfficeConfig::default()
    };
    let mut world = LineWorld::new(config);
    world.dials("77");
    world.run_until(3_000, "the announcement", |world| world.sounds(&[800.0]));
    world.run_until(3_000, "congestion tone", |world| world.sounds(BUSY));
    assert_eq!(world.count(Event::Polarity), 0);
    world.hangs_up();
    let report = world.office.take_finished().remove(0);
    assert_eq!((report.connected_at, report.cause, report.by), (None, Some(Cause(22)), Some(By::Local)));
}

#[test]
fn b11_both_ends_of_a_line_hear_every_octet_of_the_other() {
    let (there, back) = (pattern(7, 8_000), pattern(8, 8_000));
    let steps = vec![Step::Wait { ms: 500 }, Step::Say { octets: back.clone() }, Step::Wait { ms: 1_500 }];
    let mut world = LineWorld::calling(vec![("77", answers(500, steps))]);
    world.dials("77");
    world.run_until(5_000, "answer", |world| world.office.calls().any(|call| call.connected_at.is_some()));
    world.says(&there);
    world.run(ms(4_000));
    world.hangs_up();
    let report = world.office.take_finished().remove(0);
    place_of(&there, &report);
    assert!(world.octets.windows(back.len()).any(|heard| heard == back), "not a single octet is lost");
}

#[test]
fn an_office_at_rest_wants_nothing() {
    let mut world = LineWorld::calling(vec![("77", Reply::RingForever)]);
    assert_eq!(world.office.deadline(), None);
    let at = world.wire.now() + ms(5_000);
    world.office.ring(Call { at, ..call_in("later", vec![Step::AwaitAnswer { limit_ms: 500 }]) }).unwrap();
    assert_eq!(world.office.deadline(), Some(at));
    world.run(ms(5_010));
    assert_eq!(world.office.deadline(), Some(world.wire.now() + ms(10)));
    world.run(ms(2_000));
    assert_eq!((world.office.deadline(), world.office.is_idle()), (None, true));
}
