//! Trouble: frames lost, the D channel lost and back in a call, alarms, a late exchange, a card that goes, bit errors,
//! and that the seed alone decides.

use tipring_card::{Alarms, Card, Cause, Law, Micros, SpanId};
use tipring_isdn::By;
use tipring_sim::{Faults, FirstFrame, Planned, Side, Step, Trouble, WireConfig};

use crate::support::{SPAN, World, answer, ms, stay};

fn planned(at: Micros, what: Trouble) -> Faults {
    Faults { first_frame: FirstFrame::Kept, planned: vec![Planned { at, what }], ..Faults::default() }
}

#[test]
fn the_d_channel_is_lost_and_back_in_a_call() {
    let mut world = World::new(
        planned(ms(5_000), Trouble::FramesVanish { span: SPAN, lasts: ms(30_000) }),
        vec![Step::Wait { ms: 20_000 }, Step::press("5"), stay()],
    );
    world.rings("one", "100", vec![answer(), Step::Wait { ms: 45_000 }, Step::hangup()]);
    world.run(ms(4_900));
    assert!(world.exchange.link_is_up(SPAN));
    world.run(ms(25_000));
    assert!(!world.exchange.link_is_up(SPAN), "{}", world.story());
    assert_eq!(world.exchange.busy_channels().len(), 1, "the call stays");
    world.run(ms(10_000));
    assert!(world.exchange.link_is_up(SPAN));
    world.run_out(ms(60_000));
    let caller = world.exchange.take_finished().remove(0);
    assert_eq!((caller.cause, caller.phone.keys_heard()), (Some(Cause::NORMAL), "5"), "audio went on");
    assert_eq!(world.pbx.take_finished()[0].cause, Some(Cause::NORMAL));
}

#[test]
fn an_alarm_takes_link_and_audio_and_both_come_back() {
    let trouble = Trouble::SpanAlarm { span: SPAN, lasts: ms(3_000) };
    let mut world =
        World::new(planned(ms(5_000), trouble), vec![Step::Tone { hz: 425.0, ms: 20_000, level_dbm0: -10.0 }, stay()]);
    world.rings("one", "100", vec![answer(), Step::Wait { ms: 10_000 }, Step::hangup()]);
    world.run(ms(6_000));
    for mut card in [world.wire.near(), world.wire.far()] {
        assert_eq!(card.span_status(SPAN).map(|status| status.alarms), Ok(Alarms::RED));
    }
    assert!(!world.exchange.link_is_up(SPAN));
    world.run_out(ms(60_000));
    let caller = world.exchange.take_finished().remove(0);
    let heard_from = caller.phone.heard_from().unwrap();
    let heard = |at: u64| {
        let place = (ms(at).since(heard_from).0 / 125) as usize;
        caller.phone.heard()[place..place + 800].iter().any(|&octet| octet != Law::A.silence())
    };
    assert!(heard(4_500) && !heard(5_500) && !heard(7_500) && heard(8_500));
    assert_eq!(caller.cause, Some(Cause::NORMAL));
}

#[test]
fn an_exchange_that_comes_late_is_found() {
    let faults = Faults { far_starts_at: ms(3_000), ..Faults::default() };
    let mut world = World::new(faults, vec![stay()]);
    world.rings("early", "100", vec![answer(), Step::hangup()]);
    world.run(ms(2_900));
    let mut near = world.wire.near();
    assert_eq!(near.span_status(SPAN).map(|status| status.alarms), Ok(Alarms::RED));
    world.run(ms(4_000));
    assert!(world.exchange.link_is_up(SPAN));
    world.run_out(ms(10_000));
    let caller = world.exchange.take_finished().remove(0);
    assert_eq!(caller.cause, Some(Cause::NORMAL));
    assert!(caller.began_at >= ms(3_000));
}

#[test]
fn a_call_that_finds_no_link_fails_after_its_wait() {
    let mut world = World::new(Faults { far_starts_at: Micros::from_s(100), ..Faults::default() }, vec![]);
    world.rings("never", "100", vec![answer()]);
    world.run_out(ms(40_000));
    let caller = world.exchange.take_finished().remove(0);
    assert_eq!((caller.cause, caller.by), (Some(Cause::NETWORK_OUT_OF_ORDER), Some(By::Link)));
    assert!((30_000..30_100).contains(&world.wire.now().as_ms()));
}

#[test]
fn a_removed_card_ends_its_calls_after_t309_at_the_other_end() {
    let mut world = World::new(planned(ms(5_000), Trouble::Remove(Side::Near)), vec![stay()]);
    world.rings("one", "100", vec![answer(), Step::Wait { ms: 200_000 }]);
    world.run(ms(6_000));
    assert!(world.wire.near().open(tipring_card::ChannelId(1)).is_err());
    world.run(Micros::from_s(120));
    let caller = world.exchange.take_finished().remove(0);
    assert_eq!((caller.cause, caller.by), (Some(Cause::OUT_OF_ORDER), Some(By::Link)));
}

#[test]
fn lost_and_hurt_frames_do_not_lose_calls() {
    let faults = Faults {
        frame_loss_ppm: 60_000,
        frame_corrupt_ppm: 30_000,
        frame_abort_ppm: 30_000,
        first_frame: FirstFrame::Lost,
        ..Faults::default()
    };
    let mut world = World::new(faults, vec![stay()]);
    for n in 0..40 {
        world.rings(&format!("{n}"), "100", vec![answer(), Step::Wait { ms: 1_000 }, Step::hangup()]);
        world.run(ms(1_500));
    }
    world.run_out(ms(60_000));
    let calls = world.exchange.take_finished();
    let good = calls.iter().filter(|call| call.connected_at.is_some() && call.cause == Some(Cause::NORMAL)).count();
    assert_eq!((good, calls.len()), (40, 40));
    let counters = world.wire.counters();
    assert!(counters.frames_lost * 20 > counters.frames, "the faults did not happen: {counters:?}");
    let mut near = world.wire.near();
    assert!(near.span_status(SPAN).is_ok_and(|status| status.errors > 0));
}

#[test]
fn bit_errors_slips_and_noise_are_heard() {
    let faults = Faults { octet_errors_ppm: 10_000, slip_every: Some(ms(500)), ..Faults::default() };
    let mut world = World::new(faults, vec![stay()]);
    world.rings("one", "100", vec![answer(), Step::AwaitHangup { limit_ms: 10_000 }]);
    world.run_out(ms(30_000));
    let caller = world.exchange.take_finished().remove(0);
    let heard = caller.phone.heard();
    let hurt = heard.iter().filter(|&&octet| octet != Law::A.silence()).count();
    assert!((500..1_200).contains(&hurt), "{hurt} of {}", heard.len());
    assert!((20..100).contains(&world.wire.counters().slips), "{:?}", world.wire.counters());

    let mut world =
        World::new(Faults { noise_dbm0: Some(-50), ..Faults::default() }, vec![Step::press("123456789"), stay()]);
    world.rings("one", "100", vec![answer(), Step::AwaitHangup { limit_ms: 4_000 }]);
    world.run_out(ms(30_000));
    let caller = world.exchange.take_finished().remove(0);
    assert_eq!(caller.phone.keys_heard(), "123456789");
    assert!(caller.phone.heard().iter().filter(|&&octet| octet != Law::A.silence()).count() > 8_000);
}

/// Everything of a run that a user could see.
fn transcript(seed: u64, step: Micros) -> String {
    let faults = Faults {
        frame_loss_ppm: 50_000,
        octet_errors_ppm: 500,
        slip_every: Some(ms(700)),
        noise_dbm0: Some(-55),
        ..Faults::default()
    };
    let mut world = World::with(
        WireConfig { spans: 2, seed, faults, ..WireConfig::default() },
        vec![Step::AwaitQuiet { ms: 500, limit_ms: 5_000 }, Step::press("42"), stay()],
    );
    world.step = step;
    for n in 0..5 {
        world.rings(
            &format!("{n}"),
            "100",
            vec![
                answer(),
                Step::Tone { hz: 440.0, ms: 500, level_dbm0: -12.0 },
                Step::Wait { ms: 2_000 },
                Step::hangup(),
            ],
        );
        world.run(ms(300));
    }
    world.run_out(ms(60_000));
    let mut text = world.story();
    for call in world.exchange.take_finished() {
        let sum = tipring_sim::fcs(call.phone.heard());
        text += &format!(
            "{} {:?} {:?} {:?} {sum:04x}\n",
            call.id,
            call.timeslot,
            call.released_at,
            call.phone.keys_heard()
        );
    }
    text
}

#[test]
fn equal_seeds_give_equal_worlds_and_others_differ() {
    let one = transcript(1, ms(10));
    assert!(one.lines().count() > 60, "{one}");
    assert_eq!(one, transcript(1, ms(10)));
    assert_ne!(one, transcript(2, ms(10)));
}

#[test]
fn planned_trouble_keeps_its_moment_whatever_the_step() {
    let ends = [1, 7, 10].map(|step| {
        let mut world = World::new(planned(ms(103), Trouble::SpanAlarm { span: SpanId(1), lasts: ms(54) }), vec![]);
        let mut near = world.wire.near();
        let mut down = Vec::new();
        world.step = ms(step);
        while world.wire.now() < ms(210) {
            world.wire.step(world.wire.now() + ms(step));
            if near.span_status(SPAN).is_ok_and(|status| status.alarms.is_down()) {
                down.push(world.wire.now().as_ms());
            }
        }
        (down.first().copied(), down.last().copied())
    });
    assert_eq!(ends, [(Some(103), Some(156)), (Some(105), Some(154)), (Some(110), Some(150))]);
}

#[test]
fn nothing_moves_on_an_idle_wire_and_its_deadline_says_so() {
    let mut world = World::new(planned(ms(50_000), Trouble::SpanAlarm { span: SPAN, lasts: ms(10) }), vec![stay()]);
    assert_eq!(world.wire.deadline(), Some(ms(50_000)));
    world.run(ms(1_000));
    // Only the deadlines are obeyed, and the call comes out the same.
    world.rings("one", "100", vec![answer(), Step::Wait { ms: 3_000 }, Step::hangup()]);
    let mut steps = 0;
    while world.wire.now() < ms(45_000) {
        let deadlines = [world.wire.deadline(), world.exchange.deadline(), world.pbx.deadline()];
        let next = deadlines.into_iter().flatten().min().unwrap_or(ms(45_000));
        world.wire.step(next.max(world.wire.now() + ms(1)));
        world.exchange.step(world.wire.now());
        world.pbx.step(world.wire.now());
        steps += 1;
    }
    let caller = world.exchange.take_finished().remove(0);
    assert_eq!(caller.cause, Some(Cause::NORMAL));
    assert_eq!(caller.released_at.map(|at| at.as_ms() / 100), Some(45));
    assert!(steps < 1_500, "{steps} steps for a call of 4 s and 40 s of nothing");
}
