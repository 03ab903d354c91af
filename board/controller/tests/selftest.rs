//! The monthly test of the relays.

use tipring_controller::host::{Config, Event, Input, Policy};
use tipring_controller::words::{Board, Outcome, Reset};

use crate::line::{BOARD, Pair, config, day};

fn monthly(board: Board, seed: u64) -> Pair {
    let config = Config { self_test: Policy::Monthly, last_test: Some(day(2026, 3, 30)), ..config(2000) };
    let mut pair = Pair::of(config, board, seed);
    pair.wants();
    pair.until(1000, "begun", Pair::is_as_wanted);
    pair
}

fn outcomes(pair: &Pair) -> Vec<Option<Outcome>> {
    let reports = pair.reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    reports[0].outcomes[..4].to_vec()
}

#[test]
fn relays_are_tested_once_a_month_and_are_then_as_they_were() {
    let mut pair = monthly(BOARD, 1);
    pair.tell(Input::Today(day(2026, 3, 31)));
    pair.pass(3000);
    assert_eq!(pair.reports(), []);
    for (month, date) in [(4, 1), (4, 2), (4, 30), (5, 1)] {
        pair.tell(Input::Today(day(2026, month, date)));
        pair.pass(3000);
        assert!(pair.is_as_wanted());
    }
    let reports = pair.reports();
    let days: Vec<_> = reports.iter().map(|report| report.day).collect();
    assert_eq!(days, [Some(day(2026, 4, 1)), Some(day(2026, 5, 1))]);
    assert!(reports.iter().all(|report| report.passed()));
    assert_eq!(
        reports[0].outcomes[..5],
        [Some(Outcome::Passed), Some(Outcome::Passed), Some(Outcome::Passed), Some(Outcome::Passed), None]
    );
}

#[test]
fn every_relay_is_let_go_and_energised_in_its_test() {
    let mut pair = monthly(BOARD, 2);
    pair.tell(Input::Today(day(2026, 4, 1)));
    let (mut let_go, mut energised) = (0, 0);
    for _ in 0..3000 {
        pair.step();
        let_go |= !pair.chip.relays() & 0x0f;
        energised |= pair.chip.relays();
    }
    assert_eq!((let_go, energised, pair.reports().len()), (0x0f, 0x0f, 1));
}

#[test]
fn relays_that_stick_are_named_with_how() {
    let mut pair = monthly(Board { sensed: 0b0111, ..BOARD }, 3);
    (pair.welded, pair.dead) = (0b0001, 0b0010);
    pair.tell(Input::Today(day(2026, 4, 1)));
    pair.pass(3000);
    let expected = [Outcome::StuckEnergised, Outcome::StuckReleased, Outcome::Passed, Outcome::NoContact].map(Some);
    assert_eq!(outcomes(&pair), expected);
    assert!(!pair.reports()[0].passed());
}

#[test]
fn a_test_waits_for_the_end_of_calls_and_says_so_once() {
    let mut pair = monthly(BOARD, 4);
    pair.told();
    pair.tell(Input::Calls(1));
    pair.tell(Input::Today(day(2026, 4, 1)));
    for _ in 0..20_000 {
        pair.step();
        assert_eq!(pair.chip.relays(), 0b101, "somebody is on the phone");
    }
    let told = pair.told();
    assert_eq!(told.iter().filter(|event| **event == Event::SelfTestWaits).count(), 1, "{told:?}");
    pair.tell(Input::Calls(0));
    pair.pass(3000);
    assert!(pair.reports()[0].passed());
}

#[test]
fn a_call_in_the_middle_has_the_rest_wait() {
    let mut pair = monthly(BOARD, 5);
    pair.tell(Input::Today(day(2026, 4, 1)));
    pair.until(500, "under way", |pair| pair.chip.status().testing);
    pair.tell(Input::Calls(2));
    pair.pass(200);
    for _ in 0..5000 {
        pair.step();
        assert_eq!(pair.chip.relays(), 0b101);
    }
    assert_eq!(pair.reports(), []);
    pair.tell(Input::Calls(0));
    pair.pass(3000);
    assert!(pair.reports()[0].passed());
}

#[test]
fn a_test_that_is_broken_off_by_a_trip_a_reset_or_a_cut_is_done_again() {
    for fault in 0..3 {
        let mut pair = monthly(BOARD, 6);
        pair.tell(Input::Today(day(2026, 4, 1)));
        pair.until(500, "under way", |pair| pair.chip.status().testing);
        match fault {
            0 => pair.beat_every_ms = 0,
            1 => pair.reset(Reset::Watchdog),
            _ => (pair.to_chip.faults.cut, pair.to_host.faults.cut) = (true, true),
        }
        pair.pass(2500);
        pair.beat_every_ms = 10;
        (pair.to_chip.faults.cut, pair.to_host.faults.cut) = (false, false);
        pair.pass(6000);
        assert!(pair.reports()[0].passed(), "{:?}", pair.reports());
        assert!(pair.is_as_wanted());
    }
}

#[test]
fn without_a_policy_relays_are_tested_only_when_somebody_asks() {
    let mut pair = Pair::new(2000, 7);
    pair.wants();
    pair.tell(Input::Today(day(2026, 4, 1)));
    pair.pass(3000);
    assert_eq!(pair.reports(), []);
    pair.tell(Input::TestNow);
    pair.pass(3000);
    assert!(pair.reports()[0].passed());
}

#[test]
fn a_clock_that_jumps_back_and_forth_makes_no_more_than_a_test_a_jump() {
    let mut pair = monthly(BOARD, 8);
    for year in [1970, 2026, 1970, 2026] {
        pair.tell(Input::Today(day(year, 4, 1)));
        pair.pass(10_000);
    }
    assert_eq!(pair.reports().len(), 4);
}
