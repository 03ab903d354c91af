//! Lines and offices that are worse than others: loss, echo, noise, tones of their own, and ends that are told late.

use tipring_analog::{CallerId, Heard};
use tipring_card::{Cause, Event};
use tipring_dsp::{Cadence, Match, ZoneId, best_match, g711::Companding, level::dbm0_at, level::dbm0_of};
use tipring_sim::{CallerIdForm, Clearing, Echo, LineFault, OfficeConfig, Reply, Step, WireConfig};

use crate::{
    joined::tone,
    pair::{NUMBERS, PairWorld},
    subscriber::{BUSY, LineWorld, answers, subscribers_of},
    support::{ms, pattern},
};

fn differing(fault: LineFault) -> OfficeConfig {
    OfficeConfig { lines_differ: vec![fault], ..OfficeConfig::default() }
}

#[test]
fn loss_weakens_what_comes_to_one_line_and_send_loss_what_it_sends() {
    let none = LineFault::default();
    // From line 1 to line 2 a tone of -10, from line 2 to line 1 one of -20.
    for (fault, there, back) in [
        (LineFault { line: 2, loss_db: 6.0, ..none }, -16.0, -20.0),
        (LineFault { line: 1, loss_db: 6.0, ..none }, -10.0, -26.0),
        (LineFault { line: 1, send_loss_db: 3.5, ..none }, -13.5, -20.0),
        (LineFault { line: 2, send_loss_db: 3.5, ..none }, -10.0, -23.5),
        (LineFault { line: 2, loss_db: -2.0, ..none }, -8.0, -20.0),
        (LineFault { line: 3, loss_db: 9.0, send_loss_db: 9.0, ..none }, -10.0, -20.0),
    ] {
        let mut world = PairWorld::connected(OfficeConfig::default());
        world.office.config_mut().lines_differ.push(fault);
        world.ends[0].says(&tone(1_000.0, -10.0));
        world.ends[1].says(&tone(700.0, -20.0));
        world.run(ms(800));
        let heard = [dbm0_at(world.ends[1].last(400), 1_000.0), dbm0_at(world.ends[0].last(400), 700.0)];
        assert!((heard[0] - there).abs() < 0.2 && (heard[1] - back).abs() < 0.2, "{fault:?}: {heard:?}");
    }
}

#[test]
fn tones_suffer_the_loss_too_and_digits_the_send_loss() {
    let fault = LineFault { line: 1, loss_db: 6.0, send_loss_db: 6.0, ..LineFault::default() };
    let mut world = LineWorld::new(OfficeConfig {
        subscribers: subscribers_of(vec![("17", Reply::Refuse(Cause::USER_BUSY))]),
        ..differing(fault)
    });
    world.seizes();
    world.run(ms(1_000));
    let dial = dbm0_of(world.last(400));
    assert!((dial + 16.0).abs() < 0.2, "{dial}");
    world.presses("17");
    world.run_until(2_000, "busy tone", |world| dbm0_at(world.last(100), BUSY[0]) > -22.0);
    world.run(ms(300));
    let busy = dbm0_of(world.last(300));
    assert!((busy + 16.0).abs() < 0.2, "{busy}");
    // So weak that the office hears no digit of it.
    world.hangs_up();
    world.events.clear();
    world.office.config_mut().lines_differ[0].send_loss_db = 60.0;
    world.seizes();
    world.run(ms(1_000));
    world.presses("17");
    world.run(ms(5_000));
    assert_eq!(world.office.calls().next().map(|call| call.to.as_str()), Some(""));
}

#[test]
fn caller_id_of_the_calling_line_is_understood_through_loss_and_noise() {
    for form in [CallerIdForm::Bell202, CallerIdForm::V23] {
        let zone = ZoneId::of(if form == CallerIdForm::V23 { "uk" } else { "us" }).expect("known");
        let fault = LineFault { line: 2, loss_db: 9.0, noise_dbm0: Some(-50.0), ..LineFault::default() };
        let mut world = PairWorld::new(OfficeConfig { caller_id: form, ..differing(fault) });
        world.ends[1].hears_caller_id(zone);
        world.rings();
        world.run(ms(2_700));
        let level = dbm0_of(world.ends[1].last(100));
        assert!((level + 15.0 + 9.0).abs() < 1.0, "it is weaker too: {level}");
        world.run(ms(3_000));
        let form = match form {
            CallerIdForm::V23 => tipring_analog::CallerIdForm::V23,
            _ => tipring_analog::CallerIdForm::Bell202,
        };
        let number = Some(NUMBERS[0].try_into().expect("it fits"));
        let expected = CallerId { number, form: Some(form), ..CallerId::default() };
        assert_eq!(world.ends[1].told, [Heard::CallerId(expected)]);
    }
}

#[test]
fn an_echo_comes_back_at_its_delay_and_loss_to_its_own_line_alone() {
    for (delay_ms, loss_db) in [(0, 10.0), (4, 14.0), (80, 20.0), (250, 6.0)] {
        let fault = LineFault { line: 1, echo: Some(Echo { loss_db, delay_ms }), ..LineFault::default() };
        let mut world = PairWorld::connected(differing(fault));
        let from = world.ends.iter().map(|end| end.heard.len()).collect::<Vec<_>>();
        let mut said = pattern(5, 4_000);
        said.iter_mut().for_each(|octet| *octet |= 0x20); // some 12 dB below the loudest
        world.ends[0].says(&said);
        world.run(ms(1_500));
        let mut samples = vec![0; said.len()];
        Companding::Mu.decode_into(&said, &mut samples);
        let heard = &world.ends[0].heard[from[0]..];
        let Match { lag, coefficient } = best_match(heard, &samples, 4_000);
        // Two blocks of silence go before what is said, and one that is read before the first of it is written.
        let wanted = 2 * 80 + usize::from(delay_ms) * 8;
        assert!(coefficient > 0.98, "{delay_ms} ms: {coefficient}");
        assert_eq!(lag, wanted, "{delay_ms} ms");
        let level = dbm0_of(&heard[lag..lag + said.len()]) - dbm0_of(&samples);
        assert!((level + loss_db).abs() < 0.3, "{level} {loss_db}");
        assert!(world.ends[2].is_quiet());
        let place = world.ends[1].octets[from[1]..].windows(said.len()).position(|heard| heard == said);
        assert!(place.is_some(), "the other line hears it unchanged");
    }
}

#[test]
fn noise_is_steady_on_one_line_equal_for_equal_seeds_and_not_heard_on_the_other() {
    let fault = LineFault { line: 2, noise_dbm0: Some(-45.0), ..LineFault::default() };
    let noise = |seed| {
        let wire = WireConfig { spans: 0, analog_ports: 3, seed, ..WireConfig::default() };
        let mut world = PairWorld::on(wire, differing(fault));
        world.rings();
        world.answers();
        world.run(ms(2_000));
        for part in world.ends[1].last(2_000).chunks(4_000) {
            assert!((dbm0_of(part) + 45.0).abs() < 0.5, "{}", dbm0_of(part));
        }
        let tones = [300.0, 1_000.0, 1_700.0, 2_400.0, 3_300.0].map(|hz| dbm0_at(world.ends[1].last(2_000), hz));
        assert!(tones.iter().all(|level| *level < -65.0), "it is white: {tones:?}");
        assert!(world.ends[0].is_quiet());
        world.ends[1].octets.clone()
    };
    assert_eq!(noise(1), noise(1));
    assert_ne!(noise(1), noise(2));
}

#[test]
fn each_line_has_noise_of_its_own_and_none_while_it_carries_nothing() {
    let fault = |line| LineFault { line, noise_dbm0: Some(-45.0), ..LineFault::default() };
    let lines_differ = vec![fault(1), fault(2)];
    let mut world = PairWorld::new(OfficeConfig { lines_differ, ..OfficeConfig::default() });
    world.run(ms(1_000));
    let heard = world.ends.iter().map(|end| dbm0_of(end.last(500))).collect::<Vec<_>>();
    assert!((heard[0] + 45.0).abs() < 0.5 && (heard[1] + 45.0).abs() < 0.5 && heard[2] < -60.0, "{heard:?}");
    let common = best_match(world.ends[0].last(600), world.ends[1].last(500), 800);
    assert!(common.coefficient < 0.2, "{common:?}");
    world.rings();
    world.run(ms(1_000));
    assert!(world.ends[1].is_quiet(), "the ringer sounds on the line");
    world.run(ms(1_500));
    assert!(!world.ends[1].is_quiet(), "and now it pauses");
    world.answers();
    world.hangs_up(0);
    world.run(ms(200));
    assert!(world.ends[1].saw(Event::OnHook) && world.ends[1].is_quiet(), "there is no battery");
}

#[test]
fn a_line_that_is_made_good_again_carries_every_octet() {
    let fault = LineFault { line: 1, loss_db: 1.0, ..LineFault::default() };
    let mut world = PairWorld::connected(differing(fault));
    world.office.config_mut().lines_differ.clear();
    let said = pattern(6, 4_000);
    world.ends[1].says(&said);
    world.run(ms(1_500));
    assert!(world.ends[0].octets.windows(said.len()).any(|heard| heard == said));
}

const OWN_BUSY: Cadence = Cadence { hz: [400, 0], modulated: false, on_off_ms: &[300, 200] };
const OWN_DIAL: Cadence = Cadence { hz: [600, 0], modulated: false, on_off_ms: &[100, 100] };
const OWN_RINGBACK: Cadence = Cadence { hz: [800, 900], modulated: false, on_off_ms: &[400, 600] };

#[test]
fn an_office_may_have_tones_of_its_own_wherever_they_are_played() {
    let config = OfficeConfig {
        busy_tone: Some(OWN_BUSY),
        dial_tone_form: Some(OWN_DIAL),
        ringback_tone: Some(OWN_RINGBACK),
        clearing: Clearing::BusyTone,
        subscribers: subscribers_of(vec![
            ("17", Reply::Refuse(Cause::USER_BUSY)),
            ("34", Reply::Refuse(Cause(34))),
            ("77", answers(3_000, vec![Step::Wait { ms: 500 }])),
        ]),
        ..OfficeConfig::default()
    };
    for (number, tones) in [
        ("17", vec![(400.0, [300, 200])]),
        ("34", vec![(480.0, [250, 250])]),
        ("77", vec![(800.0, [400, 600]), (400.0, [300, 200])]),
    ] {
        let mut world = LineWorld::new(config.clone());
        world.seizes();
        world.run(ms(1_000));
        assert!(world.rhythm(700).windows(2).all(|pair| pair == [100, 100]), "{:?}", world.rhythm(700));
        world.presses(number);
        for (hz, rhythm) in tones {
            world.run_until(5_000, "the tone", |world| dbm0_at(world.last(100), hz) > -14.0);
            world.run(ms(2_100));
            let heard = world.rhythm(2_000);
            assert!(heard.windows(2).any(|pair| pair == rhythm), "{number}: {heard:?}");
        }
    }
}

#[test]
fn a_country_without_congestion_tone_has_the_offices_busy_tone_for_it() {
    let zone = ZoneId::all().find(|zone| zone.tones().congestion.is_empty()).expect("there is one");
    let subscribers = subscribers_of(vec![("34", Reply::Refuse(Cause(34)))]);
    let busy_tone = Some(OWN_BUSY);
    let mut world = LineWorld::new(OfficeConfig { zone, busy_tone, subscribers, ..OfficeConfig::default() });
    world.seizes();
    world.run(ms(1_000));
    world.presses("34");
    world.run(ms(3_000));
    assert!(world.rhythm(1_900).windows(2).any(|pair| pair == [300, 200]), "{:?}", world.rhythm(1_900));
}

#[test]
fn a_busy_line_is_told_by_the_offices_own_busy_tone() {
    let mut world = PairWorld::new(OfficeConfig { busy_tone: Some(OWN_BUSY), ..OfficeConfig::default() });
    world.dials(0, NUMBERS[0]);
    world.run(ms(3_000));
    assert!(world.ends[0].rhythm(1_900).windows(2).any(|pair| pair == [300, 200]));
}

#[test]
fn an_end_that_is_told_late_is_silence_until_then() {
    for clearing in [Clearing::BatteryDropThenBusyTone, Clearing::ReversalThenBusyTone, Clearing::BusyTone] {
        let mut world =
            PairWorld::connected(OfficeConfig { clearing, clearing_after: ms(5_000), ..OfficeConfig::default() });
        world.hangs_up(0);
        let ended = world.office.call("in-1").and_then(|call| call.released_at).expect("seen").as_ms();
        world.run(ms(4_900 - (world.now() - ended)));
        assert_eq!(world.ends[1].events, [], "{clearing:?}");
        assert!(dbm0_of(world.ends[1].last(4_000)) < -55.0, "{clearing:?}");
        let report = world.office.call("in-1-rung").expect("it goes on");
        assert_eq!((report.cause, report.released_at), (Some(Cause::NORMAL), None));
        let sign = |world: &PairWorld| match clearing {
            Clearing::BusyTone => world.ends[1].sounds(BUSY),
            Clearing::ReversalThenBusyTone => world.ends[1].saw(Event::Polarity),
            _ => world.ends[1].saw(Event::OnHook),
        };
        let told = world.run_until(400, "sign", sign) - ended;
        assert!((5_000..5_200).contains(&told), "{clearing:?}: {told}");
        world.run_until(1_500, "busy tone", |world| world.ends[1].sounds(BUSY));
        world.hangs_up(1);
        assert!(world.office.is_idle());
    }
}

#[test]
fn who_hangs_up_before_he_is_told_is_told_nothing() {
    let mut world = PairWorld::connected(OfficeConfig { clearing_after: ms(5_000), ..OfficeConfig::default() });
    world.hangs_up(1);
    world.hangs_up(0);
    assert!(world.office.is_idle());
    world.run(ms(6_000));
    assert_eq!(world.ends[0].events, []);
    assert!(world.ends[0].is_quiet());
}
