//! Cut and return: within a second everything is as it is wanted again.

use tipring_controller::host::{Down, Event};
use tipring_controller::words::Reset;

use crate::line::{Faults, Pair, config};

/// Everything that is wanted is so within this.
const A_SECOND_MS: u64 = 1000;

fn up(seed: u64) -> Pair {
    let mut pair = Pair::new(2000, seed);
    pair.wants();
    pair.until(A_SECOND_MS, "begun", Pair::is_as_wanted);
    pair
}

#[test]
fn a_box_that_starts_has_everything_as_it_is_wanted_within_a_second() {
    let mut pair = up(1);
    pair.pass(50);
    let told = pair.told();
    assert!(matches!(told[0], Event::Up { version: 1, reset: Reset::PowerOn, .. }), "{told:?}");
    assert!(told.iter().any(|event| matches!(event, Event::Restored { after_ms: 0..1000 })), "{told:?}");
}

#[test]
fn a_line_that_was_cut_and_returns_has_it_within_a_second() {
    for both in [(true, true), (true, false), (false, true)] {
        for cut_ms in [1, 30, 90, 250, 700, 999, 1000, 1001, 1500, 1990, 2010, 3333, 8000, 30_000] {
            let mut pair = up(cut_ms);
            pair.pass(cut_ms % 97);
            (pair.to_chip.faults.cut, pair.to_host.faults.cut) = both;
            pair.pass(cut_ms);
            (pair.to_chip.faults.cut, pair.to_host.faults.cut) = (false, false);
            let seen = pair.until(A_SECOND_MS, "restored", Pair::is_as_wanted);
            // And it stays so.
            pair.pass(3000 - seen);
            assert!(pair.is_as_wanted(), "cut {cut_ms} {both:?}");
            assert_eq!(pair.host.link(), "up");
        }
    }
}

#[test]
fn what_is_wanted_anew_during_a_cut_is_there_after_it() {
    let mut pair = up(3);
    pair.to_chip.faults.cut = true;
    pair.pass(1700);
    pair.tell(tipring_controller::host::Input::Relay { relay: 0, energised: false });
    pair.tell(tipring_controller::host::Input::Relay { relay: 3, energised: true });
    pair.to_chip.faults.cut = false;
    pair.until(A_SECOND_MS, "restored", |pair| pair.chip.relays() == 0b1100);
}

#[test]
fn a_chip_that_begins_anew_has_it_within_a_second_and_it_is_told_why() {
    for at_ms in 0..120 {
        let mut pair = up(at_ms);
        pair.pass(at_ms * 7);
        pair.told();
        pair.reset(Reset::Brownout);
        assert_eq!(pair.chip.relays(), 0, "released by itself");
        pair.until(A_SECOND_MS, "restored", Pair::is_as_wanted);
        let told = pair.told();
        let anew = |event: &Event| matches!(event, Event::Down(Down::Restarted(Reset::Brownout) | Down::Forgotten));
        assert!(told.iter().any(anew), "{told:?}");
        assert!(told.iter().any(|event| matches!(event, Event::Up { reset: Reset::Brownout, .. })), "{told:?}");
    }
}

#[test]
fn a_port_that_is_closed_and_opened_has_it_within_a_second() {
    let mut pair = up(4);
    pair.tell(tipring_controller::host::Input::Closed);
    pair.pass(5000);
    assert_eq!((pair.chip.relays(), pair.host.link()), (0, "closed"), "no food came");
    pair.tell(tipring_controller::host::Input::Opened);
    pair.until(A_SECOND_MS, "restored", Pair::is_as_wanted);
}

#[test]
fn a_short_cut_within_a_session_moves_no_relay() {
    let mut pair = up(5);
    for _ in 0..20 {
        pair.to_host.faults.cut = true;
        pair.pass(1400);
        pair.to_host.faults.cut = false;
        pair.pass(200);
        assert_eq!(pair.chip.relays(), 0b101, "a new session of the same service keeps relays");
    }
    assert!(!pair.chip.status().tripped);
}

#[test]
fn another_service_finds_all_relays_released_and_all_lamps_dark() {
    let mut pair = up(6);
    pair.restart(tipring_controller::host::Config { service: 7, first_session: 9, ..config(2000) });
    pair.until(200, "greeted", |pair| pair.host.link() == "up");
    pair.pass(5);
    assert_eq!(pair.chip.relays(), 0);
    pair.until(A_SECOND_MS, "fed", |pair| pair.chip.status().fed);
    assert!((0..24).all(|led| pair.chip.look(led) == tipring_controller::leds::Look::DARK));
    pair.wants();
    pair.until(A_SECOND_MS, "begun", Pair::is_as_wanted);
}

#[test]
fn slow_and_late_lines_get_there_too() {
    for (slow_us, delay_us, limit_ms) in [(0, 16_000, 1000), (400, 0, 1000), (0, 50_000, 2500), (1000, 80_000, 5000)] {
        let mut pair = Pair::new(10_000, 8);
        let faults = Faults { slow_us, delay_us, ..Faults::default() };
        (pair.to_chip.faults, pair.to_host.faults) = (faults, faults);
        pair.wants();
        pair.until(limit_ms, "begun", Pair::is_as_wanted);
        pair.pass(20_000);
        assert!(pair.is_as_wanted());
        assert_eq!(pair.host.counters().losses, 0, "{slow_us} {delay_us}");
    }
}
