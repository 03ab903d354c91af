//! A call with two legs, through the card, on both kinds of line: who hears whom, how late, and who is free when one
//! hangs up. Rows B11, B13, B14 and what a Dial records.

use tipring_dsp::dbm0_of;

use crate::legs::{
    BOB, BOB_DIGITS, CAROL, at, both_kinds, called_of, dial, level_between, only_tone, release_ms, subscriber,
    telephone, tones,
};
use crate::sound::{HELLO, in_words, linear, recorded};
use crate::world::{Run, document, run, value};

/// Ways of a caller and of a leg.
const WAYS: [(&str, &str); 4] = [("pri", "pri"), ("pri", "fxo"), ("fxo", "pri"), ("fxo", "fxo")];
/// Both say something, and never at the same time; the called one first, which an analogue line takes for the answer.
const CALLER_SAYS: &str = "{ wait = { ms = 16000 } }, { tone = { hz = 900.0, ms = 2000 } }";
const CALLED_SAYS: &str = "{ wait = { ms = 1000 } }, { tone = { hz = 700.0, ms = 1500 } }, { wait = { ms = 9000 } }, \
     { tone = { hz = 700.0, ms = 2000, level_dbm0 = -16.0 } }";
/// The tone of the caller and of the called telephone, by the step before it.
const STEP_BEFORE: [usize; 2] = [1, 2];
/// Two cards' buffers, two ticks and a block of the telephone's own.
const DELAY_MS: u64 = 60;

/// A caller on one kind of line, a leg on another; who hangs up.
fn bridged(from: &str, to: &str, caller_hangs_up: bool, attributes: &str) -> Run {
    let (ends, waits) = ("{ wait = { ms = 9000 } }, { hangup = {} }", "{ await_hangup = { limit_ms = 120000 } }");
    let (caller, called) = if caller_hangs_up { (ends, waits) } else { (waits, ends) };
    run(&both_kinds(
        "",
        &(document("/", &dial(to, attributes))
            + &document("/after", "<Response/>")
            + &document("/kept", "")
            + &subscriber(BOB, &format!("rings_ms = 3000\ndoes = [{CALLED_SAYS}, {called}]"))
            + &telephone("caller", from, &format!("{CALLER_SAYS}, {caller}"))),
    ))
}

#[test]
fn b11_both_legs_hear_each_other_on_every_pair_of_lines() {
    for (from, to) in WAYS {
        for caller_hangs_up in [true, false] {
            let what = format!("{from} to {to}, the caller hangs up: {caller_hangs_up}");
            let run = bridged(from, to, caller_hangs_up, "action=\"/after\"").met();
            let (told, called) = (run.told(), called_of(&run.outcome.called, BOB_DIGITS));
            // What each one says is heard by the other, as loud as it was said, and not by himself.
            let to_called = only_tone(&called.heard, 900.0, 2_000, -10.0);
            let to_caller = only_tone(run.octets(), 700.0, 2_000, -16.0);
            let said = [told.moments.steps_ms[STEP_BEFORE[0]], called.moments.steps_ms[STEP_BEFORE[1]]];
            let echoes = [
                level_between(run.octets(), &told.moments, 900.0, said[0], said[0] + 2_200),
                level_between(&called.heard, &called.moments, 700.0, said[1], said[1] + 2_200),
            ];
            assert!(echoes.iter().all(|dbm0| *dbm0 < -55.0), "{what}: they hear themselves: {echoes:?} dBm0");
            let heard = [at(&called.moments, &to_called), at(&told.moments, &to_caller)];
            for (said, heard) in said.into_iter().zip(heard) {
                assert!(heard >= said && heard - said <= DELAY_MS, "{what}: said at {said} ms, heard at {heard} ms");
            }
            assert_freed(&run, caller_hangs_up, &what);
        }
    }
}

/// Either side's hang-up ends both legs, and the records say so.
#[track_caller]
fn assert_freed(run: &Run, caller_hangs_up: bool, what: &str) {
    let (told, called) = (run.told(), called_of(&run.outcome.called, BOB_DIGITS));
    let [leg] = run.legs_of(&told.sid)[..] else { panic!("{what}: no leg") };
    let statuses = (told.status.as_deref(), leg.status.as_str());
    assert_eq!(statuses, (Some("completed"), "completed"), "{what}");
    assert_eq!((run.record(&told.sid).cause, leg.cause), (Some(16), Some(16)), "{what}");
    let (caller, called) = (told.moments.ended_ms.expect("over"), called.moments.ended_ms.expect("over"));
    let first = if caller_hangs_up { caller } else { called };
    // A battery that is dropped is seen after 0.6 s, and a called line is released by what the box does.
    assert!(caller.max(called) - first <= 1_500, "{what}: {caller} and {called}");
    let asked = run.asked("/after");
    let told = |name: &str| value(asked[0], name).map(str::to_string);
    assert_eq!(told("DialCallStatus").as_deref(), Some("completed"), "{what}");
    assert_eq!(told("DialBridged").as_deref(), Some("true"), "{what}");
    assert_eq!(told("DialCallSid"), Some(leg.sid.to_string()), "{what}");
    assert_eq!(told("DialCallDuration"), leg.duration_s().map(|s| s.to_string()), "{what}");
}

#[test]
fn b11_a_leg_is_freed_and_can_be_taken_again_at_once() {
    // One analogue line for ten callers, one after the other.
    let body = format!("<Response><Dial><Number trunk=\"one\">{BOB}</Number></Dial></Response>");
    let text = document("/", &body)
        + &subscriber(
            BOB,
            "rings_ms = 3000\ndoes = [{ wait = { ms = 500 } }, { tone = { hz = 700.0, ms = 1000 } }, { hangup = {} }]",
        )
        + "[[call]]\nid = \"caller\"\nto = \"100\"\ntimes = 6\nevery_ms = 16000\n\
           does = [{ await_answer = {} }, { await_hangup = {} }]\n";
    let run = run(&both_kinds("limit_s = 200", &text));
    assert_eq!(run.outcome.called.len(), 6);
    assert!(run.outcome.told.iter().all(|told| told.errors.is_empty()), "{:?}", run.outcome.told[1].errors);
}

#[test]
fn b11_a_dial_is_recorded_mono_and_each_speaker_in_a_channel() {
    for (way, to) in [("pri", "pri"), ("fxo", "pri")] {
        let dual = bridged(way, to, true, "record=\"record-from-answer-dual\" recordingStatusCallback=\"/kept\"");
        let [file] = &dual.told().recordings[..] else { panic!("{} recordings", dual.told().recordings.len()) };
        let channels = stereo(file);
        for (channel, own, others) in [(0, 900.0, 700.0), (1, 700.0, 900.0)] {
            let heard: Vec<u8> = channels[channel].iter().map(|&sample| tipring_dsp::alaw_encode(sample)).collect();
            only_tone(&heard, own, 2_000, if own == 900.0 { -10.0 } else { -16.0 });
            assert!(tones(&heard, others).is_empty(), "{way}: channel {channel} has the other's voice");
        }
        assert_eq!(value(dual.asked("/kept")[0], "RecordingChannels"), Some("2"));

        let mono = bridged(way, to, true, "record=\"true\" recordingStatusCallback=\"/kept\"");
        let [file] = &mono.told().recordings[..] else { panic!("{} recordings", mono.told().recordings.len()) };
        let samples = recorded(file);
        let heard: Vec<u8> = samples.iter().map(|&sample| tipring_dsp::alaw_encode(sample)).collect();
        only_tone(&heard, 900.0, 2_000, -10.0);
        only_tone(&heard, 700.0, 2_000, -16.0);
        assert_eq!(value(mono.asked("/kept")[0], "RecordingChannels"), Some("1"));
    }
}

fn stereo(file: &[u8]) -> [Vec<i16>; 2] {
    let reader = hound::WavReader::new(file).expect("a WAV");
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 8_000));
    let samples: Vec<i16> = reader.into_samples().map(|sample| sample.expect("a sample")).collect();
    [0, 1].map(|channel| samples.iter().skip(channel).step_by(2).copied().collect())
}

#[test]
fn b11_the_leg_gets_keys_after_its_answer_and_only_then_the_caller() {
    let body = format!("<Response><Dial><Number trunk=\"pri\" sendDigits=\"W12w#\">{BOB}</Number></Dial></Response>");
    let text = document("/", &body)
        + &subscriber(BOB, "rings_ms = 1000\ndoes = [{ wait = { ms = 6000 } }, { hangup = {} }]")
        + &telephone("caller", "pri", "{ tone = { hz = 900.0, ms = 8000 } }, { await_hangup = {} }");
    let run = run(&both_kinds("", &text)).met();
    let called = called_of(&run.outcome.called, BOB_DIGITS);
    assert_eq!(called.keys, "12#");
    let after = only_first(&called.heard, 900.0);
    assert!(after > 1_300, "the caller is heard {after} ms after the answer, among the keys");
    assert!(tones(run.octets(), 1_209.0).is_empty(), "the caller hears the keys");
}

#[track_caller]
fn only_first(heard: &[u8], hz: f32) -> usize {
    tones(heard, hz).first().unwrap_or_else(|| panic!("{hz} Hz was not heard")).from_ms
}

#[test]
fn b11_star_ends_the_leg_and_the_document_goes_on() {
    for (way, to) in [("pri", "fxo"), ("fxo", "pri")] {
        let body = format!(
            "<Response><Dial hangupOnStar=\"true\"><Number trunk=\"{to}\">{BOB}</Number></Dial><Say>{HELLO}</Say></Response>"
        );
        let text = document("/", &body)
            + &subscriber(BOB, &format!("rings_ms = 3000\ndoes = [{CALLED_SAYS}, {{ await_hangup = {{}} }}]"))
            + &telephone(
                "caller",
                way,
                "{ wait = { ms = 15000 } }, { press = { keys = \"1*\" } }, { await_hangup = {} }",
            );
        let run = run(&both_kinds("", &text)).met();
        let (told, called) = (run.told(), called_of(&run.outcome.called, BOB_DIGITS));
        assert_eq!(called.keys, "1", "{way}: other keys pass the bridge");
        let pressed = told.moments.steps_ms[2];
        let ended = called.moments.ended_ms.expect("over");
        assert!(ended.abs_diff(pressed) < release_ms(to), "pressed until {pressed}, ended at {ended}");
        assert!(in_words(run.octets()).ends_with("the application's words"), "{}", in_words(run.octets()));
        assert_eq!(run.legs_of(&told.sid)[0].status.as_str(), "completed");
    }
}

#[test]
fn b11_a_caller_is_answered_only_by_the_bridge_if_so_wished() {
    let text = document("/", &dial("pri", "answerOnBridge=\"true\""))
        + &subscriber(BOB, "rings_ms = 4000\ndoes = [{ tone = { hz = 700.0, ms = 2000 } }, { hangup = {} }]")
        + &telephone("caller", "pri", "{ await_hangup = {} }");
    let run = run(&both_kinds("", &text)).met();
    let (told, called) = (run.told(), called_of(&run.outcome.called, BOB_DIGITS));
    let (ours, theirs) = (told.moments.answered_ms.expect("answered"), called.moments.answered_ms.expect("answered"));
    assert!(ours >= theirs && ours - theirs < 200, "answered at {ours}, the leg at {theirs}");
    only_tone(run.octets(), 700.0, 2_000, -10.0);
    assert!(tones(run.octets(), 440.0).is_empty(), "ringback after the answer");

    // Nobody answers: the caller's own call is never answered either.
    let text = document("/", &dial("pri", "answerOnBridge=\"true\" timeout=\"5\""))
        + &subscriber(BOB, "never = true")
        + &telephone("caller", "pri", "{ await_hangup = {} }");
    let run = crate::world::run(&both_kinds("", &text)).met();
    assert_eq!(run.told().moments.answered_ms, None);
    assert_eq!(run.legs_of(&run.told().sid)[0].status.as_str(), "no-answer");
}

/// The tones of a country, one after the other.
#[test]
fn b11_the_caller_hears_the_far_ends_ringing_or_the_tone_that_the_document_names() {
    let rings = |group: &str, attributes: &str| {
        let text = document("/", &dial(group, attributes))
            + &subscriber(BOB, "rings_ms = 6000\ndoes = [{ tone = { hz = 700.0, ms = 1000 } }, { hangup = {} }]")
            + &telephone("caller", "pri", "{ await_hangup = {} }");
        run(&both_kinds("", &text)).met()
    };
    // In band from the exchange of the E1, and through the dialled analogue line: that of the United States.
    for group in ["pri", "fxo"] {
        let heard = rings(group, "");
        let ringback = tones(heard.octets(), 440.0);
        let Some(first) = ringback.first() else { panic!("{group}: no ringback") };
        assert!((1_700..=2_100).contains(&first.ms), "{group}: {ringback:?}");
        assert!(tones(heard.octets(), 425.0).len() <= ringback.len());
    }
    let named = rings("pri", "ringTone=\"de\"");
    let [first, ..] = tones(named.octets(), 425.0)[..] else { panic!("no tone of the country that was named") };
    assert!((950..=1_050).contains(&first.ms) && (first.all_dbm0 - first.dbm0).abs() < 0.5, "{first:?}");
}

#[test]
fn b11_a_dial_ends_after_its_time_limit() {
    let text = document("/", &dial("pri", "timeLimit=\"5\""))
        + &subscriber(BOB, "rings_ms = 1000")
        + &telephone("caller", "pri", "{ await_hangup = {} }");
    let run = run(&both_kinds("", &text)).met();
    let leg = run.legs_of(&run.told().sid)[0];
    assert_eq!((leg.status.as_str(), leg.duration_s()), ("completed", Some(5)));
}

#[test]
fn b13_who_answers_first_is_bridged_and_the_others_stop_within_a_second() {
    let body = format!(
        "<Response><Dial><Number trunk=\"pri\">{CAROL}</Number><Number trunk=\"pri\">{BOB}</Number>\
         <Number trunk=\"fxo\">+12025550144</Number></Dial></Response>"
    );
    let speaks =
        "rings_ms = 9000\ndoes = [{ wait = { ms = 500 } }, { tone = { hz = 700.0, ms = 1000 } }, { hangup = {} }]";
    let text = document("/", &body)
        + &subscriber(BOB, speaks)
        + &subscriber(CAROL, "never = true")
        + &subscriber("+12025550144", "never = true")
        + &telephone("caller", "pri", "{ await_hangup = {} }");
    let run = run(&both_kinds("", &text)).met();
    assert_eq!(run.outcome.called.len(), 3);
    let answered = called_of(&run.outcome.called, BOB).moments.answered_ms.expect("answered");
    for (number, way) in [(CAROL, "pri"), ("+12025550144", "fxo")] {
        let other = called_of(&run.outcome.called, number);
        let stopped = other.moments.ended_ms.expect("it stops");
        assert!(other.moments.began_ms < answered, "{number} rang: {:?}", other.moments);
        assert!(
            stopped >= answered && stopped - answered <= release_ms(way),
            "{number}: {stopped}, answered at {answered}"
        );
        assert_eq!(other.answered_after_ms, None);
    }
    only_tone(run.octets(), 700.0, 1_000, -10.0);
    let statuses: Vec<_> = run.legs_of(&run.told().sid).iter().map(|leg| leg.status.as_str()).collect();
    assert_eq!(statuses, ["canceled", "completed", "canceled"]);
}

#[test]
fn b13_in_turn_the_next_is_called_when_the_one_before_cannot_be_had() {
    let body = format!(
        "<Response><Dial sequential=\"true\" timeout=\"6\" action=\"/after\"><Number trunk=\"pri\">+12025550144</Number>\
         <Number trunk=\"pri\">{CAROL}</Number><Number trunk=\"pri\">{BOB}</Number></Dial></Response>"
    );
    let text = document("/", &body)
        + &document("/after", "<Response/>")
        + &subscriber("+12025550144", "refuse = 17")
        + &subscriber(CAROL, "never = true")
        + &subscriber(BOB, "rings_ms = 1000\ndoes = [{ tone = { hz = 700.0, ms = 1000 } }, { hangup = {} }]")
        + &telephone("caller", "pri", "{ await_hangup = {} }");
    let run = run(&both_kinds("", &text)).met();
    let legs = run.legs_of(&run.told().sid);
    let statuses: Vec<_> = legs.iter().map(|leg| leg.status.as_str()).collect();
    assert_eq!(statuses, ["busy", "no-answer", "completed"]);
    for pair in legs.windows(2) {
        assert!(pair[0].ended <= Some(pair[1].created), "two ring at once");
    }
    assert_eq!(value(run.asked("/after")[0], "DialCallSid"), Some(legs[2].sid.to_string().as_str()));
}

#[test]
fn b14_the_number_shown_is_the_callers_or_one_that_may_be_shown() {
    let shown = |caller: &str, attribute: &str| {
        let text = document("/", &dial("pri", &format!("{attribute} action=\"/after\"")))
            + &document("/after", "<Response/>")
            + &subscriber(BOB, "does = [{ wait = { ms = 500 } }, { hangup = {} }]")
            + &telephone("caller", "pri", "{ await_hangup = {} }").replace("from = \"2025550100\"", caller);
        run(&both_kinds("", &text)).met()
    };
    let number = |run: &Run| called_of(&run.outcome.called, BOB_DIGITS).from.clone();
    // The caller's own, the account's, and one that the configuration has verified.
    for (attribute, digits) in
        [("", "2025550100"), ("callerId=\"+12025550190\"", "2025550190"), ("callerId=\"+12025550199\"", "2025550199")]
    {
        let run = shown("from = \"2025550100\"", attribute);
        assert!(number(&run).ends_with(digits), "{attribute}: {}", number(&run));
        assert!(run.told().errors.is_empty());
    }
    // A caller who is not to be known stays unknown.
    let withheld = shown("from = \"2025550100\"\nrestricted = true", "");
    assert!(!format!("{:?}", withheld.outcome.asked).contains("2025550100"));
    assert_eq!(withheld.legs_of(&withheld.told().sid)[0].from, "anonymous");
    // A foreign one: nobody is called, and the developer is told why.
    let foreign = shown("from = \"2025550100\"", "callerId=\"+12025550777\"");
    assert!(foreign.outcome.called.is_empty() && foreign.legs_of(&foreign.told().sid).is_empty());
    assert_eq!(foreign.told().errors, [13214]);
    assert_eq!(value(foreign.asked("/after")[0], "DialCallStatus"), Some("failed"));
}

/// What the two legs share is the bridge: while one is silent, the other hears silence.
#[test]
fn b11_a_silent_bridge_is_silent() {
    let text = document("/", &dial("fxo", ""))
        + &subscriber(
            BOB,
            "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 500 } }, { wait = { ms = 6000 } }, { hangup = {} }]",
        )
        + &telephone("caller", "pri", "{ await_hangup = {} }");
    let run = run(&both_kinds("", &text)).met();
    let heard = linear(run.octets());
    let last = tones(run.octets(), 700.0).last().map(|tone| tone.from_ms + tone.ms).expect("the tone");
    let silence = &heard[(last + 100) * 8..(last + 5_000) * 8];
    assert!(dbm0_of(silence) < -60.0, "{} dBm0", dbm0_of(silence));
}

#[test]
fn b11_star_gives_up_a_leg_that_still_rings() {
    for to in ["pri", "fxo"] {
        let body = format!(
            "<Response><Dial hangupOnStar=\"true\"><Number trunk=\"{to}\">{BOB}</Number></Dial><Say>{HELLO}</Say></Response>"
        );
        for at_ms in [1_000, 3_500, 6_000, 14_000] {
            let text = document("/", &body)
                + &subscriber(BOB, "never = true")
                + &telephone(
                    "caller",
                    "pri",
                    &format!(
                        "{{ wait = {{ ms = {at_ms} }} }}, {{ press = {{ keys = \"*\" }} }}, {{ await_hangup = {{}} }}"
                    ),
                );
            let run = run(&both_kinds("", &text)).met();
            let what = format!("{to}, after {at_ms} ms");
            assert_eq!(run.legs_of(&run.told().sid)[0].status.as_str(), "canceled", "{what}");
            assert!(in_words(run.octets()).ends_with("the application's words"), "{what}: {}", in_words(run.octets()));
            let ended = run.told().moments.ended_ms.expect("over");
            assert!(ended < 2_500 + at_ms + 4_000, "{what}: {ended}");
        }
    }
}

#[test]
fn b11_what_rings_is_recorded_too_if_so_wished() {
    let text = document("/", &dial("pri", "record=\"record-from-ringing-dual\""))
        + &subscriber(BOB, "rings_ms = 6000\ndoes = [{ tone = { hz = 700.0, ms = 1000 } }, { hangup = {} }]")
        + &telephone(
            "caller",
            "pri",
            "{ wait = { ms = 1000 } }, { tone = { hz = 900.0, ms = 1000 } }, { await_hangup = {} }",
        );
    let run = run(&both_kinds("", &text)).met();
    let [file] = &run.told().recordings[..] else { panic!("{} recordings", run.told().recordings.len()) };
    let channels = stereo(file).map(|channel| {
        let octets = channel.iter().map(|&sample| tipring_dsp::alaw_encode(sample));
        octets.collect::<Vec<u8>>()
    });
    only_tone(&channels[0], 900.0, 1_000, -10.0);
    only_tone(&channels[1], 700.0, 1_000, -10.0);
    assert!(!tones(&channels[1], 440.0).is_empty(), "the ringback that the caller heard is not in it");
    assert!(channels[0].len() / 8 > 6_500, "{} ms", channels[0].len() / 8);
}
