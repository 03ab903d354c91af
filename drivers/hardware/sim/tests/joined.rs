//! Calls from one line of the office to another: rung, refused, answered, heard at both ends and ended by either.

use tipring_analog::{CallerId, Heard};
use tipring_card::{BLOCK, Cause, ChannelId, Event, Hook, Law};
use tipring_dsp::{
    Tone, ZoneId,
    g711::Companding,
    level::{dbm0_at, dbm0_of},
};
use tipring_isdn::By;
use tipring_sim::{CallerIdForm, Clearing, Dialled, OfficeConfig, Reply};

use crate::{
    pair::{NUMBERS, PairWorld},
    subscriber::{BUSY, DIAL, RINGBACK, subscribers_of},
    support::{ms, pattern},
};

/// A second of a tone, in the law of the lines.
pub fn tone(hz: f32, level_dbm0: f32) -> Vec<u8> {
    let (mut samples, mut octets) = (vec![0; 8_000], vec![0; 8_000]);
    Tone::new(hz, level_dbm0).fill(&mut samples);
    Companding::Mu.encode_into(&samples, &mut octets);
    octets
}

#[test]
fn a_lines_number_rings_the_box_on_that_line_and_both_make_a_report() {
    let mut world = PairWorld::new(OfficeConfig::default());
    world.rings();
    world.run(ms(30_000));
    assert!(world.ends[0].rhythm(13_000).windows(2).any(|pair| pair == [2_000, 4_000]), "ringback has no end");
    let rings: Vec<_> = world.ends[1].events.iter().filter(|e| e.1 == Event::RingBegin).map(|e| e.0).collect();
    assert!(rings.len() > 4 && rings.windows(2).all(|pair| pair[1] - pair[0] == 6_000), "{rings:?}");
    world.answers();
    assert!(world.ends.iter().all(|end| end.is_quiet()));
    assert_eq!(world.ends[2].events, [], "nothing happens on any other line");
    world.hangs_up(0);
    world.hangs_up(1);
    assert!(world.office.is_idle(), "{}", world.story());
    let [caller, called] = world.reports();
    assert_eq!((caller.dialled, caller.line), (Dialled::There, Some(ChannelId(1))));
    assert_eq!((called.dialled, called.line), (Dialled::Here, Some(ChannelId(2))));
    for report in [caller, called] {
        assert_eq!((report.from.as_deref(), report.to.as_str()), (Some(NUMBERS[0]), NUMBERS[1]));
        let order = [Some(report.began_at), report.alerting_at, report.connected_at, report.released_at];
        assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
        assert_eq!((report.cause, report.blocks_lost), (Some(Cause::NORMAL), 0));
    }
    assert_eq!((caller.by, called.by), (Some(By::Remote), Some(By::Local)));
    assert_eq!(caller.connected_at, called.connected_at);
}

#[test]
fn the_number_of_the_calling_line_is_shown_on_the_called_one() {
    for (numbers, form, shown) in [
        (vec![(NUMBERS[1], 2), (NUMBERS[0], 1), ("99", 1)], CallerIdForm::Bell202, Some(NUMBERS[0])),
        (vec![(NUMBERS[1], 2), (NUMBERS[0], 1)], CallerIdForm::V23, Some(NUMBERS[0])),
        (vec![(NUMBERS[1], 2)], CallerIdForm::Bell202, None),
    ] {
        let line_numbers = numbers.into_iter().map(|(number, line)| (number.to_string(), line)).collect();
        let mut world = PairWorld::new(OfficeConfig { line_numbers, caller_id: form, ..OfficeConfig::default() });
        world.ends[1].hears_caller_id(ZoneId::of(if form == CallerIdForm::V23 { "uk" } else { "us" }).expect("known"));
        world.rings();
        world.run(ms(5_500));
        let form = match form {
            CallerIdForm::V23 => tipring_analog::CallerIdForm::V23,
            _ => tipring_analog::CallerIdForm::Bell202,
        };
        let expected = CallerId {
            number: shown.map(|number| number.try_into().expect("it fits")),
            unavailable: shown.is_none(),
            form: Some(form),
            ..CallerId::default()
        };
        assert_eq!(world.ends[1].told, [Heard::CallerId(expected)]);
    }
}

#[test]
fn a_line_in_use_the_own_number_and_a_line_that_is_not_there_are_refused() {
    let line_numbers = vec![(NUMBERS[0].to_string(), 1), (NUMBERS[1].to_string(), 2), ("77".to_string(), 9)];
    let subscribers = subscribers_of(vec![(NUMBERS[0], Reply::RingForever)]);
    let config = OfficeConfig { line_numbers, subscribers, ..OfficeConfig::default() };
    for (number, heard, cause) in
        [(NUMBERS[0], BUSY, Cause::USER_BUSY), (NUMBERS[1], BUSY, Cause::USER_BUSY), ("77", &[1_800.0], Cause(1))]
    {
        let mut world = PairWorld::new(config.clone());
        world.ends[1].line.hook(Hook::Start).expect("on hook");
        world.dials(0, number);
        world.run_until(4_000, "the tone", |world| world.ends[0].sounds(heard));
        assert_eq!(world.ends[1].count(Event::RingBegin), 0);
        world.hangs_up(0);
        let reports = world.office.take_finished();
        assert_eq!(reports.len(), 1, "{number}: nobody was called");
        let report = &reports[0];
        assert_eq!((report.to.as_str(), report.cause, report.by), (number, Some(cause), Some(By::Local)));
        assert_eq!((report.line, report.alerting_at), (Some(ChannelId(1)), None), "{number}");
    }
}

#[test]
fn both_ends_of_a_joined_call_hear_every_octet_at_the_same_small_delay_whatever_the_step() {
    for step in [1, 7, 10, 20] {
        // The lines begin their blocks at different moments of their own.
        let mut world = PairWorld::stepping(OfficeConfig { switching: ms(403), ..OfficeConfig::default() }, ms(step));
        world.rings();
        world.answers();
        while step == 1 && !world.now().is_multiple_of(10) {
            world.run(ms(1)); // until the box has read whole blocks
        }
        let said = [pattern(3, 16_000), pattern(4, 16_000)];
        let from = world.ends.iter().map(|end| end.octets.len()).collect::<Vec<_>>();
        world.ends[0].says(&said[0]);
        world.ends[1].says(&said[1]);
        world.run(ms(4_000));
        let places = [0, 1].map(|end| {
            let (heard, said) = (&world.ends[end].octets[from[end]..], &said[1 - end]);
            let place = heard.windows(said.len()).position(|heard| heard == said);
            place.unwrap_or_else(|| panic!("{step} ms: not every octet of the other end came to line {}", end + 1))
        });
        // Two blocks ahead at the box, and two of the office.
        match step {
            1 | 10 => assert_eq!(places, [4 * BLOCK; 2], "{step} ms"),
            _ => assert!(places.iter().all(|place| place.abs_diff(4 * BLOCK) < 2 * BLOCK), "{step} ms: {places:?}"),
        }
        let lost = world.reports().map(|report| report.blocks_lost);
        assert_eq!(lost, [0, 0], "{step} ms");
        let heard = world.reports().map(|report| report.phone.heard().windows(800).any(|part| part == &said[0][..800]));
        assert_eq!(heard, [true, false], "each report has what its own line said");
    }
}

#[test]
fn what_one_line_says_has_the_same_level_at_the_other() {
    let mut world = PairWorld::connected(OfficeConfig::default());
    world.ends[0].says(&tone(1_000.0, -10.0));
    world.run(ms(800));
    let level = dbm0_at(world.ends[1].last(400), 1_000.0);
    assert!((level + 10.0).abs() < 0.2, "{level}");
    assert!(world.ends[0].is_quiet(), "nobody hears himself");
}

#[test]
fn a_hang_up_at_either_end_is_told_to_the_other_in_every_way_of_clearing() {
    for (clearing, drops, reverses, tone_after) in [
        (Clearing::BatteryDrop, true, false, Some(DIAL)),
        (Clearing::BatteryDropThenBusyTone, true, false, Some(BUSY)),
        (Clearing::BusyTone, false, false, Some(BUSY)),
        (Clearing::Reversal, false, true, None),
        (Clearing::ReversalThenBusyTone, false, true, Some(BUSY)),
        (Clearing::DialTone, false, false, Some(DIAL)),
        (Clearing::Nothing, false, false, None),
    ] {
        for first in [0, 1] {
            let mut world =
                PairWorld::connected(OfficeConfig { clearing, reversal_on_answer: true, ..OfficeConfig::default() });
            world.ends[first].says(&tone(1_000.0, -10.0));
            let other = 1 - first;
            world.hangs_up(first);
            world.run(ms(200));
            let what = format!("{clearing:?}, line {} first", first + 1);
            let seen = (world.ends[other].saw(Event::OnHook), world.ends[other].saw(Event::Polarity));
            assert_eq!(seen, (drops, reverses), "{what}");
            world.run(ms(3_000));
            let heard = world.ends[other].last(2_000);
            let loudest = |hz: &f32| heard.chunks(800).map(|part| dbm0_at(part, *hz)).fold(-96.0, f32::max);
            assert!(tone_after.unwrap_or_default().iter().all(|hz| loudest(hz) > -14.0), "{what}");
            assert_eq!(tone_after.is_none(), dbm0_of(heard) < -55.0, "{what}");
            let rhythm = world.ends[other].rhythm(1_900);
            assert_eq!(rhythm.contains(&500), tone_after == Some(BUSY), "{what}: {rhythm:?}");
            world.run(ms(20_000));
            let busy = world.office.busy_lines();
            assert_eq!(busy, [ChannelId(other as u16 + 1)], "{what}: the box has that line still");
            world.hangs_up(other);
            assert!(world.office.is_idle(), "{what}");
            let by = world.reports().map(|report| report.by);
            let mut expected = [Some(By::Local); 2];
            expected[first] = Some(By::Remote);
            assert_eq!(by, expected, "{what}");
        }
    }
}

#[test]
fn the_answer_reverses_the_callers_line_alone() {
    for reversal_on_answer in [false, true] {
        let mut world = PairWorld::new(OfficeConfig { reversal_on_answer, ..OfficeConfig::default() });
        world.rings();
        assert_eq!(world.ends[0].count(Event::Polarity), 0);
        world.ends[1].line.hook(Hook::OffHook).expect("it can be lifted");
        world.run(ms(1_000));
        assert_eq!(world.ends[0].count(Event::Polarity), usize::from(reversal_on_answer));
        assert_eq!(world.ends[1].count(Event::Polarity), 0);
    }
}

#[test]
fn a_caller_who_hangs_up_stops_the_ring_and_the_line_is_free_again() {
    let mut world = PairWorld::new(OfficeConfig::default());
    world.rings();
    world.run(ms(500));
    world.hangs_up(0);
    let rings = world.ends[1].count(Event::RingBegin);
    world.run(ms(15_000));
    assert_eq!((world.ends[1].count(Event::RingBegin), rings), (1, 1));
    assert!(world.office.is_idle(), "{}", world.story());
    let [caller, called] = world.reports();
    assert_eq!((caller.connected_at, called.connected_at), (None, None));
    assert_eq!((called.cause, called.by), (Some(Cause::NORMAL), Some(By::Local)));
    // The same lines once more, the other way round.
    world.ends.iter_mut().for_each(|end| end.events.clear());
    world.dials(1, NUMBERS[0]);
    world.run_until(2_000, "ringback", |world| world.ends[1].sounds(RINGBACK));
    assert!(world.ends[0].saw(Event::RingBegin));
}

#[test]
fn who_seizes_the_called_line_before_its_ring_has_the_caller_on_it() {
    let mut world = PairWorld::new(OfficeConfig { ring_delay: ms(2_000), ..OfficeConfig::default() });
    world.dials(0, NUMBERS[1]);
    world.run_until(2_000, "ringback", |world| world.ends[0].sounds(RINGBACK));
    world.ends[1].line.hook(Hook::Start).expect("on hook");
    world.run_until(500, "answer", |world| world.office.calls().filter(|c| c.connected_at.is_some()).count() == 2);
    assert_eq!(world.ends[1].count(Event::RingBegin), 0);
}

#[test]
fn a_joined_call_that_the_exchange_ends_is_over_at_both_ends() {
    let mut world = PairWorld::connected(OfficeConfig { clearing: Clearing::BusyTone, ..OfficeConfig::default() });
    world.office.hang_up(world.wire.now(), "in-1-rung", Cause(41));
    world.run(ms(2_000));
    assert!(world.ends[..2].iter().all(|end| end.rhythm(1_900).contains(&500)), "{}", world.story());
    world.hangs_up(0);
    world.hangs_up(1);
    assert_eq!(world.reports().map(|report| (report.cause, report.by)), [(Some(Cause(41)), Some(By::Local)); 2]);
}

#[test]
fn a_lost_card_ends_a_joined_call_at_both_ends() {
    let mut world = PairWorld::connected(OfficeConfig::default());
    world.wire.remove(tipring_sim::Side::Far);
    world.office.step(world.wire.now() + ms(10));
    assert!(world.office.is_idle());
    assert_eq!(world.reports().map(|report| report.by), [Some(By::Link); 2]);
    let silence = [Law::Mu.silence(); BLOCK];
    assert!(world.ends[0].octets.ends_with(&silence));
}
