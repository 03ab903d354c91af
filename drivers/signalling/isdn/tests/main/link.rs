//! The data link, octet by octet and under faults, and what its loss means for calls.

use tipring_card::{Cause, Micros};
use tipring_isdn::q921::codec::{Address, Frame, Supervisory, Unnumbered, decode, encode};
use tipring_isdn::q921::{FrameBuf, Link, LinkInput, MAX_INFO, Upper};
use tipring_isdn::q931::ie::Ie;
use tipring_isdn::q931::message::{Kind, Message};
use tipring_isdn::{By, ChannelState, Command, Config, Event, Fault, Input, Role, Timers};

use crate::support::*;

/// A link of the user and single frames of the network.
struct Bench {
    link: Link,
    now: Micros,
}

fn said(frame: Frame<'_>, command: bool) -> FrameBuf {
    encode(Address::ours(Role::Network, command), frame)
}

fn u(kind: Unnumbered) -> FrameBuf {
    said(Frame::Unnumbered { kind, pf: true }, matches!(kind, Unnumbered::Sabme | Unnumbered::Disc))
}

fn s(kind: Supervisory, nr: u8, pf: bool, command: bool) -> FrameBuf {
    said(Frame::Supervisory { kind, nr, pf }, command)
}

fn i(ns: u8, nr: u8, poll: bool) -> FrameBuf {
    said(Frame::Information { ns, nr, poll, info: &[8, 2, 0, ns] }, true)
}

impl Bench {
    fn up() -> Bench {
        let mut bench = Bench { link: Link::new(Role::User, Timers::of(Role::User)), now: Micros::ZERO };
        bench.link.handle(bench.now, LinkInput::LayerOneUp);
        assert_eq!(bench.frames(), ["SABME p"]);
        bench.hears(&u(Unnumbered::Ua));
        assert_eq!(bench.upper(), [Upper::Up { reset: false, lost: false }]);
        bench
    }

    fn hears(&mut self, frame: &[u8]) {
        self.link.handle(self.now, LinkInput::Frame(frame));
    }

    fn sends(&mut self, count: u8) {
        for n in 0..count {
            self.link.handle(self.now, LinkInput::Data(&[8, 2, 0, n]));
        }
    }

    fn run_ms(&mut self, ms: u64) {
        let end = self.now + Micros::from_ms(ms);
        while let Some(at) = self.link.deadline().filter(|at| *at <= end) {
            self.now = at;
            self.link.handle(at, LinkInput::Timer);
        }
        self.now = end;
    }

    fn frames(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(frame) = self.link.poll_frame() {
            let (address, frame) = decode(&frame).unwrap();
            let command = address.is_command_for(Role::Network);
            let p = |pf, letter: &str| {
                if pf { format!(" {letter}") } else { String::new() }
            };
            let letter = if command { "p" } else { "f" };
            all.push(match frame {
                Frame::Information { ns, nr, poll, .. } => {
                    format!("I {ns} {nr}{}", p(poll, letter))
                }
                Frame::Supervisory { kind, nr, pf } => {
                    format!("{} {nr}{}", format!("{kind:?}").to_uppercase(), p(pf, letter))
                }
                Frame::Unnumbered { kind, pf } => {
                    format!("{}{}", format!("{kind:?}").to_uppercase(), p(pf, letter))
                }
            });
        }
        all
    }

    fn upper(&mut self) -> Vec<Upper> {
        std::iter::from_fn(|| self.link.poll_upper()).collect()
    }
}

#[test]
fn seven_frames_are_sent_ahead_and_no_more() {
    let mut bench = Bench::up();
    bench.sends(10);
    assert_eq!(bench.frames(), ["I 0 0", "I 1 0", "I 2 0", "I 3 0", "I 4 0", "I 5 0", "I 6 0"]);
    bench.hears(&s(Supervisory::Rr, 3, false, false));
    assert_eq!(bench.frames(), ["I 7 0", "I 8 0", "I 9 0"]);
    bench.hears(&i(0, 10, false));
    assert_eq!(bench.frames(), ["RR 1"]);
    bench.run_ms(900);
    assert!(bench.frames().is_empty(), "all is acknowledged, T200 stands");
    assert_eq!(bench.link.counters().retransmissions, 0);
}

#[test]
fn sequence_numbers_go_round() {
    let mut bench = Bench::up();
    for n in 0..300u32 {
        bench.sends(1);
        assert_eq!(bench.frames(), [format!("I {} 0", n % 128)]);
        bench.hears(&s(Supervisory::Rr, ((n + 1) % 128) as u8, false, false));
    }
    for n in 0..300u32 {
        bench.hears(&i((n % 128) as u8, 300u32.rem_euclid(128) as u8, false));
        assert_eq!(bench.frames(), [format!("RR {}", (n + 1) % 128)]);
        assert_eq!(bench.upper().len(), 1);
    }
}

#[test]
fn a_gap_is_rejected_once_and_filled() {
    let mut bench = Bench::up();
    bench.hears(&i(1, 0, false));
    bench.hears(&i(2, 0, false));
    bench.hears(&i(3, 0, true));
    assert_eq!(bench.frames(), ["REJ 0", "RR 0 f"]);
    assert!(bench.upper().is_empty());
    bench.hears(&i(0, 0, false));
    bench.hears(&i(1, 0, false));
    assert_eq!(bench.frames(), ["RR 1", "RR 2"]);
    assert_eq!(bench.upper().len(), 2);
    assert_eq!(bench.link.counters().out_of_order, 3);
}

#[test]
fn a_reject_is_answered_from_where_it_says() {
    let mut bench = Bench::up();
    bench.sends(4);
    bench.frames();
    bench.hears(&s(Supervisory::Rej, 2, false, false));
    assert_eq!(bench.frames(), ["I 2 0", "I 3 0"]);
    assert_eq!(bench.link.counters().retransmissions, 2);
    bench.hears(&s(Supervisory::Rej, 2, true, true));
    assert_eq!(bench.frames(), ["RR 0 f", "I 2 0", "I 3 0"]);
}

#[test]
fn a_busy_far_end_is_asked_until_it_is_ready() {
    let mut bench = Bench::up();
    bench.hears(&s(Supervisory::Rnr, 0, false, true));
    bench.sends(2);
    assert!(bench.frames().is_empty());
    for _ in 0..20 {
        bench.run_ms(1_000);
        assert_eq!(bench.frames(), ["RR 0 p"]);
        bench.hears(&s(Supervisory::Rnr, 0, true, false));
    }
    bench.hears(&s(Supervisory::Rr, 0, false, true));
    assert_eq!(bench.frames(), ["I 0 0", "I 1 0"]);
    assert!(bench.link.is_up());
}

#[test]
fn a_lost_frame_is_found_by_a_poll_and_sent_again() {
    let mut bench = Bench::up();
    bench.sends(1);
    bench.frames();
    bench.run_ms(1_000);
    assert_eq!(bench.frames(), ["RR 0 p"]);
    bench.sends(1);
    assert!(bench.frames().is_empty(), "nothing new while a poll is out");
    bench.hears(&s(Supervisory::Rr, 0, true, false));
    assert_eq!(bench.frames(), ["I 0 0", "I 1 0"]);
    assert_eq!(bench.link.counters().retransmissions, 1);
}

#[test]
fn silence_is_asked_after_ten_seconds() {
    let mut bench = Bench::up();
    bench.run_ms(9_900);
    assert!(bench.frames().is_empty());
    bench.run_ms(200);
    assert_eq!(bench.frames(), ["RR 0 p"]);
    bench.hears(&s(Supervisory::Rr, 0, true, false));
    bench.run_ms(5_000);
    assert!(bench.frames().is_empty());
}

#[test]
fn three_polls_without_an_answer_establish_anew_and_then_the_link_is_down() {
    let mut bench = Bench::up();
    bench.run_ms(10_000);
    bench.run_ms(3_000);
    assert_eq!(bench.frames(), ["RR 0 p", "RR 0 p", "RR 0 p", "SABME p"]);
    assert!(bench.link.is_up(), "not yet reported");
    bench.run_ms(3_900);
    assert_eq!(bench.frames(), ["SABME p", "SABME p", "SABME p"], "repeated N200 times");
    assert!(bench.upper().is_empty());
    bench.run_ms(100);
    assert_eq!(bench.upper(), [Upper::Down]);
    bench.run_ms(2_000);
    assert_eq!(bench.frames(), ["SABME p"], "tried again after a pause");
    bench.hears(&u(Unnumbered::Ua));
    assert_eq!(bench.upper(), [Upper::Up { reset: false, lost: false }]);
}

#[test]
fn what_breaks_the_procedure_establishes_anew() {
    let long = [0u8; MAX_INFO + 5];
    let mut long_frame = long.to_vec();
    long_frame[..2].copy_from_slice(&[0x02, 0x01]);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("FRMR", said(Frame::Unnumbered { kind: Unnumbered::Frmr, pf: false }, false).to_vec()),
        ("DM", said(Frame::Unnumbered { kind: Unnumbered::Dm, pf: false }, false).to_vec()),
        ("N(R)", s(Supervisory::Rr, 5, false, false).to_vec()),
        ("N(R) of an I frame", i(0, 99, false).to_vec()),
        ("undefined control", vec![0x02, 0x01, 0xFF]),
        ("length", vec![0x02, 0x01, 0x01, 0x00, 0x00]),
        ("too long", long_frame),
    ];
    for (name, frame) in cases {
        let mut bench = Bench::up();
        bench.hears(&frame);
        assert!(bench.frames().contains(&"SABME p".to_string()), "{name}");
        bench.upper();
        bench.hears(&u(Unnumbered::Ua));
        assert_eq!(bench.upper(), [Upper::Up { reset: true, lost: false }], "{name}");
    }
}

#[test]
fn the_far_end_may_reset_disconnect_and_refuse() {
    let mut bench = Bench::up();
    bench.sends(9);
    bench.frames();
    bench.hears(&u(Unnumbered::Sabme));
    assert_eq!(bench.frames(), ["UA f", "I 0 0", "I 1 0"], "what was sent is lost, what waited goes out");
    assert_eq!(bench.upper(), [Upper::Up { reset: true, lost: true }]);
    assert_eq!(bench.link.counters().dropped_messages, 7);
    bench.hears(&u(Unnumbered::Disc));
    assert_eq!(bench.frames(), ["UA f"]);
    assert_eq!(bench.upper(), [Upper::Down]);
    bench.hears(&s(Supervisory::Rr, 0, true, true));
    assert_eq!(bench.frames(), ["DM f"]);
    bench.hears(&u(Unnumbered::Disc));
    assert_eq!(bench.frames(), ["DM f"]);
    bench.run_ms(2_000);
    assert_eq!(bench.frames(), ["SABME p"]);
    bench.hears(&u(Unnumbered::Dm));
    bench.run_ms(1_900);
    assert!(bench.frames().is_empty());
    bench.run_ms(200);
    assert_eq!(bench.frames(), ["SABME p"]);
    assert!(bench.upper().is_empty(), "it was down all the time");
}

#[test]
fn invalid_and_foreign_frames_change_nothing() {
    let mut bench = Bench::up();
    for frame in
        [&[][..], &[2], &[2, 1], &[3, 1, 0x7F], &[2, 0, 0x7F], &[0xFC, 0xFF, 3, 15], &[2, 3, 0x7F], &[2, 1, 0xAF]]
    {
        bench.hears(frame);
        assert!(bench.frames().is_empty(), "{frame:02x?}");
    }
    bench.link.handle(bench.now, LinkInput::Data(&[0; MAX_INFO + 1]));
    assert!(bench.frames().is_empty());
    let counters = bench.link.counters();
    assert_eq!((counters.invalid_frames, counters.foreign_frames, counters.ignored_frames), (5, 2, 1));
    assert_eq!(counters.dropped_messages, 1);
    assert!(bench.link.is_up());
}

#[test]
fn messages_arrive_once_and_in_order_on_a_bad_line() {
    for seed in 1..20 {
        let mut chance = Seeded(seed * 7919);
        let mut links = [Role::User, Role::Network].map(|role| Link::new(role, Timers::of(role)));
        let mut wire: Vec<(Micros, usize, Vec<u8>)> = Vec::new();
        let mut got: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
        let mut now = Micros::ZERO;
        let mut next = [0u32; 2];
        let mut resets = 0;
        for link in &mut links {
            link.handle(now, LinkInput::LayerOneUp);
        }
        for tick in 0..60_000u64 {
            now = Micros::from_ms(tick);
            for side in 0..2 {
                if links[side].deadline().is_some_and(|at| at <= now) {
                    links[side].handle(now, LinkInput::Timer);
                }
                if tick > 2_000 && tick < 40_000 && tick % 97 == 0 && links[side].is_up() {
                    links[side].handle(now, LinkInput::Data(&next[side].to_be_bytes()));
                    next[side] += 1;
                }
                while let Some(frame) = links[side].poll_frame() {
                    for _ in 0..[1, 1, 1, 1, 1, 1, 1, 1, 0, 2][chance.below(10) as usize] {
                        wire.push((now + Micros::from_ms(3), 1 - side, frame.to_vec()));
                    }
                }
                while let Some(upper) = links[side].poll_upper() {
                    match upper {
                        Upper::Data(octets) => got[side].push(u32::from_be_bytes(octets[..].try_into().unwrap())),
                        Upper::Up { reset: true, .. } => resets += 1,
                        _ => {}
                    }
                }
            }
            let (due, later) = wire.into_iter().partition(|(at, ..)| *at <= now);
            wire = later;
            let due: Vec<(Micros, usize, Vec<u8>)> = due;
            for (_, to, frame) in due {
                links[to].handle(now, LinkInput::Frame(&frame));
            }
        }
        for side in 0..2 {
            assert!(got[side].windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: order");
            if resets == 0 {
                assert_eq!(got[side].len() as u32, next[1 - side], "seed {seed}: nothing is lost");
            }
            assert!(got[side].len() > 300, "seed {seed}: {}", got[side].len());
        }
    }
}

#[test]
fn the_far_end_may_start_late_and_the_first_frames_may_be_lost() {
    for first in [User, Network] {
        let mut pair = Pair::of(Config::e1(Role::User), Config::e1(Role::Network));
        pair.cut = true;
        pair.input(first, Input::LayerOneUp);
        pair.run_ms(3_000);
        pair.input(first.other(), Input::LayerOneUp);
        pair.cut = false;
        pair.run_ms(1_500);
        assert_eq!(pair.take(User), [Event::LinkUp]);
        assert_eq!(pair.take(Network), [Event::LinkUp]);
    }
    let mut pair = Pair::of(Config::e1(Role::User), Config::e1(Role::Network));
    pair.input(User, Input::LayerOneUp);
    pair.run_ms(60_000);
    pair.input(Network, Input::LayerOneUp);
    pair.run_ms(3_000);
    assert!(pair.trunk(User).link_is_up(), "however late");
}

#[test]
fn two_ends_of_one_role_are_told_apart_from_a_dead_line() {
    let mut pair = Pair::of(Config::e1(Role::User), Config::e1(Role::User));
    pair.input(User, Input::LayerOneUp);
    pair.input(Network, Input::LayerOneUp);
    pair.run_ms(1_500);
    let told = Event::ProtocolError { call: None, fault: Fault::SameRole };
    assert!(pair.take(User).contains(&told));
    assert!(!pair.trunk(User).link_is_up());
}

#[test]
fn active_calls_survive_a_lost_link_and_the_others_do_not() {
    for gap_ms in [10_000, 80_000] {
        let mut pair = Pair::up();
        let (a, b) = pair.connected(User);
        let ringing = pair.dial(Network, "2");
        pair.settle();
        let offered = pair.offered(User);
        pair.command(User, Command::Alerting(offered, false));
        pair.settle();
        pair.take(Network);
        pair.input(User, Input::LayerOneDown);
        pair.input(Network, Input::LayerOneDown);
        assert_eq!(pair.take(User), [released(offered, 27, By::Link), Event::LinkDown]);
        assert_eq!(pair.take(Network), [released(ringing, 27, By::Link), Event::LinkDown]);
        let refused = pair.dial(User, "3");
        assert_eq!(pair.take(User), [released(refused, 38, By::Link)]);
        pair.run_ms(gap_ms);
        pair.input(User, Input::LayerOneUp);
        pair.input(Network, Input::LayerOneUp);
        pair.run_ms(30_000);
        assert_eq!((pair.take(User), pair.take(Network)), (vec![Event::LinkUp], vec![Event::LinkUp]));
        assert_eq!(pair.trunk(User).call_state(a), Some(10));
        assert_eq!(pair.trunk(Network).call_state(b), Some(10));
        pair.command(Network, Command::Disconnect(b, Cause::NORMAL));
        pair.settle();
        pair.assert_idle();
    }
}

#[test]
fn past_t309_the_calls_end_with_27() {
    let mut pair = Pair::up();
    let (a, b) = pair.connected(Network);
    pair.input(User, Input::LayerOneDown);
    pair.input(Network, Input::LayerOneDown);
    pair.run_ms(89_000);
    assert_eq!(pair.take(User), [Event::LinkDown]);
    pair.run_ms(2_000);
    assert_eq!(pair.take(User), [released(b, 27, By::Link)]);
    assert_eq!(pair.take(Network), [Event::LinkDown, released(a, 27, By::Link)]);
    pair.assert_idle();
}

#[test]
fn a_call_that_ends_without_a_link_is_released_when_it_is_back() {
    let mut pair = Pair::up();
    let (a, b) = pair.connected(User);
    pair.input(User, Input::LayerOneDown);
    pair.input(Network, Input::LayerOneDown);
    pair.command(User, Command::Disconnect(a, Cause::NORMAL));
    pair.run_ms(5_000);
    pair.input(User, Input::LayerOneUp);
    pair.input(Network, Input::LayerOneUp);
    pair.run_ms(1_000);
    assert!(pair.take(User).contains(&released(a, 16, By::Local)));
    assert!(pair.take(Network).contains(&released(b, 16, By::Remote)));
    pair.assert_idle();
}

#[test]
fn a_far_end_that_forgot_a_call_during_the_loss_is_believed() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.script_calls();
    solo.command(Command::Connect(call));
    solo.say(&plain(reference, Kind::ConnectAck));
    solo.input(Input::LayerOneDown);
    solo.hear();
    solo.run_ms(2_000);
    solo.input(Input::LayerOneUp);
    solo.run_ms(3_000);
    solo.hears(Kind::StatusEnquiry);
    solo.take();
    solo.say(&Message { call_state: Ie::Is(0), ..with_cause(reference, Kind::Status, 30) });
    assert_eq!(solo.take(), [released(call, 101, By::Remote)]);
    assert_eq!(solo.trunk.channel_state(9), ChannelState::Idle);
}

#[test]
fn a_reset_of_the_link_ends_only_calls_that_may_have_lost_digits() {
    for lost in [false, true] {
        let mut config = Config::e1(Role::User);
        config.overlap = true;
        let mut solo = Solo::up(config);
        let (placed, _) = solo.trunk_calls();
        let (call, _) = solo.script_calls();
        solo.deaf = lost;
        solo.command(Command::SetupAck(call));
        solo.say_frame(&u(Unnumbered::Sabme));
        assert!(!solo.take().contains(&Event::LinkDown));
        let expected = if lost { 11 } else { 25 };
        assert_eq!(solo.trunk.call_state(call), Some(expected));
        assert_eq!(solo.trunk.call_state(placed), Some(1));
    }
}

#[test]
fn a_far_end_that_started_anew_is_asked_about_active_calls() {
    let mut solo = Solo::up(Config::e1(Role::User));
    let (call, reference) = solo.script_calls();
    solo.command(Command::Connect(call));
    solo.say(&plain(reference, Kind::ConnectAck));
    solo.hear();
    solo.take();
    // Its link knows nothing, its SABME comes without any DISC.
    solo.link = Link::new(Role::Network, Timers::of(Role::Network));
    solo.link.handle(solo.now, LinkInput::LayerOneUp);
    solo.input(Input::Timer);
    solo.hears(Kind::StatusEnquiry);
    solo.say(&with_cause(reference, Kind::ReleaseComplete, 81));
    assert_eq!(solo.take(), [released(call, 81, By::Remote)]);
}

#[test]
fn calls_get_through_on_a_bad_line() {
    let mut connected = 0;
    for seed in 1..=20 {
        let mut pair = Pair::up();
        pair.seed(seed);
        pair.faults = Faults { lost: 50, doubled: 20, garbled: 0 };
        for _ in 0..10 {
            let a = pair.dial(User, "1");
            pair.run_ms(4_000);
            let Some(b) = pair.take(Network).iter().find_map(incoming) else {
                continue;
            };
            pair.command(Network, Command::Proceeding(b));
            pair.command(Network, Command::Connect(b));
            pair.run_ms(4_000);
            let is_up = |e: &Event| matches!(e, Event::Connected { call, .. } if *call == a);
            connected += usize::from(pair.take(User).iter().any(is_up));
            pair.command(User, Command::Disconnect(a, Cause::NORMAL));
            pair.run_ms(4_000);
            pair.take(User);
            pair.take(Network);
        }
        pair.faults = Faults::default();
        pair.run_ms(60_000);
        pair.assert_idle();
    }
    assert!(connected >= 198, "{connected} of 200");
}
