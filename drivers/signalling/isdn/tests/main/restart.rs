//! Restart in both directions, answered and not, and the end of calls on restarted channels.

use tipring_isdn::q921::{Link, LinkInput};
use tipring_isdn::q931::ie::{Channel, Ie, RestartClass, Selection};
use tipring_isdn::q931::message::{Kind, Message, Reference};
use tipring_isdn::{By, ChannelState, Command, Config, Event, Role};

use crate::support::*;

const GLOBAL: Reference = Reference { value: 0, to_origin: false, dummy: false };

fn restart(bits: u32) -> Message {
    let channel = Channel::of(Selection::Slots(bits), false);
    Message { channel: Ie::Is(channel), restart: Ie::Is(RestartClass::Channels), ..plain(GLOBAL, Kind::Restart) }
}

fn ack(message: &Message) -> Message {
    let mut answer = message.clone();
    answer.kind = Kind::RestartAck;
    answer.reference.to_origin = true;
    answer
}

#[test]
fn a_whole_trunk_is_restarted_one_channel_after_another() {
    for side in [User, Network] {
        let mut pair = Pair::up();
        pair.command(side, Command::Restart(None));
        assert_eq!(pair.trunk(side).channel_state(31), ChannelState::Restarting);
        pair.run_ms(2_000);
        let slots: Vec<_> = pair
            .take(side)
            .iter()
            .map(|event| match event {
                Event::ChannelRestarted { timeslot } => *timeslot,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(slots, (1..=31).filter(|slot| *slot != 16).collect::<Vec<u8>>());
        assert_eq!(pair.take(side.other()).len(), 30);
        pair.assert_idle();
    }
}

#[test]
fn calls_on_a_restarted_channel_end_on_both_sides() {
    for side in [User, Network] {
        let mut pair = Pair::up();
        let (a, b) = pair.connected(User);
        let slot = pair.trunk(User).timeslot(a).unwrap();
        let (ours, theirs) = if side == User { (a, b) } else { (b, a) };
        pair.command(side, Command::Restart(Some(slot)));
        pair.settle();
        assert_eq!(pair.take(side), [released(ours, 41, By::Restart), Event::ChannelRestarted { timeslot: slot }]);
        assert_eq!(
            pair.take(side.other()),
            [released(theirs, 41, By::Restart), Event::ChannelRestarted { timeslot: slot }]
        );
        pair.assert_idle();
    }
}

#[test]
fn both_ends_restart_at_the_same_moment() {
    let mut pair = Pair::up();
    pair.connected(Network);
    pair.command(User, Command::Restart(None));
    pair.command(Network, Command::Restart(None));
    pair.run_ms(3_000);
    pair.assert_idle();
}

#[test]
fn a_deaf_far_end_sends_channels_to_maintenance_in_minutes() {
    let mut solo = Solo::up(Config::e1(Role::User));
    solo.command(Command::Restart(None));
    assert_eq!(solo.hear().len(), 1, "one unanswered at a time");
    solo.run_ms(240_100);
    assert!(solo.take().contains(&Event::RestartFailed { timeslot: 1 }));
    assert_eq!(solo.hear().len(), 1 + 29, "the repetition, then all others at once");
    solo.run_ms(240_100);
    let failed = solo.take();
    assert_eq!(failed.len(), 29, "{failed:?}");
    assert_eq!(solo.trunk.channel_state(31), ChannelState::Maintenance);
    assert_eq!(solo.trunk.counters().calls.failed_restarts, 30);
    // Nothing is left to call on.
    let call = solo.trunk.next_call_id();
    solo.command(Command::Setup(tipring_isdn::SetupRequest::speech(call, number("1"), tipring_card::Law::A)));
    assert_eq!(solo.take(), [released(call, 34, By::Local)]);
    // It recovers: the far end restarts by itself.
    solo.say(&Message { channel: Ie::Absent, restart: Ie::Is(RestartClass::All), ..plain(GLOBAL, Kind::Restart) });
    assert_eq!(solo.take().len(), 30);
    assert_eq!(solo.trunk.channel_state(31), ChannelState::Idle);
}

#[test]
fn a_restart_is_acknowledged_as_it_was_said() {
    let mut solo = Solo::up(Config::e1(Role::User));
    solo.say(&restart(1 << 3 | 1 << 4));
    let answer = solo.hears(Kind::RestartAck);
    assert_eq!(answer, ack(&restart(1 << 3 | 1 << 4)));
    assert_eq!(solo.take(), [Event::ChannelRestarted { timeslot: 3 }, Event::ChannelRestarted { timeslot: 4 }]);
}

#[test]
fn a_restart_by_slot_map_is_acknowledged_by_slot_map() {
    let mut solo = Solo::up(Config::e1(Role::User));
    for map in [&[0x93, 0x00, 0x02, 0x00, 0x08][..], &[0x93, 0x01, 0x00, 0x04]] {
        let length = [0x18, 1 + map.len() as u8, 0xA1];
        solo.say_octets(&[&[8, 2, 0, 0, 0x46], &length[..], map, &[0x79, 1, 0x80]].concat());
        let slots = [Event::ChannelRestarted { timeslot: 3 }, Event::ChannelRestarted { timeslot: 17 }];
        assert_eq!(solo.take(), slots);
        let answer = solo.hears(Kind::RestartAck);
        let octets = tipring_isdn::q931::codec::encode(&answer).unwrap();
        assert!(octets.windows(map.len()).any(|window| window == map), "{octets:02x?}");
    }
}

#[test]
fn a_restart_that_makes_no_sense_is_answered_with_status() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let sound = restart(2);
    for (message, cause) in [
        (Message { restart: Ie::Absent, ..sound.clone() }, 96),
        (Message { channel: Ie::Absent, ..sound.clone() }, 96),
        (restart(1 << 16), 82),
    ] {
        solo.say(&message);
        let status = solo.hears(Kind::Status);
        assert_eq!((cause_of(&status), status.call_state), (cause, Ie::Is(0)));
    }
    solo.say(&plain(GLOBAL, Kind::Alerting));
    assert_eq!(cause_of(&solo.hears(Kind::Status)), 81);
    solo.say(&ack(&sound));
    assert!(solo.hear().is_empty());
    assert_eq!(solo.trunk.counters().calls.unexpected_messages, 1);
}

#[test]
fn a_second_setup_shows_that_the_acknowledgement_was_lost() {
    let mut solo = Solo::up(Config::e1(Role::User));
    solo.command(Command::Restart(Some(9)));
    solo.hears(Kind::Restart);
    let first = Reference { value: 50, to_origin: false, dummy: false };
    solo.say(&setup(first, Some(Channel::slot(9, true))));
    assert_eq!(cause_of(&solo.hears(Kind::ReleaseComplete)), 44);
    let second = Reference { value: 51, to_origin: false, dummy: false };
    solo.say(&setup(second, Some(Channel::slot(9, true))));
    let call = solo.take().iter().find_map(incoming).unwrap();
    assert_eq!(solo.trunk.channel_state(9), ChannelState::InCall(call));
}

#[test]
fn restarts_wait_for_the_link() {
    let mut pair = Pair::of(Config::e1(Role::User), Config::e1(Role::Network));
    pair.command(User, Command::Restart(None));
    pair.input(User, tipring_isdn::Input::LayerOneUp);
    pair.input(Network, tipring_isdn::Input::LayerOneUp);
    pair.run_ms(3_000);
    assert_eq!(pair.take(User).len(), 31, "the link and thirty channels");
    pair.assert_idle();
}

/// While a box restarts its channels after a start, the exchange may already have a call for one of them.
#[test]
fn a_call_is_taken_on_a_channel_that_only_waits_for_its_restart() {
    let mut solo = Solo::up(Config::e1(Role::User));
    solo.command(Command::Restart(None));
    solo.hears(Kind::Restart); // of channel 1, unanswered
    let (call, _) = solo.script_calls(); // exclusively on 9
    assert_eq!(solo.trunk.timeslot(call), Some(9));
    let other = Reference { value: 78, to_origin: false, dummy: false };
    solo.say(&setup(other, Some(Channel::slot(1, false)))); // preferably on 1, whose RESTART is out
    let second = solo.take().iter().find_map(incoming).expect("another channel is found");
    assert_ne!(solo.trunk.timeslot(second), Some(1));
}

#[test]
fn a_restart_that_went_down_with_the_link_is_sent_again() {
    let mut solo = Solo::up(Config::e1(Role::User));
    solo.command(Command::Restart(Some(5)));
    solo.hears(Kind::Restart);
    // The far end starts its link anew and forgets what it heard.
    solo.link = Link::new(Role::Network, Config::e1(Role::Network).timers);
    solo.link.handle(solo.now, LinkInput::LayerOneUp);
    solo.run_ms(1_500);
    let again = solo.hears(Kind::Restart);
    solo.say(&ack(&again));
    assert_eq!(solo.trunk.channel_state(5), ChannelState::Idle);
}
