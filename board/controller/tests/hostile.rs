//! Frames that nobody should send, by seed: random, mutated, right in their check sum and wrong in what they say. None may
//! move a relay, make either end panic, or leave it deaf. A million of each where `TIPRING_SOAK` is set.

use tipring_controller::codec::{Frame, MAX_PAYLOAD, Payload};
use tipring_controller::firmware;
use tipring_controller::host::{Host, Input};
use tipring_controller::words::{ToChip, ToHost};
use tipring_controller::{Firmware, Millis};

use crate::line::{BOARD, Pair, Seed, config, runs};

/// A frame of a message of the host's to begin with: in the session or not.
fn good(seed: &mut Seed) -> Frame {
    let message = match seed.next(6) {
        0 => ToChip::Hello { service: seed.next(1 << 32) as u32, oldest: 1, newest: 1, watchdog_ms: 700 },
        1 => ToChip::Feed { beat: seed.next(1 << 32) as u32, lasts_ms: 900 },
        2 | 3 => ToChip::SetRelay { relay: seed.next(4) as u8, energised: seed.next(2) == 0 },
        4 => ToChip::TestRelay { relay: seed.next(4) as u8, test: seed.next(256) as u8 },
        _ => ToChip::Ask,
    };
    let (kind, payload) = message.encode();
    let session = if seed.next(4) > 0 { 0xfff1 } else { seed.next(1 << 16) as u16 };
    Frame { version: 1, session, sequence: seed.next(256) as u8, kind, payload }
}

/// Octets that are no frame of the host's any more: hurt on the line, or inside with a right check sum.
fn wrong(seed: &mut Seed) -> Vec<u8> {
    let mut frame = good(seed);
    if seed.next(2) == 0 {
        // One that was made so: what it carries is hurt where it is said twice, or it is of another kind altogether.
        let length = seed.next(MAX_PAYLOAD as u64 + 1) as usize;
        frame.payload = match seed.next(3) {
            0 => Payload::from_slice(&vec![seed.next(256) as u8; length]).unwrap_or_default(),
            1 => (0..length).map(|_| seed.next(256) as u8).collect(),
            _ => frame.payload.iter().map(|octet| octet ^ (1 << seed.next(8))).take(3).collect(),
        };
        frame.kind = [1, 3, 5, seed.next(256) as u8 | 8][seed.next(4) as usize];
        return frame.encode().to_vec();
    }
    let mut octets = frame.encode().to_vec();
    for _ in 0..=seed.next(8) {
        let at = seed.next(octets.len() as u64) as usize;
        match seed.next(5) {
            0 => octets[at] ^= 1 << seed.next(8),
            1 => octets[at] = seed.next(256) as u8,
            2 => octets.truncate(at.max(1)),
            3 => octets.insert(at, seed.next(256) as u8),
            _ => octets.extend_from_within(..at),
        }
    }
    // Hurt back into what it was is no wrong frame.
    if octets.windows(2).all(|two| two != [0, 0]) && octets.len() < 100 { octets } else { vec![0x55, 0] }
}

#[test]
fn a_million_wrong_frames_move_no_relay() {
    let mut seed = Seed(77);
    let mut pair = Pair::new(60_000, 12);
    pair.wants();
    pair.until(1000, "begun", Pair::is_as_wanted);
    pair.beat_every_ms = 0;
    let food = pair.now;
    let mut whole = 0;
    for run in 0..runs(30_000) {
        let octets = if seed.next(4) == 0 {
            (0..seed.next(90)).map(|_| seed.next(256) as u8).collect()
        } else {
            wrong(&mut seed)
        };
        // What is right by chance is as good as the host's own, and is left out; the chip judges all others.
        if is_moving(&octets) {
            whole += 1;
            continue;
        }
        pair.noise(&octets);
        assert_eq!(pair.chip.relays(), 0b101, "run {run}: {octets:02x?}");
    }
    assert!(pair.now == food && whole < runs(30_000) / 4, "{whole} were as good as the host's");
    pair.noise(&[0]);
    pair.beat_every_ms = 10;
    pair.until(2500, "as before", Pair::is_as_wanted);
}

/// Whether there is a message among the octets that may move a relay, whole, and said twice as it must be.
fn is_moving(octets: &[u8]) -> bool {
    let mut decoder = tipring_controller::codec::Decoder::default();
    let mut frames = [0].iter().chain(octets).chain(&[0]).filter_map(|octet| decoder.push(*octet)).flatten();
    frames.any(|frame| {
        let message = ToChip::decode(frame.kind, &frame.payload);
        matches!(
            message,
            Ok(ToChip::SetRelay { .. } | ToChip::TestRelay { .. } | ToChip::Hello { .. } | ToChip::Feed { .. })
        )
    })
}

#[test]
fn any_octets_at_all_leave_the_chip_hearing_and_its_queue_bounded() {
    let mut seed = Seed(78);
    let mut chip = Firmware::new(Millis(0), BOARD, tipring_controller::words::Reset::PowerOn);
    for run in 0..runs(30_000) {
        let octets = if seed.next(3) == 0 { good(&mut seed).encode().to_vec() } else { wrong(&mut seed) };
        chip.handle(Millis(run / 4), firmware::Input::Octets(&octets));
        assert!(chip.relays() == 0 || chip.status().fed, "run {run}");
        if seed.next(8) == 0 {
            let sent = std::iter::from_fn(|| chip.poll()).count();
            assert!(sent <= 12, "{sent} frames waited");
        }
    }
    let (kind, payload) = ToChip::Hello { service: 1, oldest: 1, newest: 1, watchdog_ms: 700 }.encode();
    let hello = Frame { version: 1, session: 9, sequence: 0, kind, payload }.encode();
    while chip.poll().is_some() {}
    chip.handle(Millis(runs(30_000)), firmware::Input::Octets(&hello));
    while chip.poll().is_some() {}
    assert!(chip.deadline().is_some());
    let stale = chip.counters().stale;
    let again = Frame { version: 1, session: 9, sequence: 0, kind: 6, payload: Payload::new() }.encode();
    chip.handle(Millis(runs(30_000)), firmware::Input::Octets(&again));
    assert_eq!(chip.counters().stale, stale + 1, "it hears, and knows its session");
}

#[test]
fn a_chip_that_says_anything_at_all_neither_stops_the_host_nor_fills_it() {
    let mut seed = Seed(79);
    let mut host = Host::new(config(2000));
    host.handle(Millis(0), Input::Opened);
    for run in 0..runs(30_000) {
        let now = Millis(run / 2);
        let kind = 0x81 + seed.next(8) as u8;
        let octets = match seed.next(3) {
            0 => wrong(&mut seed),
            1 => {
                let payload: Payload = (0..seed.next(30)).map(|_| seed.next(256) as u8).collect();
                let session = 0xfff1_u16.wrapping_add((seed.next(3)) as u16);
                Frame { version: 1, session, sequence: seed.next(256) as u8, kind, payload }.encode().to_vec()
            }
            _ => {
                let refusal = tipring_controller::words::Refusal::from_octet(1 + seed.next(7) as u8).expect("seven");
                let of = seed.next(256) as u8;
                let status = tipring_controller::words::Status::default();
                let message = match seed.next(3) {
                    0 => ToHost::Ack { of, status },
                    1 => ToHost::Nak { of, kind: 3, reason: refusal, status },
                    _ => ToHost::Started(tipring_controller::words::Reset::Pin),
                };
                let (kind, payload) = message.encode();
                let session = host_session(&mut seed);
                Frame { version: 1, session, sequence: seed.next(256) as u8, kind, payload }.encode().to_vec()
            }
        };
        host.handle(now, Input::Octets(&octets));
        host.handle(now, Input::Relay { relay: seed.next(9) as u8, energised: seed.next(2) == 0 });
        host.handle(now, Input::Beat(run));
        let told = std::iter::from_fn(|| host.poll()).count();
        assert!(told <= 64, "run {run}: {told}");
        for _ in 0..8 {
            if host.deadline().is_none_or(|at| at > now) {
                break;
            }
            host.handle(now, Input::Timer);
        }
        assert!(host.deadline().is_none_or(|at| at > now), "run {run}: it does not come to rest");
    }
}

fn host_session(seed: &mut Seed) -> u16 {
    0xfff1_u16.wrapping_add(seed.next(20) as u16)
}
