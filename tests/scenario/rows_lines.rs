//! Analogue lines of the box that call each other through their exchange, and what a file may say of such an exchange.

use std::path::Path;

use tipring::daemon::exchange::office_config;
use tipring::daemon::scenario::Scenario;
use tipring_card::Micros;
use tipring_sim::{Clearing, DialTone, Echo, LineFault};

use crate::legs::{BOB_DIGITS, both_kinds, program, tones};
use crate::sound::recorded;
use crate::world::{CALL, Run, document, run, value};

/// The number of line 1; line 2 has the one that programs call.
const ONE: &str = "2025550141";

/// A program calls line 2 over line 1 and presses 42 after the answer; the application of line 2 takes two digits, and
/// then hangs up.
fn line_to_line(exchange: &str, more: &str) -> Run {
    let answers = "<Response><Gather numDigits=\"2\" timeout=\"12\" action=\"http://app.example/got\"/></Response>";
    let text = format!("[exchange]\nreverses_polarity = true\n{exchange}\n[analog]\nanswer = \"reversal\"\n")
        + &format!("[[line_number]]\nnumber = \"{ONE}\"\nline = 1\n")
        + &format!("[[line_number]]\nnumber = \"{BOB_DIGITS}\"\nline = 2\n{more}\n")
        + &document("/", answers)
        + &document("/got", "<Response><Hangup/></Response>")
        + &document("/made", "<Response><Pause length=\"60\"/></Response>")
        + &program("made", "group = \"one\"\nsend_digits = \"ww42\"\nurl = \"http://app.example/made\"");
    run(&both_kinds("", &text))
}

#[test]
fn files_a_line_of_the_box_calls_another_one_through_their_exchange() {
    let run = line_to_line("", "").met();
    assert_eq!(run.paths(), ["/", "/got", "/made"]);
    let told = |path: &str, name: &str| value(run.asked(path)[0], name).map(str::to_string);
    assert_eq!(told("/", "From").as_deref(), Some("+12025550141"), "the line's own number is shown");
    assert_eq!(told("/", "To").as_deref(), Some("sim 2/2"));
    assert_eq!(told("/got", "Digits").as_deref(), Some("42"), "what is sent on one line is heard on the other");
    let made = run.record(&run.made().sid);
    assert_eq!(made.status.as_str(), "completed", "the end on line 2 is one on line 1: {made:?}");
    let called = &run.outcome.called;
    let shown: Vec<_> = called.iter().map(|called| (called.from.as_str(), called.to.as_str())).collect();
    assert_eq!(shown, [(ONE, BOB_DIGITS)]);
}

#[test]
fn files_a_line_fault_weakens_what_goes_over() {
    let run = line_to_line("", "[[line_fault]]\nline = 2\nloss_db = 55.0\n");
    assert_eq!(value(run.asked("/")[0], "To"), Some("sim 2/2"), "it is rung all the same");
    assert!(run.asked("/got").iter().all(|asked| value(asked, "Digits") != Some("42")), "no digit is heard");
}

#[test]
fn files_an_exchange_plays_the_busy_tone_of_the_file_and_tells_an_end_late() {
    let text = "[exchange]\nclears_by = \"busy-tone\"\nclears_after_ms = 3000\nbusy_tone = \"600 300/200\"\n"
        .to_string()
        + &document("/", "<Response><Record timeout=\"60\" maxLength=\"14\" action=\"/kept\"/></Response>")
        + &document("/kept", "<Response/>")
        + "[[call]]\nid = \"caller\"\nline = 1\ndoes = [{ await_answer = {} }, { await_sound = {} }, \
           { await_quiet = { ms = 300 } }, { tone = { hz = 900.0, ms = 1000 } }, { hangup = {} }]\n";
    let run = run(&both_kinds("", &text));
    let [file] = &run.told().recordings[..] else { panic!("{} recordings", run.told().recordings.len()) };
    let heard: Vec<u8> = recorded(file).iter().map(|&sample| tipring_dsp::alaw_encode(sample)).collect();
    let (said, busy) = (tones(&heard, 900.0), tones(&heard, 600.0));
    assert_eq!((said.len(), busy.len() > 3), (1, true), "{said:?} {busy:?}");
    let after = busy[0].from_ms - (said[0].from_ms + said[0].ms);
    assert!((2_950..3_100).contains(&after), "{after}");
    let spans: Vec<_> = busy.windows(2).map(|pair| (pair[0].ms, pair[1].from_ms - pair[0].from_ms)).collect();
    assert!(spans.iter().all(|(ms, turn)| ms.abs_diff(300) <= 20 && *turn == 500), "{spans:?}");
}

fn read(text: &str) -> Result<Scenario, String> {
    Scenario::parse(Path::new("s.toml"), &format!("analog_lines = 2\n{text}{CALL}")).map_err(|error| error.to_string())
}

#[test]
fn files_every_key_of_an_exchange_and_its_lines_comes_to_it() {
    let text = r#"
[exchange]
clears_by = "reversal-then-busy-tone"
clears_after_ms = 1500
dial_tone_ms = -1
dial_tone = "425"
ringback_tone = "400+450 400/200/400/2000"
busy_tone = "400*33 300/300"
[[line_number]]
number = "12"
line = 2
[[line_fault]]
line = 2
loss_db = 6.0
send_loss_db = 3.5
echo = { loss_db = 20.0, delay_ms = 12 }
noise_dbm0 = -50.0
[[line_fault]]
line = 1
"#;
    let office = office_config(&read(text).expect("good"), Vec::new());
    assert_eq!(office.line_numbers, [("12".to_string(), 2)]);
    assert_eq!((office.clearing, office.dial_tone), (Clearing::ReversalThenBusyTone, DialTone::Dead));
    assert_eq!(office.clearing_after, Micros::from_ms(1_500));
    let tone = |tone: Option<tipring_dsp::Cadence>| tone.map(|tone| (tone.hz, tone.modulated, tone.on_off_ms));
    let busy: &[u16] = &[300, 300];
    assert_eq!(tone(office.dial_tone_form), Some(([425, 0], false, &[][..])));
    assert_eq!(tone(office.ringback_tone), Some(([400, 450], false, &[400, 200, 400, 2_000][..])));
    assert_eq!(tone(office.busy_tone), Some(([400, 33], true, busy)));
    let echo = Some(Echo { loss_db: 20.0, delay_ms: 12 });
    let worse = LineFault { line: 2, loss_db: 6.0, send_loss_db: 3.5, echo, noise_dbm0: Some(-50.0) };
    assert_eq!(office.lines_differ, [worse, LineFault { line: 1, ..LineFault::default() }]);
    for (word, clearing) in [
        ("battery", Clearing::BatteryDrop),
        ("battery-then-busy-tone", Clearing::BatteryDropThenBusyTone),
        ("busy-tone", Clearing::BusyTone),
        ("reversal", Clearing::Reversal),
        ("dial-tone", Clearing::DialTone),
        ("nothing", Clearing::Nothing),
    ] {
        let scenario = read(&format!("[exchange]\nclears_by = \"{word}\"\n")).expect(word);
        assert_eq!(office_config(&scenario, Vec::new()).clearing, clearing, "{word}");
    }
}

#[test]
fn files_wrong_lines_and_tones_of_an_exchange_are_refused_with_place_and_reason() {
    let number = |number: &str, line: u8| format!("[[line_number]]\nnumber = \"{number}\"\nline = {line}\n");
    let fault = |entry: &str| format!("[[line_fault]]\nline = 1\n{entry}\n");
    for (text, place, why) in [
        (number("12", 3), "2:1", "line_number: line: 1 to analog_lines"),
        (number("12", 0), "2:1", "line_number: line: 1 to analog_lines"),
        (number("", 1), "2:1", "line_number: number: 1 to 40 of 0-9, *, #, A-D"),
        (number("1 2", 1), "2:1", "line_number: number: 1 to 40 of 0-9, *, #, A-D"),
        (number(&"1".repeat(41), 1), "2:1", "line_number: number: 1 to 40 of 0-9, *, #, A-D"),
        (number("12", 1) + &number("12", 2), "5:1", "line_number: number: it is a line's already"),
        (fault("loss_db = 61.0"), "2:1", "line_fault: loss_db: -20 to 60"),
        (fault("loss_db = nan"), "2:1", "line_fault: loss_db: -20 to 60"),
        (fault("send_loss_db = -21.0"), "2:1", "line_fault: send_loss_db: -20 to 60"),
        (fault("noise_dbm0 = 0.5"), "2:1", "line_fault: noise_dbm0: -90 to 0"),
        (fault("echo = { loss_db = -1.0, delay_ms = 1 }"), "2:1", "line_fault: echo.loss_db: 0 to 60"),
        (fault("echo = { loss_db = 1.0, delay_ms = 1001 }"), "2:1", "line_fault: echo.delay_ms: at most 1000"),
        (fault("echo = { loss_db = 1.0 }"), "4:8", "missing field `delay_ms`"),
        (fault("") + &fault(""), "5:1", "line_fault: line: it has one already"),
        ("[[line_fault]]\nline = 3\n".into(), "2:1", "line_fault: line: 1 to analog_lines"),
        ("[exchange]\nclears_after_ms = 600001\n".into(), "2:1", "clears_after_ms: at most 600000"),
        ("[exchange]\nbusy_tone = \"425 500\"\n".into(), "3:13", "on and off come in pairs"),
        ("[exchange]\nbusy_tone = \"425\"\n".into(), "3:13", "write \"425 500/500\""),
        ("[exchange]\nringback_tone = \"4O0 500/500\"\n".into(), "3:17", "is no number of Hz"),
        ("[exchange]\ndial_tone = \"\"\n".into(), "3:13", "a tone is wanted"),
        ("[exchange]\nclears_by = \"tone\"\n".into(), "3:13", "unknown variant `tone`"),
    ] {
        let told = read(&text).expect_err(&text);
        assert!(told.starts_with(&format!("s.toml:{place}: ")) && told.contains(why), "{told}\n{text}");
    }
}
