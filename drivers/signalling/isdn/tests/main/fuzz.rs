//! Hostile octets, seeded: 100,000 messages over a sound link and 100,000 frames beside it, with commands and time
//! between. Nothing panics, every table stays within its bound, and afterwards the trunk works.

use tipring_card::Cause;
use tipring_isdn::q931::MAX_CALLS;
use tipring_isdn::q931::message::Kind;
use tipring_isdn::{By, CallId, Command, Config, Event, Input, Role, describe};

use crate::support::*;

/// Sound messages to start from; byte 2 and 3 are the reference.
const SEEDS: &[&[u8]] = &[
    &[
        8, 2, 0, 1, 5, 4, 3, 0x80, 0x90, 0xA3, 0x18, 3, 0xA9, 0x83, 0x87, 0x6C, 4, 0x21, 0x83, b'1', b'2', 0x70, 3,
        0x81, b'5', b'6', 0xA1,
    ],
    &[8, 2, 0x80, 1, 2, 0x18, 3, 0xA9, 0x83, 0x87],
    &[8, 2, 0x80, 1, 0x0D, 0x18, 3, 0xA9, 0x83, 0x88, 0x1E, 2, 0x82, 0x88],
    &[8, 2, 0x80, 1, 1, 0x1E, 2, 0x82, 0x88],
    &[8, 2, 0x80, 1, 3, 0x1E, 2, 0x82, 0x81],
    &[8, 2, 0x80, 1, 7, 0x18, 3, 0xA9, 0x83, 0x87],
    &[8, 2, 0, 1, 0x0F],
    &[8, 2, 0, 1, 0x45, 8, 2, 0x80, 0x90],
    &[8, 2, 0, 1, 0x45, 8, 2, 0x80, 0x91, 0x1E, 2, 0x80, 0x88],
    &[8, 2, 0, 1, 0x4D, 8, 2, 0x80, 0x90],
    &[8, 2, 0, 1, 0x5A, 8, 2, 0x80, 0x90],
    &[8, 2, 0, 1, 0x7B, 0x70, 2, 0x80, b'4'],
    &[8, 2, 0, 1, 0x7D, 8, 2, 0x80, 0xE2, 0x14, 1, 0x0A],
    &[8, 2, 0, 1, 0x75],
    &[8, 2, 0, 0, 0x46, 0x18, 3, 0xA1, 0x83, 0x87, 0x79, 1, 0x80],
    &[8, 2, 0x80, 0, 0x4E, 0x18, 3, 0xA1, 0x83, 0x87, 0x79, 1, 0x80],
    &[8, 2, 0, 0, 0x46, 0x79, 1, 0x87],
];

fn mutated(chance: &mut Seeded) -> Vec<u8> {
    // The last one restarts the whole trunk: seldom, or no call grows old.
    let seeds = SEEDS.len() as u64 - u64::from(chance.below(50) > 0);
    let mut octets = SEEDS[chance.below(seeds) as usize].to_vec();
    // A few references and channels, so that messages meet calls.
    if octets[3] != 0 {
        octets[2] = if chance.below(2) == 0 { 0 } else { 0x80 };
        octets[3] = 1 + chance.below(40) as u8;
    }
    if let Some(at) = octets.windows(3).position(|w| w[0] == 0x18 && w[1] == 3) {
        octets[at + 4] = 0x80 | chance.below(32) as u8;
    }
    for _ in 0..chance.below(4) {
        let at = chance.below(octets.len() as u64) as usize;
        match chance.below(6) {
            0 => octets[at] = chance.next() as u8,
            1 => octets[at] ^= 1 << chance.below(8),
            2 => octets.truncate(at + 1),
            3 => octets.insert(at, chance.next() as u8),
            4 => {
                octets.remove(at);
            }
            _ => octets.extend((0..chance.below(230)).map(|n| n as u8)),
        }
        if octets.is_empty() {
            octets.push(8);
        }
    }
    octets.truncate(260);
    octets
}

fn random(chance: &mut Seeded, most: u64) -> Vec<u8> {
    (0..chance.below(most)).map(|_| chance.next() as u8).collect()
}

fn any_command(chance: &mut Seeded, call: CallId) -> Command {
    match chance.below(11) {
        0 => Command::SetupAck(call),
        1 => Command::Proceeding(call),
        2 => Command::Alerting(call, true),
        3 | 4 => Command::Connect(call),
        5 => Command::Disconnect(call, Cause::NORMAL),
        6 => Command::Release(call, Cause::NORMAL),
        7 => Command::Reject(call, Cause::USER_BUSY),
        8 => Command::StatusEnquiry(call),
        9 => Command::Information(call, digits("12")),
        _ => Command::Restart(Some(1 + chance.below(31) as u8)),
    }
}

/// Every call has one end, and no more.
fn check_ends(events: &[Event], open: &mut Vec<CallId>) {
    for event in events {
        match event {
            Event::Incoming(offer) => open.push(offer.call),
            Event::Released { call, .. } => {
                let at = open.iter().position(|held| held == call);
                open.swap_remove(at.expect("an end of a call that is open"));
            }
            _ => {}
        }
    }
}

#[test]
fn a_hundred_thousand_hostile_messages() {
    for role in [Role::User, Role::Network] {
        let mut chance = Seeded(0xB0B5 + role as u64);
        let mut config = Config::e1(role);
        config.overlap = true;
        let mut solo = Solo::up(config);
        let mut open: Vec<CallId> = Vec::new();
        let mut deepest = 0;
        for round in 0..50_000u32 {
            let octets = if chance.below(8) == 0 { random(&mut chance, 261) } else { mutated(&mut chance) };
            solo.say_octets(&octets);
            if round % 5 == 0 {
                let call = CallId(1 + chance.below(u64::from(round) + 1) as u32);
                let call = open.get(chance.below(open.len() as u64) as usize).copied().unwrap_or(call);
                let command = any_command(&mut chance, call);
                solo.command(command);
            }
            if round % 4 == 0 {
                let call = solo.trunk.next_call_id();
                open.push(call);
                solo.command(Command::Setup(tipring_isdn::SetupRequest::speech(
                    call,
                    number("1"),
                    tipring_card::Law::A,
                )));
            }
            if round % 7 == 0 {
                solo.run_ms(chance.below(400));
            }
            check_ends(&solo.take(), &mut open);
            solo.hear();
            deepest = deepest.max(solo.trunk.call_count());
            assert!(solo.trunk.call_count() <= MAX_CALLS, "round {round}");
        }
        assert!(deepest > 20, "the messages met calls: {deepest}");
        let counters = solo.trunk.counters().calls;
        assert!(counters.unexpected_messages > 100 && counters.missing_elements > 100, "{counters:?}");
        assert_eq!(solo.trunk.counters().link.resets, 0, "the link itself was never disturbed");
        // The far end starts over, and so do we.
        solo.say_octets(SEEDS[SEEDS.len() - 1]);
        solo.run_ms(1_000_000);
        check_ends(&solo.take(), &mut open);
        assert_eq!(solo.trunk.call_count(), 0);
        assert!(open.is_empty(), "{open:?}");
        solo.say_octets(SEEDS[SEEDS.len() - 1]);
        solo.take();
        solo.hear();
        let (call, reference) = solo.trunk_calls();
        solo.say(&plain(reference, Kind::Connect));
        assert_eq!(solo.take(), [Event::Connected { call, timeslot: 7 }]);
        solo.say(&with_cause(reference, Kind::ReleaseComplete, 16));
        assert_eq!(solo.take(), [released(call, 16, By::Remote)]);
    }
}

#[test]
fn a_hundred_thousand_hostile_frames() {
    let mut chance = Seeded(0xF00D);
    let mut pair = Pair::up();
    let mut seen: Vec<Vec<u8>> = vec![vec![0, 1, 0x7F], vec![2, 1, 0x73], vec![0, 1, 0, 0, 8, 2, 0, 1, 5]];
    for round in 0..100_000u32 {
        let frame = match chance.below(4) {
            0 => random(&mut chance, 300),
            1 => {
                let (ns, nr) = (chance.next() as u8 & 0xFE, chance.next() as u8);
                [&[2 * (chance.next() as u8 & 1), 1, ns, nr][..], &mutated(&mut chance)].concat()
            }
            _ => {
                let mut frame = seen[chance.below(seen.len() as u64) as usize].clone();
                let at = chance.below(frame.len() as u64) as usize;
                frame[at] = chance.next() as u8;
                frame
            }
        };
        let mut line = String::new();
        describe(&frame, &mut line);
        assert!(!line.is_empty());
        if !frame.is_empty() && frame.len() < 40 {
            let at = chance.below(64) as usize;
            if at < seen.len() { seen[at] = frame.clone() } else { seen.push(frame.clone()) }
        }
        let side = if chance.below(2) == 0 { User } else { Network };
        pair.input(side, Input::Frame(&frame));
        if round % 50 == 0 {
            pair.dial(side, "100");
        }
        if round % 9 == 0 {
            pair.run_ms(chance.below(2_000));
        }
        if round % 30 == 0 {
            let events = pair.take(side);
            if let Some(call) = events.iter().filter_map(incoming).next_back() {
                let command = any_command(&mut chance, call);
                pair.command(side, command);
            }
            pair.take(side.other());
        }
        for side in [User, Network] {
            assert!(pair.trunk(side).call_count() <= MAX_CALLS);
            assert_eq!(pair.trunk(side).counters().link.dropped_outputs, 0);
        }
    }
    assert!(pair.trunk(User).counters().link.ups + pair.trunk(User).counters().link.resets > 100);
    // The line is quiet again: both ends restart, then calls work in both directions.
    pair.run_ms(300_000);
    pair.command(User, Command::Restart(None));
    pair.command(Network, Command::Restart(None));
    pair.run_ms(600_000);
    pair.take(User);
    pair.take(Network);
    for side in [User, Network] {
        let (a, _) = pair.connected(side);
        pair.command(side, Command::Disconnect(a, Cause::NORMAL));
        pair.settle();
    }
    pair.assert_idle();
}

/// What a side's owner does with its calls, decided by the called number, which is unique: so both ends of a call find
/// each other.
#[derive(Default)]
struct Owner {
    /// Number of each call, dialled or offered.
    numbers: std::collections::HashMap<CallId, String>,
    /// Timeslot of each number that is connected.
    connected: std::collections::HashMap<String, u8>,
    ended: u32,
}

#[test]
fn a_busy_hour_with_collisions_and_a_bad_line_keeps_its_books() {
    for seed in 1..=12u64 {
        let mut pair = Pair::up();
        pair.seed(seed);
        pair.latency = tipring_card::Micros::from_ms(3 + seed * 7);
        if seed % 2 == 0 {
            pair.faults = Faults { lost: 20, doubled: 10, garbled: 0 };
        }
        let mut chance = Seeded(seed * 0x9E37_79B9);
        let mut owners = [Owner::default(), Owner::default()];
        let (mut dialled, mut answered) = (0u32, 0u32);
        for round in 0..6_000u32 {
            let side = if chance.below(2) == 0 { User } else { Network };
            match chance.below(10) {
                0..=2 if round < 5_000 => {
                    let called = format!("{}{round:05}", side as u8);
                    let wish = chance.below(3) as u8;
                    let slot = 1 + chance.below(12) as u8;
                    let call = pair.trunk(side).next_call_id();
                    owners[side as usize].numbers.insert(call, called.clone());
                    dialled += 1;
                    let mut request = tipring_isdn::SetupRequest::speech(call, number(&called), tipring_card::Law::A);
                    request.timeslot = (wish > 0).then_some(slot);
                    request.exclusive = wish == 2;
                    pair.command(side, Command::Setup(request));
                }
                3 | 4 => {
                    let all: Vec<_> = owners[side as usize].numbers.keys().copied().collect();
                    let mut all = all;
                    all.sort();
                    if let Some(call) = all.get(chance.below(all.len() as u64) as usize) {
                        pair.command(side, Command::Disconnect(*call, Cause::NORMAL));
                    }
                }
                _ => pair.run_ms(chance.below(300)),
            }
            for side in [User, Network] {
                for event in pair.take(side) {
                    let owner = &mut owners[side as usize];
                    match event {
                        Event::Incoming(offer) => {
                            owner.numbers.insert(offer.call, offer.called.digits.as_str().to_string());
                            let command = match chance.below(6) {
                                0 => Command::Reject(offer.call, Cause::USER_BUSY),
                                1 => Command::Alerting(offer.call, true),
                                _ => Command::Connect(offer.call),
                            };
                            pair.command(side, command);
                        }
                        Event::Connected { call, timeslot } => {
                            answered += 1;
                            let called = owner.numbers[&call].clone();
                            owner.connected.insert(called.clone(), timeslot);
                            if let Some(far) = owners[side.other() as usize].connected.get(&called) {
                                assert_eq!(*far, timeslot, "seed {seed}: both ends of {called} on one channel");
                            }
                        }
                        Event::Released { call, .. } => {
                            assert!(owner.numbers.remove(&call).is_some(), "seed {seed}: {call:?} ends twice");
                            owner.ended += 1;
                        }
                        _ => {}
                    }
                }
            }
        }
        pair.faults = Faults::default();
        for _ in 0..40 {
            pair.run_ms(20_000);
            for side in [User, Network] {
                let mut left: Vec<_> = owners[side as usize].numbers.keys().copied().collect();
                left.sort();
                for call in left {
                    pair.command(side, Command::Disconnect(call, Cause::NORMAL));
                }
                for event in pair.take(side) {
                    match event {
                        Event::Released { call, .. } => {
                            owners[side as usize].numbers.remove(&call);
                        }
                        Event::Incoming(offer) => pair.command(side, Command::Reject(offer.call, Cause::NORMAL)),
                        _ => {}
                    }
                }
            }
        }
        pair.assert_idle();
        assert!(answered > dialled / 2, "seed {seed}: {answered} answers, {dialled} calls");
        let collisions = pair.trunk(User).counters().calls.collisions;
        assert!(collisions > 5, "seed {seed}: {collisions} collisions");
        let counters = pair.trunk(User).counters();
        assert_eq!((counters.calls.dropped, counters.link.dropped_outputs), (0, 0));
    }
}

#[test]
fn a_trunk_has_a_known_size() {
    let octets = std::mem::size_of::<tipring_isdn::Trunk>();
    assert!(octets < 160 * 1024, "{octets}");
}
