//! Signs of a hang-up: which of them ends a call alone, which waits for another, what takes it back, and silence.

use tipring_analog::{
    Command, Config, Event, Evidence, Handset, Heard, Input, Listen, Reversal, Sign, Trusted, ZoneId,
};
use tipring_card::{BLOCK, Event as LineEvent, Law, Micros, Supervision};
use tipring_dsp::g711::Companding;

use crate::sound::Noise;
use crate::support::*;

fn suspected(sign: Sign, weight: u8, sum: u8) -> Event {
    Event::Suspected(Evidence { sign, weight, sum })
}

/// A call whose answer no reversal has marked, long enough ago.
fn unmarked(config: Config) -> Bench {
    let mut bench = Bench::answered(config);
    bench.passes(5_000).outputs();
    bench
}

fn trusting(trusted: Trusted) -> Config {
    Config { trusted, ..Config::default() }
}

#[test]
fn b17_a_reversal_that_nothing_announced_waits_for_silence_and_decides_then() {
    let mut bench = unmarked(Config::default());
    bench.sees(LineEvent::Polarity).tells(&[suspected(Sign::Reversal, 60, 60)]).is("in call");
    bench.passes(1_000).hears(Heard::Silence(1_000)).tells(&[]).is("in call");
    bench.passes(1_000).hears(Heard::Silence(2_000));
    bench.tells(&[suspected(Sign::Quiet, 40, 100), ended(16, Sign::Reversal)]).is("clearing");
}

#[test]
fn b17_a_voice_takes_a_doubtful_sign_back() {
    let mut bench = unmarked(Config::default());
    bench.sees(LineEvent::Polarity).outputs();
    bench.passes(500).hears(Heard::Voice).tells(&[Event::Dispelled]);
    bench.passes(10_000).hears(Heard::Silence(5_000)).tells(&[]).is("in call");
    bench.hears(Heard::Voice).tells(&[]);
    assert_eq!(bench.line.counters().dispelled, 1);
}

#[test]
fn b17_a_doubtful_sign_that_nothing_follows_is_forgotten() {
    let mut bench = unmarked(Config::default());
    bench.hears(Heard::Information).tells(&[suspected(Sign::InformationTone, 60, 60)]);
    bench.passes(30_001).hears(Heard::Silence(9_000)).tells(&[]).is("in call");
    bench.sees(LineEvent::Polarity).tells(&[suspected(Sign::Reversal, 60, 60)]).is("in call");
}

#[test]
fn b17_what_is_forgotten_decides_nothing() {
    let mut bench = unmarked(Config::default());
    bench.sees(LineEvent::Polarity).passes(31_000).outputs();
    bench.hears(Heard::Information).hears(Heard::Silence(2_000));
    let told =
        [suspected(Sign::InformationTone, 60, 60), suspected(Sign::Quiet, 40, 100), ended(16, Sign::InformationTone)];
    bench.tells(&told);
}

#[test]
fn b17_two_doubtful_signs_together_are_enough_and_the_first_decides() {
    let mut bench = unmarked(Config::default());
    bench.hears(Heard::Information).passes(2_000).sees(LineEvent::Polarity);
    let told = [
        suspected(Sign::InformationTone, 60, 60),
        suspected(Sign::Reversal, 60, 100),
        ended(16, Sign::InformationTone),
    ];
    bench.tells(&told);
    // The same one again is not another one: a far end may play it to us for ever.
    let mut bench = unmarked(Config::default());
    for _ in 0..20 {
        bench.passes(1_000).hears(Heard::Information);
    }
    bench.is("in call");
}

#[test]
fn b17_a_sign_that_the_line_is_not_trusted_with_is_told_and_ends_nothing() {
    let deaf = Trusted { battery: false, reversal: Reversal::Ignored, tones: false, dial_tone: false };
    let signs = [
        (Input::Line(LineEvent::OnHook), Sign::BatteryDrop),
        (Input::Line(LineEvent::Polarity), Sign::Reversal),
        (Input::Heard(Heard::Busy), Sign::BusyTone),
        (Input::Heard(Heard::Congestion), Sign::CongestionTone),
        (Input::Heard(Heard::Information), Sign::InformationTone),
        (Input::Heard(Heard::DialTone), Sign::DialTone),
    ];
    for (input, sign) in signs {
        let mut bench = unmarked(trusting(deaf));
        bench.does(input).tells(&[suspected(sign, 0, 0)]).hears(Heard::Silence(5_000)).tells(&[]).is("in call");
    }
    let mut bench = unmarked(trusting(Trusted { reversal: Reversal::Certain, ..Trusted::default() }));
    bench.sees(LineEvent::Polarity).tells(&[ended(16, Sign::Reversal)]);
}

#[test]
fn b17_silence_of_both_sides_is_told_after_fifty_seconds_and_ends_the_call_after_sixty() {
    let mut bench = unmarked(Config::default());
    let mut silence = |ms: u32| {
        bench.passes(1_000).hears(Heard::BothSilent(ms));
        bench.outputs().into_iter().filter_map(event_of).collect::<Vec<_>>()
    };
    let told: Vec<(u32, Vec<Event>)> =
        (1..=60).map(|s| (s, silence(s * 1_000))).filter(|(_, told)| !told.is_empty()).collect();
    assert_eq!(told, [(50, vec![Event::Silent { left_ms: 10_000 }]), (60, vec![ended(16, Sign::Silence)])]);
}

#[test]
fn b17_silence_that_is_broken_is_warned_of_again() {
    let mut bench = unmarked(Config::default());
    for _ in 0..3 {
        bench.passes(60_000).hears(Heard::BothSilent(50_000)).tells(&[Event::Silent { left_ms: 10_000 }]);
        bench.hears(Heard::BothSilent(51_000)).tells(&[]);
        bench.passes(1_000).hears(Heard::BothSilent(1_000)).tells(&[]).is("in call");
    }
}

#[test]
fn b17_who_is_held_or_muted_in_a_room_for_thirty_minutes_stays() {
    let mut bench = unmarked(Config::default());
    bench.commands(Command::SilenceCounts(false));
    for second in 1..=1_800 {
        bench.passes(1_000).hears(Heard::BothSilent(second * 1_000)).hears(Heard::Silence(second * 1_000)).tells(&[]);
    }
    // What was silent before does not count against him afterwards.
    bench.commands(Command::SilenceCounts(true)).passes(1_000).hears(Heard::BothSilent(1_801_000)).tells(&[]);
    bench.is("in call").passes(48_000).hears(Heard::BothSilent(1_849_000)).tells(&[]);
    bench.passes(1_000).hears(Heard::BothSilent(1_850_000)).tells(&[Event::Silent { left_ms: 10_000 }]);
    bench.passes(10_000).hears(Heard::BothSilent(1_860_000)).tells(&[ended(16, Sign::Silence)]);
}

#[test]
fn b17_silence_ends_no_call_where_it_is_switched_off() {
    let mut bench = unmarked(Config { silence_limit: Micros::ZERO, ..Config::default() });
    bench.passes(4_000_000).hears(Heard::BothSilent(u32::MAX)).tells(&[]).is("in call");
}

/// A call of so many seconds by sound: what comes, what goes, and after how many seconds it was ended by what.
fn call(seconds: usize, line_dbm0: f32, ours_dbm0: f32) -> Option<(usize, Sign)> {
    let mut bench = Bench::connected(Supervision::GuessedVoice);
    let mut handset = Handset::new(Law::A, ZoneId::of("de").unwrap());
    handset.listen(Listen::Hangup);
    let (mut line, mut ours) = (Noise::new(1, line_dbm0), Noise::new(2, ours_dbm0));
    let block_of = |noise: &mut Noise| {
        let (mut samples, mut block) = ([0; BLOCK], [0; BLOCK]);
        noise.add_to(&mut samples);
        Companding::A.encode_into(&samples, &mut block);
        block
    };
    for n in 0..seconds * 100 {
        handset.hear(&block_of(&mut line));
        handset.says(&block_of(&mut ours));
        bench.passes(10);
        while let Some(heard) = handset.poll() {
            bench.hears(heard);
        }
        let end = bench.outputs().into_iter().filter_map(event_of).find_map(|event| match event {
            Event::Ended { sign, .. } => Some(sign),
            _ => None,
        });
        if let Some(sign) = end {
            return Some((n / 100, sign));
        }
    }
    None
}

#[test]
fn b17_a_line_with_no_sign_at_all_is_freed_within_65_seconds_and_says_why() {
    let (freed, sign) = call(120, -60.0, -65.0).expect("the line hangs");
    assert!(freed <= 65 && sign == Sign::Silence, "{freed} s, {sign:?}");
    assert_eq!(call(200, -45.0, -90.0), None, "the far end is heard");
    assert_eq!(call(200, -60.0, -40.0), None, "we play something");
}

#[test]
fn b17_the_howler_says_that_the_far_end_has_gone() {
    let mut bench = unmarked(Config::default());
    bench.hears(Heard::Howler).tells(&[ended(16, Sign::Howler)]);
    let mut tone = tipring_dsp::HowlerTone::new(-12.0);
    let mut handset = Handset::new(Law::Mu, ZoneId::of("us").unwrap());
    handset.listen(Listen::Hangup);
    let mut heard = Vec::new();
    for _ in 0..400 {
        let (mut samples, mut block) = ([0; BLOCK], [0; BLOCK]);
        tone.fill(&mut samples);
        Companding::Mu.encode_into(&samples, &mut block);
        handset.hear(&block);
        heard.extend(std::iter::from_fn(|| handset.poll()));
    }
    assert!(heard.contains(&Heard::Howler), "{heard:?}");
}
