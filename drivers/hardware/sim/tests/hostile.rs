//! What nobody sensible does: any operation on any channel at any time, and any octets on a D channel. Nothing panics,
//! nothing grows without end, and a good call still works afterwards.

use tipring_card::{Card, CardError, Cause, Channel, ChannelId, Hook, Law, Setup};
use tipring_sim::{
    Call, Clearing, DialTone, Echo, LineFault, Office, OfficeConfig, Reply, Seed, Side, Step, Trouble, Wire, WireConfig,
};

use crate::{
    subscriber::{answers, subscribers_of},
    support::{SPAN, World, answer, ms, stay},
};

#[test]
fn any_use_of_channels_gives_an_answer_and_never_panics() {
    for seed in 0..20 {
        let wire = Wire::new(WireConfig { analog_ports: 3, seed, ..WireConfig::default() });
        let mut cards = [wire.near(), wire.far()];
        let mut chance = Seed::new(seed);
        let mut open: Vec<Box<dyn Channel>> = Vec::new();
        for _ in 0..5_000 {
            act(&mut chance, &wire, &mut cards, &mut open);
        }
        assert!(wire.now() > ms(1_000));
        if seed % 2 == 1 {
            wire.remove(Side::Near);
            let gone = |channel: &mut Box<dyn Channel>| channel.event() == Err(CardError::Gone);
            assert!(open.iter_mut().filter_map(|channel| gone(channel).then_some(())).count() > 0 || open.is_empty());
            for _ in 0..500 {
                act(&mut chance, &wire, &mut cards, &mut open);
            }
        }
    }
}

fn act(chance: &mut Seed, wire: &Wire, cards: &mut [tipring_sim::SimCard; 2], open: &mut Vec<Box<dyn Channel>>) {
    let mut buffer = [0x2A; 2_000];
    let length = [0, 1, 2, 79, 80, 81, 1_024, 2_000][chance.below(8) as usize];
    let what = chance.below(12);
    let number = chance.below(open.len() as u64 + 1) as usize;
    let Some(channel) = open.get_mut(number).filter(|_| what < 10) else {
        match what {
            0..=8 => open.extend(cards[chance.below(2) as usize].open(ChannelId(chance.below(40) as u16)).ok()),
            9 => drop((!open.is_empty()).then(|| open.swap_remove(0))),
            10 => wire.plug(SPAN, chance.below(4) > 0),
            _ => wire.step(wire.now() + ms(chance.below(40))),
        }
        return;
    };
    match what {
        0 => {
            let _ =
                channel.setup([Setup::Audio(Law::A), Setup::Audio(Law::Mu), Setup::Frames][chance.below(3) as usize]);
        }
        1 | 2 => allowed(channel.read(&mut buffer[..length]), length),
        3 | 4 => allowed(channel.write(&buffer[..length]), length),
        5 => {
            let _ = channel.flush();
        }
        6 | 7 => {
            let hooks = [Hook::OnHook, Hook::OffHook, Hook::Start, Hook::Flash, Hook::Ring, Hook::RingOff];
            let _ = channel.hook(hooks[chance.below(6) as usize]);
        }
        8 => {
            let _ = channel.dial(["T123", "W", "", "T9é", "ABCD*#"][chance.below(5) as usize]);
        }
        _ => {
            let _ = channel.event();
        }
    }
}

/// The answers that a read or a write may give, whatever was asked.
#[track_caller]
fn allowed(answer: Result<usize, CardError>, length: usize) {
    match answer {
        Ok(octets) => assert!(octets > 0 && octets <= length.min(1_024), "{octets} of {length}"),
        Err(CardError::Again | CardError::EventPending | CardError::Gone | CardError::Invalid) => {}
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn any_octets_on_the_d_channel_leave_the_exchange_whole() {
    let mut world = World::good(vec![stay()]);
    let mut near = world.wire.near();
    let mut chance = Seed::new(9);
    let mut d = near.open(ChannelId(16)).unwrap();
    d.setup(Setup::Frames).unwrap();
    for _ in 0..3_000 {
        let mut frame: Vec<u8> = (0..chance.below(60)).map(|_| chance.draw() as u8).collect();
        if frame.len() > 8 && chance.below(3) > 0 {
            // An address and a control field that fit, and Q.931 with a call reference.
            let (ns, nr) = (chance.draw() as u8 & 0xFE, chance.draw() as u8);
            frame[..8].copy_from_slice(&[0x00, 0x01, ns, nr, 0x08, 0x02, 0x00, chance.below(3) as u8]);
        }
        if chance.below(20) == 0 {
            frame = vec![0x00, 0x01, 0x7F, 0, 0]; // SABME: start again
        }
        frame.extend([0, 0]);
        let _ = d.write(&frame);
        while let Ok(Some(_)) = d.event() {}
        while d.read(&mut [0; 1_024]).is_ok() {}
        world.wire.step(world.wire.now() + ms(10));
        world.exchange.step(world.wire.now());
    }
    drop(d);
    world.run(ms(60_000));
    world.exchange.take_finished();
    world.rings("after", "100", vec![answer(), Step::hangup()]);
    world.run_out(ms(200_000));
    let after = world.exchange.take_finished().into_iter().find(|call| call.id == "after").unwrap();
    assert_eq!(after.cause, Some(Cause::NORMAL), "{after}");
}

#[test]
fn a_dialled_number_is_heard_at_the_far_port() {
    let wire = Wire::new(WireConfig { spans: 0, analog_ports: 1, ..WireConfig::default() });
    let (mut near, mut far) = (wire.near(), wire.far());
    let mut near = near.open(ChannelId(1)).unwrap();
    let mut far = far.open(ChannelId(1)).unwrap();
    far.setup(Setup::Audio(Law::A)).unwrap();
    near.setup(Setup::Audio(Law::A)).unwrap();
    let mut detector = tipring_dsp::Detector::new();
    let mut keys = String::new();
    let mut hear = |far: &mut Box<dyn Channel>, limit: u64| {
        for _ in 0..limit {
            wire.step(wire.now() + ms(10));
            while far.event().unwrap().is_some() {}
            let (mut block, mut samples) = ([0; 80], [0; 80]);
            while far.read(&mut block).is_ok() {
                tipring_dsp::g711::Companding::A.decode_into(&block, &mut samples);
                detector.feed(&samples, |key| keys.push(char::from(key)));
            }
        }
        keys.clone()
    };
    near.dial("T99").unwrap();
    assert_eq!(hear(&mut far, 50), "", "on hook nothing is heard");
    near.hook(Hook::OffHook).unwrap();
    hear(&mut far, 10);
    near.dial("T2025550").unwrap();
    assert_eq!(hear(&mut far, 200), "2025550");
}

#[test]
fn any_box_leaves_the_office_whole() {
    let mut joined = 0;
    for seed in 0..60 {
        let mut chance = Seed::new(seed);
        let wire = Wire::new(WireConfig { spans: 0, analog_ports: 2, seed, ..WireConfig::default() });
        let config = office_of_chance(&mut chance);
        let mut office = Office::new(wire.far(), config);
        let mut near = wire.near();
        let mut lines: Vec<_> = (1..=2).filter_map(|id| near.open(ChannelId(id)).ok()).collect();
        assert_eq!(lines.len(), 2);
        let hooks = [Hook::OnHook, Hook::OffHook, Hook::Start, Hook::Flash, Hook::Ring];
        for n in 0..2_000 {
            let line = chance.below(2) as usize;
            match chance.below(8) {
                0 => {
                    let _ = lines[line].hook(hooks[chance.below(5) as usize]);
                }
                1 => {
                    let _ = lines[line].dial(["1", "2", "3", "77W*#D"][chance.below(4) as usize]);
                }
                2 if n % 9 == 0 => {
                    let steps =
                        vec![Step::AwaitAnswer { limit_ms: chance.below(9_000) as u32 }, Step::Wait { ms: 900 }];
                    let wish = (chance.below(2) == 0).then_some(ChannelId(line as u16 + 1));
                    let call =
                        Call { at: wire.now(), line: wish, restricted: chance.below(2) == 0, steps, ..Call::default() };
                    office.ring(call).unwrap();
                }
                2 if n % 40 == 1 => {
                    let line = ChannelId(chance.below(4) as u16);
                    wire.trouble(Trouble::LineCut { line, lasts: ms(chance.below(3_000)) });
                }
                3 if n % 50 == 0 => wire.plug(SPAN, chance.below(3) > 0),
                _ => {
                    wire.step(wire.now() + ms(chance.below(200)));
                    office.step(wire.now());
                }
            }
        }
        // The cable is in, the box hangs up: everything comes to an end and every call has one.
        wire.plug(SPAN, true);
        for line in &mut lines {
            let _ = line.hook(Hook::OnHook);
        }
        for _ in 0..3_000 {
            wire.step(wire.now() + ms(10));
            office.step(wire.now());
        }
        let story = || office.trace().iter().map(|line| format!("{line}\n")).collect::<String>();
        assert!(office.is_idle(), "seed {seed}: {:?}\n{}", office.busy_lines(), story());
        for report in office.take_finished() {
            assert!(
                report.cause.is_some() && report.by.is_some() && report.released_at.is_some(),
                "seed {seed}: {report}"
            );
            joined += usize::from(report.id.ends_with("-rung") && report.connected_at.is_some());
        }
    }
    assert!(joined > 2, "{joined} calls from line to line were answered");
}

fn office_of_chance(chance: &mut Seed) -> OfficeConfig {
    let clearings = [
        Clearing::BatteryDrop,
        Clearing::BatteryDropThenBusyTone,
        Clearing::BusyTone,
        Clearing::Reversal,
        Clearing::ReversalThenBusyTone,
        Clearing::DialTone,
        Clearing::Nothing,
    ];
    let tones = [DialTone::After(ms(200)), DialTone::Silent, DialTone::Dead];
    let replies = vec![
        ("1", answers(300, vec![Step::Wait { ms: 500 }])),
        ("2", Reply::RingForever),
        ("3", Reply::Refuse(Cause(chance.below(128) as u8))),
        ("", Reply::Ignore),
    ];
    let numbers = [vec![], vec![("1".into(), 1), ("2".into(), 2), ("3".into(), 0)]];
    let echo = Some(Echo { loss_db: 3.0, delay_ms: chance.below(50) as u16 });
    let fault = LineFault { line: chance.below(4) as u8, loss_db: 3.0, echo, ..LineFault::default() };
    OfficeConfig {
        line_numbers: numbers[chance.below(2) as usize].clone(),
        lines_differ: vec![fault],
        subscribers: subscribers_of(replies),
        clearing: clearings[chance.below(7) as usize],
        clearing_after: ms(chance.below(2) * 900),
        dial_tone: tones[chance.below(3) as usize],
        digit_pause: ms(300),
        first_digit: ms(3_000),
        line_wait: ms(500),
        reversal_on_answer: chance.below(2) == 0,
        reversal_on_seizure: chance.below(2) == 0,
        ring_delay: ms(chance.below(2) * 700),
        ..OfficeConfig::default()
    }
}
