//! Whole calls, both directions: the way up, overlap, channels and their collisions.

use tipring_card::{Cause, Law};
use tipring_isdn::q931::ie::{Channel, Ie, Selection};
use tipring_isdn::q931::message::{Kind, Message, Reference};
use tipring_isdn::{
    Bearer, By, Calling, ChannelState, Command, Config, Event, Npi, Number, Presentation, Redirecting, Role, Screening,
    Text, Ton,
};

use crate::support::*;

#[test]
fn a_call_goes_up_and_down_in_both_directions() {
    for from in [User, Network] {
        let to = from.other();
        let mut pair = Pair::up();
        let a = pair.dial(from, "100");
        pair.settle();
        let b = pair.offered(to);
        pair.command(to, Command::Proceeding(b));
        pair.settle();
        let slot = pair.trunk(from).timeslot(a);
        assert_eq!(slot, pair.trunk(to).timeslot(b));
        assert_eq!(pair.take(from), [Event::Proceeding { call: a, timeslot: slot, inband: false }]);
        pair.command(to, Command::Progress(b));
        pair.settle();
        assert_eq!(pair.take(from), [Event::Progress { call: a, inband: true }]);
        pair.command(to, Command::Alerting(b, true));
        pair.settle();
        assert_eq!(pair.take(from), [Event::Alerting { call: a, timeslot: slot, inband: true }]);
        pair.command(to, Command::Connect(b));
        pair.settle();
        let timeslot = slot.unwrap();
        assert_eq!(pair.take(from), [Event::Connected { call: a, timeslot }]);
        assert_eq!(pair.take(to), [Event::Connected { call: b, timeslot }]);
        assert_eq!(pair.trunk(from).channel_state(timeslot), ChannelState::InCall(a));
        pair.run_ms(600_000);
        assert_eq!((pair.take(from), pair.take(to)), (vec![], vec![]), "a call is not disturbed by time");
        pair.command(from, Command::Disconnect(a, Cause::NORMAL));
        pair.settle();
        assert_eq!(pair.take(from), [released(a, 16, By::Local)]);
        assert_eq!(
            pair.take(to),
            [Event::Disconnecting { call: b, cause: Cause::NORMAL, inband: false }, released(b, 16, By::Remote)]
        );
        pair.assert_idle();
    }
}

#[test]
fn everything_about_the_caller_arrives() {
    let mut pair = Pair::up();
    let calling = Calling {
        number: Number::of("2025550100", Ton::National, Npi::E164).unwrap(),
        presentation: Presentation::Restricted,
        screening: Screening::Network,
    };
    let redirecting = Redirecting {
        number: Number::of("442079460000", Ton::International, Npi::E164).unwrap(),
        presentation: Presentation::Allowed,
        reason: 2,
    };
    let (c, r) = (calling.clone(), redirecting.clone());
    pair.dial_with(Network, "4961", move |request| {
        request.calling = Some(c);
        request.redirecting = Some(r);
        request.name = Some(Text::try_from("Müller").unwrap());
        request.bearer = Bearer::Audio(Law::Mu); // the trunk knows better
        request.timeslot = Some(20);
        request.exclusive = true;
    });
    pair.settle();
    let events = pair.take(User);
    let Some(Event::Incoming(offer)) = events.first() else {
        panic!("{events:?}");
    };
    assert_eq!(offer.calling.as_ref(), Some(&calling));
    assert_eq!(offer.redirecting.as_ref(), Some(&redirecting));
    assert_eq!(offer.name.as_ref().map(|name| name.as_str()), Some("Müller"));
    assert_eq!((offer.bearer, offer.timeslot), (Bearer::Audio(Law::A), 20));
    assert_eq!(offer.called.digits.as_str(), "4961");
    assert!(offer.sending_complete);
}

#[test]
fn digits_one_by_one() {
    for from in [User, Network] {
        let to = from.other();
        let user = Config { overlap: true, ..Config::e1(Role::User) };
        let network = Config { overlap: true, ..Config::e1(Role::Network) };
        let mut pair = Pair::up_with(user, network);
        let a = pair.dial_with(from, "", |request| request.sending_complete = false);
        pair.settle();
        let events = pair.take(to);
        let Some(Event::Incoming(offer)) = events.first() else {
            panic!("{events:?}");
        };
        assert!(!offer.sending_complete);
        let b = offer.call;
        pair.command(to, Command::SetupAck(b));
        pair.settle();
        let timeslot = pair.trunk(from).timeslot(a);
        assert_eq!(pair.take(from), [Event::SetupAck { call: a, timeslot, inband: false }]);
        for digit in ["1", "2", "3"] {
            pair.run_ms(14_000); // below T302 and T304
            pair.command(from, Command::Information(a, digits(digit)));
        }
        pair.settle();
        let got: Vec<_> = pair.take(to);
        let one = |d: &str| Event::Digits { call: b, digits: digits(d), complete: false };
        assert_eq!(got, [one("1"), one("2"), one("3")]);
        pair.run_ms(15_000); // T302
        assert_eq!(pair.take(to), [Event::Digits { call: b, digits: digits(""), complete: true }]);
        pair.command(to, Command::Proceeding(b));
        pair.command(to, Command::Connect(b));
        pair.settle();
        assert!(matches!(pair.take(from)[..], [Event::Proceeding { .. }, Event::Connected { .. }]));
    }
}

#[test]
fn thirty_calls_fill_a_trunk_and_the_next_finds_no_channel() {
    let mut pair = Pair::up();
    let calls: Vec<_> = (0..30).map(|_| pair.connected(User)).collect();
    let a = pair.dial(User, "100");
    assert_eq!(pair.take(User), [released(a, 34, By::Local)]);
    let b = pair.dial(Network, "100");
    assert_eq!(pair.take(Network), [released(b, 34, By::Local)]);
    for (a, _) in calls {
        pair.command(User, Command::Disconnect(a, Cause::NORMAL));
    }
    pair.settle();
    pair.assert_idle();
}

#[test]
fn a_busy_channel_is_exchanged_or_refused() {
    let mut pair = Pair::up();
    let (first, _) = pair.connected(Network);
    let held = pair.trunk(Network).timeslot(first).unwrap();
    let a = pair.dial_with(Network, "1", |request| request.timeslot = Some(held));
    pair.settle();
    assert_ne!(pair.trunk(Network).timeslot(a), Some(held));
    pair.take(Network);
    let b = pair.dial_with(Network, "1", |request| {
        request.timeslot = Some(held);
        request.exclusive = true;
    });
    assert_eq!(pair.take(Network), [released(b, 44, By::Local)]);
    let c = pair.dial_with(Network, "1", |request| {
        request.timeslot = Some(16);
        request.exclusive = true;
    });
    assert_eq!(pair.take(Network), [released(c, 82, By::Local)]);
}

#[test]
fn an_offer_on_a_busy_channel_gets_another_one_or_cause_44() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (_, _) = solo.script_calls(); // holds 9
    let second = Reference { value: 78, to_origin: false, dummy: false };
    solo.say(&setup(second, Some(Channel::slot(9, false))));
    let other = solo.take().iter().find_map(incoming).unwrap();
    solo.hear();
    solo.command(Command::Proceeding(other));
    let answer = solo.hears(Kind::CallProceeding);
    let named = *answer.channel.value().unwrap();
    assert!(named.exclusive && named.first() != Some(9));
    solo.command(Command::Alerting(other, false));
    assert_eq!(solo.hears(Kind::Alerting).channel, Ie::Absent, "the channel is named once");
    let third = Reference { value: 79, to_origin: false, dummy: false };
    solo.say(&setup(third, Some(Channel::slot(9, true))));
    assert_eq!(cause_of(&solo.hears(Kind::ReleaseComplete)), 44);
    solo.say(&setup(third, Some(Channel::slot(16, true))));
    assert_eq!(cause_of(&solo.hears(Kind::ReleaseComplete)), 82);
    let none = Channel::of(Selection::None, false);
    solo.say(&setup(third, Some(none)));
    assert_eq!(cause_of(&solo.hears(Kind::ReleaseComplete)), 34);
    assert_eq!(solo.trunk.counters().calls.refused_setups, 3);
    assert!(solo.take().iter().all(|event| incoming(event).is_none()));
}

#[test]
fn both_ends_seize_one_channel_and_the_user_yields() {
    let mut pair = Pair::up();
    let a = pair.dial_with(User, "1", |request| request.timeslot = Some(5));
    let b = pair.dial_with(Network, "2", |request| request.timeslot = Some(5));
    pair.settle();
    let at_network = pair.offered(Network);
    let at_user = pair.offered(User);
    assert_eq!(pair.trunk(User).timeslot(a), None, "the user's call waits for another channel");
    assert_eq!(pair.trunk(User).timeslot(at_user), Some(5), "the network's call keeps the channel");
    assert_eq!(pair.trunk(Network).timeslot(b), Some(5));
    for (side, call) in [(Network, at_network), (User, at_user)] {
        pair.command(side, Command::Proceeding(call));
        pair.command(side, Command::Connect(call));
    }
    pair.settle();
    let new = pair.trunk(User).timeslot(a).unwrap();
    assert_ne!(new, 5);
    assert_eq!(pair.trunk(Network).timeslot(at_network), Some(new), "both ends agree on the other channel");
    assert_eq!(pair.trunk(User).counters().calls.collisions, 1);
    assert_eq!(pair.trunk(Network).counters().calls.collisions, 1);
    pair.command(User, Command::Disconnect(a, Cause::NORMAL));
    pair.command(Network, Command::Disconnect(b, Cause::NORMAL));
    pair.settle();
    pair.assert_idle();
}

#[test]
fn an_exclusive_collision_costs_the_user_its_call() {
    let mut pair = Pair::up();
    let exclusive = |request: &mut tipring_isdn::SetupRequest| {
        request.timeslot = Some(5);
        request.exclusive = true;
    };
    let a = pair.dial_with(User, "1", exclusive);
    pair.dial_with(Network, "2", exclusive);
    pair.settle();
    assert!(pair.take(User).contains(&released(a, 44, By::Remote)));
    assert!(pair.take(Network).is_empty());
}

#[test]
fn the_network_moves_a_users_call_to_another_channel() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.trunk_calls();
    let message = Message { channel: Ie::Is(Channel::slot(11, true)), ..plain(reference, Kind::CallProceeding) };
    solo.say(&message);
    assert_eq!(solo.take(), [Event::Proceeding { call, timeslot: Some(11), inband: false }]);
    assert_eq!(solo.trunk.channel_state(7), ChannelState::Idle);
    assert_eq!(solo.trunk.channel_state(11), ChannelState::InCall(call));
}

#[test]
fn an_answer_with_a_channel_that_is_held_is_broken_off() {
    for (role, cause) in [(Role::User, 6), (Role::Network, 44)] {
        let mut solo = Solo::up(Config::e1(role));
        solo.script_calls(); // holds 9
        let (call, reference) = solo.trunk_calls();
        let message = Message { channel: Ie::Is(Channel::slot(9, true)), ..plain(reference, Kind::CallProceeding) };
        solo.say(&message);
        assert_eq!(cause_of(&solo.hears(Kind::Release)), cause);
        solo.say(&plain(reference, Kind::ReleaseComplete));
        assert!(solo.take().contains(&released(call, cause, By::Local)));
    }
}

#[test]
fn connect_may_be_the_first_answer() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.trunk_calls();
    solo.say(&plain(reference, Kind::Connect));
    solo.hears(Kind::ConnectAck);
    assert_eq!(solo.take(), [Event::Connected { call, timeslot: 7 }]);
}

#[test]
fn a_thousand_calls_leave_nothing_behind() {
    let mut pair = Pair::up();
    for round in 0..1000u32 {
        let from = if round % 3 == 0 { Network } else { User };
        let to = from.other();
        let a = pair.dial(from, "100");
        pair.run_ms(20);
        let b = pair.offered(to);
        match round % 7 {
            0 => pair.command(to, Command::Reject(b, Cause::USER_BUSY)),
            1 => pair.command(from, Command::Disconnect(a, Cause::NORMAL)),
            2 => {
                pair.command(to, Command::Proceeding(b));
                pair.command(to, Command::Disconnect(b, Cause::REJECTED));
                pair.command(from, Command::Disconnect(a, Cause::NORMAL));
            }
            _ => {
                pair.command(to, Command::Connect(b));
                pair.run_ms(20);
                let (side, call) = if round % 2 == 0 { (from, a) } else { (to, b) };
                pair.command(side, Command::Disconnect(call, Cause::NORMAL));
            }
        }
        pair.run_ms(50);
        for (side, call) in [(from, a), (to, b)] {
            let ends = pair.take(side);
            let count = ends.iter().filter(|e| is_release_of(e, call)).count();
            assert_eq!(count, 1, "round {round} {side:?}: {ends:?}");
        }
    }
    pair.assert_idle();
    assert_eq!(pair.trunk(User).counters().calls.dropped, 0);
}

#[test]
fn ids_are_never_used_again() {
    let mut pair = Pair::up();
    let (a, _) = pair.connected(User);
    pair.command(User, Command::Disconnect(a, Cause::NORMAL));
    pair.settle();
    pair.take(User);
    pair.command(User, Command::Disconnect(a, Cause::NORMAL));
    pair.dial_with(User, "1", |request| request.call = a);
    assert_eq!(pair.take(User), []);
    assert_eq!(pair.trunk(User).counters().calls.stale_commands, 2);
    let (b, _) = pair.connected(User);
    assert_ne!(a, b);
}

#[test]
fn references_go_round_and_pass_over_those_in_use() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (held, first) = solo.trunk_calls();
    solo.say(&Message { channel: Ie::Is(Channel::slot(3, true)), ..plain(first, Kind::Connect) });
    solo.hear();
    for _ in 0..0x7FFF {
        let (_, reference) = solo.trunk_calls();
        assert_ne!(reference.value, first.value);
        assert!((1..=0x7FFF).contains(&reference.value));
        solo.say(&with_cause(reference, Kind::ReleaseComplete, 17));
        solo.take();
    }
    assert_eq!(solo.trunk.call_state(held), Some(10));
    assert_eq!(solo.trunk.call_count(), 1);
}

#[test]
fn a_setup_waits_for_nothing_when_the_link_is_not_up() {
    let mut pair = Pair::of(Config::e1(Role::User), Config::e1(Role::Network));
    let a = pair.dial(User, "1");
    assert_eq!(pair.take(User), [released(a, 38, By::Link)]);
    assert_eq!(pair.trunk(User).deadline(), None);
}

#[test]
fn a_t1_has_23_channels_and_the_other_law() {
    let mut pair = Pair::up_with(Config::t1(Role::User), Config::t1(Role::Network));
    for _ in 0..23 {
        pair.dial(Network, "1");
    }
    pair.settle();
    let last = pair.dial(Network, "1");
    assert_eq!(pair.take(Network), [released(last, 34, By::Local)]);
    let offers = pair.take(User);
    assert_eq!(offers.len(), 23);
    assert!(offers.iter().all(|event| matches!(event,
        Event::Incoming(offer) if offer.bearer == Bearer::Speech(Law::Mu) && offer.timeslot < 24)));
    assert_eq!(pair.trunk(User).channel_state(24), ChannelState::Absent);
}
