//! Every timer of a call, run out: what is said, when, how often, and with which cause the call ends.

use tipring_card::Cause;
use tipring_isdn::q931::ie::{Ie, Progress};
use tipring_isdn::q931::message::{Kind, Message};
use tipring_isdn::{By, ChannelState, Command, Config, Event, Role};

use crate::support::*;

#[test]
fn t303_repeats_the_setup_once_and_ends_with_102() {
    for role in [Role::User, Role::Network] {
        let mut solo = Solo::up(Config::e1(role));
        let (call, _) = solo.trunk_calls();
        solo.run_ms(3_900);
        assert!(solo.hear().is_empty());
        solo.run_ms(200);
        solo.hears(Kind::Setup);
        solo.run_ms(3_900);
        assert_eq!(cause_of(&solo.hears(Kind::ReleaseComplete)), 102);
        assert_eq!(solo.take(), [released(call, 102, By::Timer)]);
        assert_eq!(solo.trunk.channel_state(7), ChannelState::Idle);
    }
}

#[test]
fn t304_ends_a_number_that_is_not_continued() {
    for (role, seconds) in [(Role::User, 30), (Role::Network, 20)] {
        let mut solo = Solo::up(Config::e1(role));
        let (call, reference) = solo.trunk_calls();
        solo.say(&plain(reference, Kind::SetupAck));
        solo.run_ms(seconds * 1000 - 100);
        solo.command(Command::Information(call, digits("5")));
        solo.hears(Kind::Information);
        solo.run_ms(seconds * 1000 - 100);
        assert!(solo.hear().is_empty());
        solo.run_ms(200);
        assert_eq!(cause_of(&solo.hears(Kind::Disconnect)), 102);
    }
}

#[test]
fn t305_turns_a_disconnect_into_a_release_and_t308_gives_up_the_channel() {
    let mut config = Config::e1(Role::User);
    config.heal = false;
    let mut solo = Solo::up(config);
    let (call, reference) = solo.script_calls();
    solo.command(Command::Connect(call));
    solo.say(&plain(reference, Kind::ConnectAck));
    solo.hear();
    solo.take();
    solo.command(Command::Disconnect(call, Cause::NORMAL));
    assert_eq!(cause_of(&solo.hears(Kind::Disconnect)), 16);
    solo.run_ms(29_900);
    assert!(solo.hear().is_empty());
    solo.run_ms(200);
    assert_eq!(cause_of(&solo.hears(Kind::Release)), 16);
    solo.run_ms(4_000);
    assert_eq!(cause_of(&solo.hears(Kind::Release)), 16);
    assert!(solo.take().is_empty());
    solo.run_ms(4_000);
    assert!(solo.hear().is_empty());
    assert_eq!(solo.take(), [released(call, 16, By::Local)]);
    assert_eq!(solo.trunk.channel_state(9), ChannelState::Maintenance);
    assert_eq!(solo.trunk.counters().calls.channels_to_maintenance, 1);
}

#[test]
fn a_channel_in_maintenance_heals_by_a_restart() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, _) = solo.script_calls();
    solo.command(Command::Release(call, Cause::NORMAL)); // offered: RELEASE COMPLETE, nothing to wait for
    solo.hears(Kind::ReleaseComplete);
    let (call, _) = solo.script_calls();
    solo.command(Command::Proceeding(call));
    solo.command(Command::Release(call, Cause::NORMAL));
    solo.hear();
    solo.run_ms(8_100);
    let heard = solo.hear();
    assert!(matches!(heard[..], [Message { kind: Kind::Release, .. }, Message { kind: Kind::Restart, .. }]));
    assert_eq!(solo.trunk.channel_state(9), ChannelState::Maintenance);
    solo.take();
    let restart = &heard[1];
    let mut answer = restart.clone();
    answer.kind = Kind::RestartAck;
    answer.reference.to_origin = true;
    solo.say(&answer);
    assert_eq!(solo.take(), [Event::ChannelRestarted { timeslot: 9 }]);
    assert_eq!(solo.trunk.channel_state(9), ChannelState::Idle);
}

#[test]
fn t310_ends_a_call_that_gets_no_further() {
    for (role, seconds) in [(Role::User, 60), (Role::Network, 10)] {
        let mut solo = Solo::up(Config::e1(role));
        let (call, reference) = solo.trunk_calls();
        solo.say(&plain(reference, Kind::CallProceeding));
        solo.take();
        solo.run_ms(seconds * 1000 + 100);
        assert_eq!(cause_of(&solo.hears(Kind::Disconnect)), 102);
        assert_eq!(solo.take(), [Event::Disconnecting { call, cause: Cause(102), inband: false }]);
        solo.say(&with_cause(reference, Kind::Release, 102));
        solo.hears(Kind::ReleaseComplete);
        assert_eq!(solo.take(), [released(call, 102, By::Timer)]);
        // A call that left the ISDN, or has tones, is in people's hands.
        let (call, reference) = solo.trunk_calls();
        solo.say(&Message { progress: Progress::one(2), ..plain(reference, Kind::CallProceeding) });
        solo.run_ms(120_000);
        assert!(solo.hear().is_empty());
        solo.say(&with_cause(reference, Kind::ReleaseComplete, 16));
        assert!(solo.take().contains(&released(call, 16, By::Remote)));
        let (_, reference) = solo.trunk_calls();
        solo.say(&plain(reference, Kind::CallProceeding));
        solo.say(&Message { progress: Progress::one(8), ..plain(reference, Kind::Progress) });
        solo.run_ms(120_000);
        assert!(solo.hear().is_empty());
    }
}

#[test]
fn t301_ends_a_call_that_nobody_answers_with_19() {
    let mut solo = Solo::up(Config::e1(Role::Network));
    let (call, reference) = solo.trunk_calls();
    solo.say(&plain(reference, Kind::Alerting));
    solo.run_ms(179_900);
    assert!(solo.hear().is_empty());
    solo.run_ms(200);
    solo.hears(Kind::Disconnect);
    solo.say(&with_cause(reference, Kind::Release, 16));
    assert!(solo.take().contains(&released(call, 19, By::Timer)));
    // The user leaves it to the exchange.
    let mut solo = Solo::up(Config::e1(Role::User));
    let (_, reference) = solo.trunk_calls();
    solo.say(&plain(reference, Kind::Alerting));
    solo.run_ms(600_000);
    assert!(solo.hear().is_empty());
}

#[test]
fn t313_ends_an_answer_that_is_not_acknowledged() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.script_calls();
    solo.command(Command::Connect(call));
    solo.hears(Kind::Connect);
    assert_eq!(solo.trunk.call_state(call), Some(8));
    solo.run_ms(4_100);
    assert_eq!(cause_of(&solo.hears(Kind::Disconnect)), 102);
    solo.say(&plain(reference, Kind::ConnectAck)); // too late: it crossed
    solo.say(&with_cause(reference, Kind::Release, 102));
    assert!(solo.take().contains(&released(call, 102, By::Timer)));
    // The network is active at once and waits for nothing.
    let mut solo = Solo::up(Config::e1(Role::Network));
    let (call, _) = solo.script_calls();
    solo.command(Command::Connect(call));
    solo.hears(Kind::Connect);
    assert_eq!(solo.take(), [Event::Connected { call, timeslot: 9 }]);
    solo.run_ms(60_000);
    assert!(solo.hear().is_empty());
}

#[test]
fn t302_asks_the_owner_and_then_ends_with_28() {
    let mut config = Config::e1(Role::User);
    config.overlap = true;
    let mut solo = Solo::up(config);
    let (call, _) = solo.script_calls();
    solo.command(Command::SetupAck(call));
    solo.hears(Kind::SetupAck);
    solo.run_ms(15_100);
    assert_eq!(solo.take(), [Event::Digits { call, digits: digits(""), complete: true }]);
    solo.run_ms(15_000);
    assert_eq!(cause_of(&solo.hears(Kind::Disconnect)), 28);
}

#[test]
fn an_offer_that_nobody_takes_ends() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, _) = solo.script_calls();
    solo.run_ms(9_100);
    assert_eq!(cause_of(&solo.hears(Kind::ReleaseComplete)), 41);
    assert_eq!(solo.take(), [released(call, 41, By::Timer)]);
}

#[test]
fn t322_asks_three_times_and_then_ends_with_41() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.script_calls();
    solo.command(Command::Connect(call));
    solo.say(&plain(reference, Kind::ConnectAck));
    solo.hear();
    solo.command(Command::StatusEnquiry(call));
    solo.hears(Kind::StatusEnquiry);
    solo.say(&Message { call_state: Ie::Is(10), ..with_cause(reference, Kind::Status, 30) });
    solo.run_ms(60_000);
    assert!(solo.hear().is_empty());
    solo.command(Command::StatusEnquiry(call));
    solo.run_ms(12_100);
    let kinds: Vec<_> = solo.hear().iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [Kind::StatusEnquiry, Kind::StatusEnquiry, Kind::StatusEnquiry, Kind::Disconnect]);
}
