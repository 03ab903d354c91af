//! What an analogue line is made louder by: levels at both ends, measured.

use tipring_dsp::g711::Companding;
use tipring_dsp::{Tone, dbm0_of, ulaw_decode};
use tipring_lines::AnalogLine;
use tipring_switch::TapId;

use super::*;

/// What both sides say, in dBm0.
const SAID: f32 = -20.0;

fn with_gains(receive_gain_db: i8, send_gain_db: i8) -> LinesConfig {
    let line = AnalogLine { line: "sim 1/1".into(), receive_gain_db, send_gain_db, ..AnalogLine::default() };
    LinesConfig { analog_lines: vec![line], ..LinesConfig::default() }
}

/// A line at an office, and somebody to be called there.
fn bench(lines: LinesConfig) -> Bench {
    let wire = WireConfig { spans: 0, analog_ports: 1, ..WireConfig::default() };
    let answers = Reply::Answer {
        rings: Micros::from_ms(4_500),
        steps: vec![Step::Tone { hz: 700.0, ms: 3_000, level_dbm0: SAID }, Step::AwaitHangup { limit_ms: 60_000 }],
    };
    Bench::calling(vec![("5550100", answers)], Setting { wire, lines, ..Setting::default() })
}

/// A call in, answered: where it is, its caller speaking and the box too. Levels of what the box hears and of what the
/// caller hears, in dBm0.
fn levels(bench: &mut Bench, id: &str) -> (f32, f32) {
    let speaks = Step::Tone { hz: 900.0, ms: 4_000, level_dbm0: SAID };
    let steps = vec![Step::AwaitAnswer { limit_ms: 60_000 }, speaks, Step::AwaitHangup { limit_ms: 60_000 }];
    let from = Some("2025550100".into());
    let call = Call { id: id.into(), at: bench.now, from, to: "100".into(), steps, ..Call::default() };
    bench.office.ring(call).expect("a good call");
    bench.run_ms(6_000);
    let port = bench.lease();
    let calling = bench.told.iter().rev().find_map(|event| match event {
        LineEvent::Incoming { calling, .. } => calling.as_ref().map(|calling| calling.digits.as_str()),
        _ => None,
    });
    assert_eq!(calling, Some("2025550100"), "caller id is heard");
    bench.command(LineCommand::Answer { lease: port });
    bench.run_ms(500);
    bench.heard.clear();
    bench.media.command(Command::Tap { port, tap: TapId(1), both: false, quiet_ms: 0 });
    let (mut tone, play) = (Tone::new(900.0, SAID), PlayId(1));
    bench.media.command(Command::Play { port, play });
    for _ in 0..50 {
        let (mut samples, mut data) = ([0; FEED], [0; FEED]);
        tone.fill(&mut samples);
        Companding::Mu.encode_into(&samples, &mut data);
        bench.media.command(Command::Feed { play, port, len: FEED as u8, data });
        bench.run_ms(20);
    }
    let octets = bench.heard.iter().filter_map(|event| match event {
        Event::Audio { data, .. } => Some(data),
        _ => None,
    });
    let heard: Vec<i16> = octets.flatten().map(|octet| ulaw_decode(*octet)).collect();
    let phone = &bench.office.call(id).expect("the call").phone;
    let said: Vec<i16> = phone.heard().iter().map(|octet| ulaw_decode(*octet)).collect();
    assert!(heard.len() >= 4_000 && said.len() >= 4_000, "{} {}", heard.len(), said.len());
    (dbm0_of(&heard[heard.len() - 4_000..]), dbm0_of(&said[said.len() - 4_000..]))
}

#[track_caller]
fn are(measured: (f32, f32), wanted: (f32, f32)) {
    let far = (measured.0 - wanted.0).abs().max((measured.1 - wanted.1).abs());
    assert!(far < 0.3, "{measured:?} dBm0, and not {wanted:?}");
}

#[test]
fn a_line_is_made_louder_and_softer_as_it_says_each_way_for_itself() {
    are(levels(&mut bench(LinesConfig::default()), "a"), (SAID, SAID));
    for (receive, send) in [(6_i8, -9_i8), (-12, 12), (3, 0), (0, -3)] {
        let wanted = (SAID + f32::from(receive), SAID + f32::from(send));
        are(levels(&mut bench(with_gains(receive, send)), "a"), wanted);
    }
}

#[test]
fn dial_tone_is_heard_and_digits_are_understood_at_every_gain() {
    for (receive, send) in [(-12, -12), (12, 6), (12, 12)] {
        let mut bench = bench(with_gains(receive, send));
        bench.dial("5550100");
        bench.run_ms(18_000);
        let lease = bench.seized().0;
        let story = bench.story(lease);
        assert!(story.contains(&"ringing") && story.last() == Some(&"answered"), "{receive} {send}: {story:?}");
    }
}

#[test]
fn other_gains_count_from_the_next_call_on() {
    let mut bench = bench(LinesConfig::default());
    are(levels(&mut bench, "a"), (SAID, SAID));
    assert!(bench.signalling.configure(&with_gains(6, -6)).is_empty());
    bench.run_ms(1_000);
    assert_eq!(bench.signalling.waiting(), ["sim 1/1"]);
    bench.clear(bench.lease(), Cause::NORMAL);
    bench.run_ms(5_000);
    assert!(bench.signalling.waiting().is_empty(), "{:?}", bench.notes);
    are(levels(&mut bench, "b"), (SAID + 6.0, SAID - 6.0));
}
