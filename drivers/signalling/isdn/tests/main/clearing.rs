//! Every way a call ends, with its cause and its author; collisions; the errors of Q.931 §5.8.

use tipring_card::Cause;
use tipring_isdn::q931::ie::{Channel, Ie, Progress};
use tipring_isdn::q931::message::{Kind, Message, Reference};
use tipring_isdn::{By, CallId, ChannelState, Command, Config, Event, Fault, Role};

use crate::support::*;

fn ends(solo: &mut Solo) -> Vec<Event> {
    solo.take().into_iter().filter(|event| !matches!(event, Event::ProtocolError { .. })).collect()
}

fn faults(events: &[Event]) -> Vec<Fault> {
    let fault = |event: &Event| match event {
        Event::ProtocolError { fault, .. } => Some(*fault),
        _ => None,
    };
    events.iter().filter_map(fault).collect()
}

#[test]
fn a_refused_call_costs_one_message() {
    for to in [User, Network] {
        let mut pair = Pair::up();
        let a = pair.dial(to.other(), "1");
        pair.settle();
        let b = pair.offered(to);
        pair.command(to, Command::Reject(b, Cause::USER_BUSY));
        pair.settle();
        assert_eq!(pair.take(to), [released(b, 17, By::Local)]);
        assert_eq!(pair.take(to.other()), [released(a, 17, By::Remote)]);
        pair.assert_idle();
    }
}

#[test]
fn both_hang_up_at_the_same_moment() {
    let mut pair = Pair::up();
    let (a, b) = pair.connected(User);
    pair.command(User, Command::Disconnect(a, Cause::NORMAL));
    pair.command(Network, Command::Disconnect(b, Cause::USER_BUSY));
    pair.settle();
    assert_eq!(pair.take(User), [released(a, 16, By::Local)]);
    assert_eq!(pair.take(Network), [released(b, 17, By::Local)]);
    pair.assert_idle();
    assert_eq!(pair.trunk(User).counters().calls.unexpected_messages, 0);
    assert_eq!(pair.trunk(Network).counters().calls.unexpected_messages, 0);
}

#[test]
fn both_release_at_the_same_moment() {
    let mut pair = Pair::up();
    let (a, b) = pair.connected(Network);
    pair.command(Network, Command::Release(a, Cause::NORMAL));
    pair.command(User, Command::Release(b, Cause::NORMAL));
    pair.settle();
    assert_eq!(pair.take(User), [released(b, 16, By::Local)]);
    assert_eq!(pair.take(Network), [released(a, 16, By::Local)]);
    pair.assert_idle();
}

#[test]
fn a_caller_hangs_up_at_every_step() {
    for from in [User, Network] {
        for step in 0..4 {
            let to = from.other();
            let mut pair = Pair::up();
            let a = pair.dial(from, "1");
            pair.settle();
            let b = pair.offered(to);
            if step > 0 {
                pair.command(to, Command::Proceeding(b));
            }
            if step > 1 {
                pair.command(to, Command::Alerting(b, false));
            }
            if step > 2 {
                pair.command(to, Command::Connect(b)); // crosses with the caller's DISCONNECT
            }
            pair.command(from, Command::Disconnect(a, Cause::NORMAL));
            pair.settle();
            assert!(pair.take(from).contains(&released(a, 16, By::Local)), "{from:?} {step}");
            assert!(pair.take(to).contains(&released(b, 16, By::Remote)), "{from:?} {step}");
            pair.assert_idle();
        }
    }
}

#[test]
fn tones_are_heard_until_the_owner_releases() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.trunk_calls();
    solo.say(&plain(reference, Kind::CallProceeding));
    solo.take();
    let progress = Progress::one(Progress::IN_BAND);
    solo.say(&Message { progress, ..with_cause(reference, Kind::Disconnect, 17) });
    assert_eq!(solo.take(), [Event::Disconnecting { call, cause: Cause(17), inband: true }]);
    assert!(solo.hear().is_empty());
    solo.run_ms(5_000);
    solo.command(Command::Release(call, Cause::NORMAL));
    solo.hears(Kind::Release);
    solo.say(&plain(reference, Kind::ReleaseComplete));
    assert_eq!(solo.take(), [released(call, 17, By::Remote)]);
}

#[test]
fn tones_that_nobody_ends_are_ended_by_t306() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.trunk_calls();
    let progress = Progress::one(Progress::IN_BAND);
    solo.say(&Message { progress, ..with_cause(reference, Kind::Disconnect, 1) });
    solo.run_ms(29_900);
    assert!(solo.hear().is_empty());
    solo.run_ms(200);
    solo.hears(Kind::Release);
    solo.say(&plain(reference, Kind::ReleaseComplete));
    assert!(solo.take().contains(&released(call, 1, By::Remote)));
}

#[test]
fn a_release_without_a_disconnect_is_answered() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.script_calls();
    solo.say(&with_cause(reference, Kind::Release, 41));
    solo.hears(Kind::ReleaseComplete);
    assert_eq!(solo.take(), [released(call, 41, By::Remote)]);
}

#[test]
fn clearing_without_a_cause_is_completed_with_96() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.script_calls();
    solo.say(&plain(reference, Kind::Disconnect));
    assert_eq!(cause_of(&solo.hears(Kind::Release)), 96);
    solo.say(&plain(reference, Kind::ReleaseComplete));
    assert!(ends(&mut solo).contains(&released(call, 31, By::Remote)));
    let (call, reference) = solo.script_calls();
    solo.say(&plain(reference, Kind::Release));
    assert_eq!(cause_of(&solo.hears(Kind::ReleaseComplete)), 96);
    assert!(ends(&mut solo).contains(&released(call, 31, By::Remote)));
    // Contents that make no sense: 100.
    let (_, reference) = solo.script_calls();
    let [high, low] = reference.value.to_be_bytes();
    solo.say_octets(&[8, 2, high, low, 0x45, 0x08, 1, 0x80]);
    assert_eq!(cause_of(&solo.hears(Kind::Release)), 100);
    assert_eq!(solo.trunk.call_count(), 1);
}

#[test]
fn a_setup_without_what_it_needs_is_refused() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let reference = Reference { value: 5, to_origin: false, dummy: false };
    let sound = setup(reference, Some(Channel::slot(3, true)));
    let refused = |solo: &mut Solo, message: &Message, cause: u8| {
        solo.say(message);
        let answer = solo.hears(Kind::ReleaseComplete);
        assert_eq!(cause_of(&answer), cause);
        assert_eq!(answer.reference, Reference { to_origin: true, ..reference });
        assert_eq!(solo.trunk.channel_state(3), ChannelState::Idle);
    };
    refused(&mut solo, &Message { bearer: Ie::Absent, ..sound.clone() }, 96);
    refused(&mut solo, &Message { channel: Ie::Absent, ..sound.clone() }, 96);
    refused(&mut solo, &Message { bearer: Ie::Is(tipring_isdn::Bearer::Other(0x18)), ..sound.clone() }, 65);
    let raw = |solo: &mut Solo, octets: &[u8], cause: u8| {
        solo.say_octets(octets);
        assert_eq!(cause_of(&solo.hears(Kind::ReleaseComplete)), cause);
    };
    raw(&mut solo, &[8, 2, 0, 5, 5, 4, 1, 0x80, 0x18, 3, 0xA9, 0x83, 0x83], 100);
    raw(&mut solo, &[8, 2, 0, 5, 5, 4, 3, 0x80, 0x90, 0xA3, 0x18, 1, 0xA1], 100);
    raw(&mut solo, &[8, 2, 0, 5, 5, 4, 3, 0x80, 0x90, 0xA3, 0x05, 1, 1, 0x18, 3, 0xA9, 0x83, 0x83], 96);
    raw(&mut solo, &[8, 2, 0, 5, 5, 4, 3, 0x80, 0x90, 0xA3, 0x18, 3, 0xA9, 0x83, 0x83, 0x70, 2, 0x80, 1], 28);
    assert!(ends(&mut solo).is_empty());
    // A network takes a call without a channel: it chooses.
    let mut solo = Solo::up(Config::e1(Role::Network));
    solo.say(&setup(reference, None));
    let call = solo.take().iter().find_map(incoming).unwrap();
    assert_eq!(solo.trunk.timeslot(call), Some(1));
}

#[test]
fn references_that_do_not_exist() {
    for role in [Role::User, Role::Network] {
        let mut solo = Solo::up(Config::e1(role));
        for to_origin in [false, true] {
            let reference = Reference { value: 0x1234, to_origin, dummy: false };
            let back = Reference { to_origin: !to_origin, ..reference };
            let kinds = [
                Kind::Alerting,
                Kind::Connect,
                Kind::Disconnect,
                Kind::Release,
                Kind::Unknown(0x55),
                Kind::Information,
            ];
            for kind in kinds {
                solo.say(&plain(reference, kind));
                let answer = solo.hears(Kind::ReleaseComplete);
                assert_eq!((cause_of(&answer), answer.reference), (81, back), "{kind:?}");
            }
            solo.say(&plain(reference, Kind::ReleaseComplete));
            assert!(solo.hear().is_empty());
            solo.say(&Message { call_state: Ie::Is(0), ..with_cause(reference, Kind::Status, 30) });
            assert!(solo.hear().is_empty());
            solo.say(&Message { call_state: Ie::Is(10), ..with_cause(reference, Kind::Status, 30) });
            assert_eq!(cause_of(&solo.hears(Kind::ReleaseComplete)), 101);
            solo.say(&plain(reference, Kind::StatusEnquiry));
            let status = solo.hears(Kind::Status);
            assert_eq!((cause_of(&status), status.call_state), (30, Ie::Is(0)));
        }
        let origin = Reference { value: 9, to_origin: true, dummy: false };
        solo.say(&setup(origin, Some(Channel::slot(1, true))));
        assert!(solo.hear().is_empty(), "a SETUP cannot come to the side that chose the reference");
        solo.say(&plain(Reference { to_origin: false, ..origin }, Kind::Resume));
        assert_eq!(cause_of(&solo.hears(Kind::ResumeReject)), 85);
        assert_eq!(solo.trunk.call_count(), 0);
    }
}

#[test]
fn wrong_messages_are_answered_with_status_and_change_nothing() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.script_calls();
    solo.command(Command::Proceeding(call));
    solo.hears(Kind::CallProceeding);
    for (kind, cause) in
        [(Kind::Alerting, 98), (Kind::SetupAck, 98), (Kind::Unknown(0x55), 97), (Kind::Escape, 97), (Kind::Segment, 97)]
    {
        solo.say(&plain(reference, kind));
        let status = solo.hears(Kind::Status);
        assert_eq!((cause_of(&status), &status.call_state), (cause, &Ie::Is(9)), "{kind:?}");
    }
    solo.say(&plain(reference, Kind::Progress));
    assert_eq!(cause_of(&solo.hears(Kind::Status)), 96, "progress without its indicator");
    let [high, low] = reference.value.to_be_bytes();
    solo.say_octets(&[8, 2, high, low, 0x7B, 0x05, 0]);
    assert_eq!(cause_of(&solo.hears(Kind::Status)), 96, "an element that must be understood");
    solo.say(&plain(reference, Kind::Hold));
    assert_eq!(cause_of(&solo.hears(Kind::HoldReject)), 69);
    for kind in [Kind::Notify, Kind::Facility, Kind::Setup] {
        solo.say(&plain(reference, kind));
        assert!(solo.hear().is_empty(), "{kind:?}");
    }
    let told = faults(&solo.take());
    assert!(told.contains(&Fault::UnknownType(0x55)) && told.contains(&Fault::Segmented), "{told:?}");
    assert_eq!(solo.trunk.counters().calls.segments, 1);
    assert_eq!(solo.trunk.call_state(call), Some(9));
}

#[test]
fn status_that_fits_is_harmless_and_one_that_does_not_ends_the_call() {
    let states = |solo: &mut Solo, reference: Reference, state: u8| {
        solo.say(&Message { call_state: Ie::Is(state), ..with_cause(reference, Kind::Status, 98) });
        solo.hear().iter().map(|message| (message.kind, message.cause.value().map(|c| c.0.0))).collect::<Vec<_>>()
    };
    // Called: the caller may be behind us, never ahead, and never in a state of the other direction.
    for (state, fits) in
        [(6, true), (25, true), (9, true), (7, false), (10, false), (1, false), (3, false), (63, false)]
    {
        let mut solo = Solo::up(Config::e1(Role::User));
        let (call, reference) = solo.script_calls();
        solo.command(Command::Proceeding(call));
        solo.hear();
        let said = states(&mut solo, reference, state);
        let expected = if fits { vec![] } else { vec![(Kind::Release, Some(101))] };
        assert_eq!(said, expected, "state {state}");
        assert!(solo.trunk.call_state(call).is_some());
    }
    // Caller: the called side may be ahead of us.
    for (state, fits) in [(1, true), (3, true), (4, true), (10, true), (6, false), (9, false)] {
        let mut solo = Solo::up(Config::e1(Role::User));
        let (_, reference) = solo.trunk_calls();
        let said = states(&mut solo, reference, state);
        assert_eq!(said.is_empty(), fits, "state {state}: {said:?}");
    }
    // Active caller: CONNECT ACKNOWLEDGE may be under way, nothing else.
    for (state, fits) in [(8, true), (10, true), (7, false), (4, false)] {
        let mut solo = Solo::up(Config::e1(Role::Network));
        let (_, reference) = solo.trunk_calls();
        solo.say(&plain(reference, Kind::Connect));
        solo.hear();
        assert_eq!(states(&mut solo, reference, state).is_empty(), fits, "state {state}");
    }
    // Null: there is nothing left to clear.
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.trunk_calls();
    assert!(states(&mut solo, reference, 0).is_empty());
    assert_eq!(solo.take(), [released(call, 98, By::Remote)]);
}

#[test]
fn an_early_status_and_release_complete_101_are_survived() {
    let mut solo = Solo::up(Config::e1(Role::Network));
    for state in [0, 1, 6] {
        let (call, reference) = solo.trunk_calls();
        solo.say(&Message { call_state: Ie::Is(state), ..with_cause(reference, Kind::Status, 101) });
        solo.say(&with_cause(reference, Kind::ReleaseComplete, 101));
        let events = ends(&mut solo);
        assert_eq!(events.iter().filter(|event| is_release_of(event, call)).count(), 1, "{events:?}");
        assert!(events.contains(&released(call, 101, By::Remote)));
        solo.hear();
    }
    assert_eq!(solo.trunk.call_count(), 0);
    assert_eq!(solo.trunk.channel_state(7), ChannelState::Idle);
}

#[test]
fn commands_at_the_wrong_time_do_nothing() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, _) = solo.trunk_calls();
    for command in [
        Command::SetupAck(call),
        Command::Proceeding(call),
        Command::Progress(call),
        Command::Alerting(call, true),
        Command::Connect(call),
        Command::Information(call, digits("1")),
    ] {
        solo.command(command);
    }
    solo.command(Command::Connect(CallId(4_000_000)));
    solo.command(Command::Restart(Some(16)));
    assert!(solo.hear().is_empty());
    let counters = solo.trunk.counters().calls;
    assert_eq!((counters.misplaced_commands, counters.stale_commands), (7, 1));
}

#[test]
fn a_network_lets_the_caller_hear_why() {
    let mut pair = Pair::up();
    let a = pair.dial(User, "1");
    pair.settle();
    let b = pair.offered(Network);
    pair.command(Network, Command::DisconnectWithTones(b, Cause::UNALLOCATED));
    pair.settle();
    let timeslot = pair.trunk(User).timeslot(a);
    assert_eq!(
        pair.take(User),
        [
            Event::Proceeding { call: a, timeslot, inband: false },
            Event::Disconnecting { call: a, cause: Cause(1), inband: true }
        ]
    );
    pair.run_ms(5_000);
    pair.command(User, Command::Release(a, Cause::NORMAL));
    pair.settle();
    assert_eq!(pair.take(User), [released(a, 1, By::Remote)]);
    assert_eq!(pair.take(Network), [released(b, 1, By::Local)]);
    pair.assert_idle();
    // Nobody hangs up: T306 of the network ends it.
    let a = pair.dial(User, "1");
    pair.settle();
    let b = pair.offered(Network);
    pair.command(Network, Command::DisconnectWithTones(b, Cause::UNALLOCATED));
    pair.run_ms(31_000);
    assert!(pair.take(User).contains(&released(a, 1, By::Remote)));
    assert_eq!(pair.take(Network), [released(b, 1, By::Local)]);
    pair.assert_idle();
}
