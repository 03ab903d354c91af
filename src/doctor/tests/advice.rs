//! What follows from what was found, rule by rule.

use tipring_analog::{AnswerSign, Config, Reversal, Trusted};
use tipring_card::Micros;
use tipring_doctor::advice::advise;
use tipring_doctor::found::{CallFound, CallerIdFound, EndFound, Settings, ToneFound, Way};
use tipring_doctor::probe::Echo;
use tipring_doctor::{Measured, Order, Outcome, Report};

fn settings(change: impl FnOnce(&mut Config)) -> Settings {
    let mut config = Config::default();
    change(&mut config);
    Settings::of(&config, 0)
}

/// A call of a line with which nothing is wrong.
fn good(way: Way) -> CallFound {
    let tone = |hz, on_off_ms: &[u16]| Measured {
        hz,
        modulated: false,
        level_dbm0: -10.0,
        on_off_ms: on_off_ms.to_vec(),
        cycles: 3,
    };
    let known = |tone| ToneFound { after_ms: 400, tone: Some(tone), certain: true, known: true };
    CallFound {
        dial_tone: Some(known(tone([350, 440], &[]))),
        ringback: Some(known(tone([440, 480], &[2_000, 4_000]))),
        caller_id: Some(CallerIdFound { form: Some("bell-202".into()), number: true, ..CallerIdFound::default() }),
        noise_dbm0: Some(-70.0),
        received_dbm0: Some(-10.4),
        sent_dbm0: Some(-9.8),
        echo: Some(Echo { loss_db: 18.0, delay_ms: 30 }),
        end: Some(EndFound {
            battery_ms: Some(300),
            tone: Some(known(tone([480, 620], &[500, 500]))),
            heard_as: Some("busy tone".into()),
            listened_ms: 6_000,
            ..EndFound::default()
        }),
        ..CallFound::new(way)
    }
}

/// What is proposed of such a line when something of it is otherwise, and what is noted.
fn of(settings: &Settings, change: impl Fn(&mut CallFound)) -> (Vec<String>, Vec<String>) {
    let mut calls = [good(Way::Called), good(Way::Calling)];
    calls.iter_mut().for_each(&change);
    let advice = advise(settings, &calls);
    (advice.proposals.iter().map(|it| format!("{} {} {}", it.key, it.from, it.to)).collect(), advice.remarks)
}

fn end(call: &mut CallFound) -> &mut EndFound {
    call.end.as_mut().expect("an end")
}

#[test]
fn inst5_a_good_line_is_told_nothing() {
    assert_eq!(of(&settings(|_| {}), |_| {}), (vec![], vec![]));
}

#[test]
fn inst5_each_setting_that_does_not_fit_is_proposed_and_no_other() {
    let usual = settings(|_| {});
    let untold = |call: &mut CallFound| {
        let listened_ms = 16_000;
        *end(call) = EndFound { listened_ms, ..EndFound::default() };
    };
    let reversed_only = |call: &mut CallFound| {
        untold(call);
        end(call).reversal_ms = Some(200);
    };
    let trusted = |change: fn(&mut Trusted)| settings(|config| change(&mut config.trusted));
    type Case<'a> = (Settings, &'a dyn Fn(&mut CallFound), &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (settings(|it| it.answer = AnswerSign::Reversal), &|_| {}, &["answer \"reversal\" \"voice\""]),
        (settings(|it| it.answer = AnswerSign::Reversal), &|it| it.answer_reversal_ms = Some(100), &[]),
        (trusted(|it| it.battery = false), &|_| {}, &["hang_up_battery false true"]),
        (trusted(|it| it.tones = false), &|_| {}, &["hang_up_tones false true"]),
        (
            trusted(|it| it.dial_tone = false),
            &|it| end(it).heard_as = Some("dial tone".into()),
            &["hang_up_dial_tone false true"],
        ),
        (trusted(|it| it.reversal = Reversal::Certain), &|_| {}, &["hang_up_reversal \"certain\" \"doubted\""]),
        (trusted(|it| it.reversal = Reversal::Ignored), &reversed_only, &["hang_up_reversal \"ignored\" \"certain\""]),
        (usual.clone(), &reversed_only, &["hang_up_reversal \"doubted\" \"certain\""]),
        (settings(|it| it.silence_limit = Micros::ZERO), &untold, &["hang_up_silence_s 0 60"]),
        (usual.clone(), &|it| it.dial_tone = None, &["dial_anyway false true"]),
        (
            settings(|it| it.dial_tone_limit = Micros::from_ms(1_000)),
            &|it| it.dial_tone.as_mut().expect("a tone").after_ms = 900,
            &["dial_tone_ms 1000 2000"],
        ),
        (settings(|it| it.dial_tone_limit = Micros::ZERO), &|it| it.dial_tone = None, &[]),
        (settings(|it| it.caller_id = false), &|_| {}, &["caller_id false true"]),
        (usual.clone(), &|it| it.received_dbm0 = Some(-16.2), &["receive_gain_db 0 6"]),
        (usual.clone(), &|it| it.received_dbm0 = Some(-5.0), &["receive_gain_db 0 -5"]),
        (usual.clone(), &|it| it.received_dbm0 = Some(-12.9), &[]),
        (usual.clone(), &|it| it.received_dbm0 = Some(-40.0), &["receive_gain_db 0 12"]),
    ];
    for (at, (settings, change, wanted)) in cases.iter().enumerate() {
        assert_eq!(of(settings, change).0, *wanted, "case {at}");
    }
}

#[test]
fn inst5_what_no_setting_helps_is_noted() {
    let usual = settings(|_| {});
    let notes = |change: &dyn Fn(&mut CallFound)| of(&usual, change);
    type Case<'a> = (&'a dyn Fn(&mut CallFound), &'a str);
    let cases: &[Case<'_>] = &[
        (&|it| *end(it) = EndFound { listened_ms: 16_000, ..EndFound::default() }, "Nothing told of the end"),
        (&|it| it.sent_dbm0 = Some(-17.0), "examine that one with this one"),
        (&|it| it.echo = Some(Echo { loss_db: 7.0, delay_ms: 20 }), "fxotune"),
        (&|it| it.noise_dbm0 = Some(-38.0), "noise"),
        (&|it| it.caller_id = Some(CallerIdFound::default()), "No caller id came"),
        (&|it| it.caller_id = Some(CallerIdFound { damaged: 1, ..CallerIdFound::default() }), "check sum was wrong"),
        (&|it| it.answer_reversal_ms = Some(90), "marked the answer after 90 ms"),
        (&|it| end(it).heard_as = None, "has not taken it for the end"),
    ];
    for (change, wanted) in cases {
        let (proposals, remarks) = notes(change);
        assert_eq!(proposals, Vec::<String>::new(), "{wanted}");
        assert!(remarks.iter().any(|it| it.contains(wanted)), "{wanted}: {remarks:?}");
    }
}

#[test]
fn inst5_a_visit_that_broke_off_proposes_nothing_and_its_page_hides_nothing() {
    let outcome = Outcome {
        settings: Some(settings(|it| it.answer = AnswerSign::Reversal)),
        calls: vec![good(Way::Called), good(Way::Calling)],
        failure: Some("a call came in on <b> & went".into()),
        in_use: false,
        line_time: Micros::from_ms(12_340),
    };
    let order = Order { line: "dahdi 3/1".into(), with: "dahdi 3/2".into(), ..Order::default() };
    let report = Report::of(&order, &outcome);
    assert_eq!((report.proposals.len(), report.line_time_s), (0, 12.3));
    assert!(report.text().contains("not done: a call came in on <b> & went"), "{}", report.text());
    assert!(report.html().contains("a call came in on &lt;b&gt; &amp; went"), "{}", report.html());
    for row in report.rows() {
        assert!(report.text().contains(&row.figure) && report.html().contains(&row.figure), "{row:?}");
    }
    assert!(report.rows().len() > 20);
}
