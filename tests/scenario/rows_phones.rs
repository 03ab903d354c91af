//! Telephones on ports of the box, with all that is behind them: an application for what is dialled, a far end over the E1,
//! a ring with the caller's number, help. Rows A2, A3 and B11.

use tipring::daemon::simulation::Seen;

use crate::legs::{BOB, BOB_DIGITS, called_of, dial, only_tone, subscriber, telephone, tones};
use crate::sound::{HELLO, in_words};
use crate::world::{Run, document, run, value};

/// Number of the first telephone, and of the second.
const NUMBERS: [&str; 2] = ["21", "22"];
/// A document that calls the first telephone.
const CALLS_IT: &str =
    "<Response><Dial timeout=\"20\" action=\"/after\"><Number trunk=\"phones\">21</Number></Dial></Response>";

/// A box in a country with an E1, whose telephones have these entries; the first two have numbers and groups.
fn phones(country: &str, entries: &[&str], rest: &str) -> String {
    let mut text = format!("country = \"{country}\"\n[[group]]\nname = \"pri\"\nlines = [\"sim 1\"]\n");
    for (name, port) in [("phones", 1), ("second", 2)].into_iter().take(entries.len()) {
        text += &format!("[[group]]\nname = \"{name}\"\nlines = [\"sim 2/{port}\"]\n");
    }
    text += "[[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"\n";
    text += "[[number]]\nnumber = \"sim 2/1\"\nurl = \"http://app.example/port\"\n";
    for (entry, number) in entries.iter().zip(NUMBERS) {
        text += &format!("[[telephone]]\nid = \"{number}\"\nnumber = \"{number}\"\n{entry}\n");
    }
    text + &document("/after", "<Response/>") + rest
}

/// A telephone that dials half a second after it was lifted, and goes on so.
fn dials(keys: &str, then: &str) -> String {
    format!("lifts_at_ms = 0\ndoes = [{{ wait = {{ ms = 500 }} }}, {{ press = {{ keys = \"{keys}\" }} }}, {then}]")
}

/// A telephone that is lifted at a ring.
fn answers(ring: usize, does: &str) -> String {
    format!("answers_ring = {ring}\ndoes = [{does}]")
}

fn seen<'a>(run: &'a Run, id: &str) -> &'a Seen {
    run.outcome.seen.iter().find(|seen| seen.id == id).expect("a telephone of that name")
}

/// When a tone was heard on a telephone, on the scenario's clock.
fn heard_at(seen: &Seen, tone: &crate::legs::Heard) -> u64 {
    seen.heard_from_ms.unwrap_or(0) + tone.from_ms as u64
}

#[test]
fn a3_what_is_dialled_on_a_telephone_of_the_box_asks_the_application_of_its_port() {
    let text = document("/port", &format!("<Response><Say>{HELLO}</Say></Response>"));
    let run = run(&phones("us", &[&dials("2025550142#", "{ await_hangup = {} }")], &text)).met();
    assert_eq!(run.paths(), ["/port"]);
    let asked = run.asked("/port")[0];
    let told = ["To", "From", "Direction", "CallStatus"].map(|name| value(asked, name).unwrap_or("none"));
    assert_eq!(told, [BOB, "21", "inbound", "ringing"]);
    let desk = seen(&run, "21");
    assert_eq!(in_words(&desk.heard), "dial tone, then the application's words");
    assert_eq!((desk.drops_ms.len(), desk.rings_ms.len()), (1, 0), "our hang-up is told by the battery");
    let of_json = run.lines.iter().find(|line| line["telephone"] == "21").expect("a line of its own");
    assert_eq!((&of_json["rings"], &of_json["drops"]), (&0.into(), &1.into()), "{of_json}");
    let [record] = &run.outcome.records[..] else { panic!("{} records", run.outcome.records.len()) };
    let kept = (record.to.as_str(), record.from.as_str(), record.line.as_str(), record.status.as_str());
    assert_eq!(kept, (BOB, "21", "sim 2/1", "completed"));
    assert!(record.answered.is_some() && record.cause == Some(16), "{record:?}");
}

#[test]
fn b11_a_telephone_of_the_box_and_a_far_end_hear_each_other_until_it_is_put_down() {
    let does = "{ wait = { ms = 5000 } }, { tone = { hz = 900.0, ms = 1000 } }, { wait = { ms = 2000 } }";
    let bob = "rings_ms = 1000\ndoes = [{ wait = { ms = 1500 } }, { tone = { hz = 700.0, ms = 800 } }, { await_hangup = {} }]";
    let calls_bob = format!(
        "<Response><Dial action=\"/after\"><Number trunk=\"pri\">{BOB}</Number></Dial><Pause length=\"60\"/></Response>"
    );
    let run =
        run(&phones("us", &[&dials("2025550142#", does)], &(document("/port", &calls_bob) + &subscriber(BOB, bob))));
    let (desk, bob) = (seen(&run, "21"), called_of(&run.outcome.called, BOB_DIGITS));
    only_tone(&desk.heard, 700.0, 800, -10.0);
    only_tone(&bob.heard, 900.0, 1_000, -10.0);
    assert!(tones(&desk.heard, 900.0).is_empty() && tones(&bob.heard, 700.0).is_empty(), "they hear themselves");
    // What was wanted of it last is over: it is put down.
    let (down, freed) = (desk.steps_ms[4], bob.moments.ended_ms.expect("over"));
    assert!((down..=down + 1_500).contains(&freed), "put down at {down} ms, freed at {freed} ms");
    assert_eq!((bob.cause, desk.drops_ms.len()), (Some(16), 0));
    let caller = &run.outcome.records[0];
    let leg = run.legs_of(&caller.sid.to_string())[0];
    assert_eq!((caller.status.as_str(), leg.status.as_str(), leg.cause), ("completed", "completed", Some(16)));
    assert_eq!((leg.from.as_str(), leg.to.as_str()), ("21", BOB));
}

/// A caller over the E1 whose document calls the telephone, and what it does.
fn called(country: &str, telephones: &[&str], caller: &str) -> Run {
    let caller = telephone("caller", "pri", caller).replace("\nto", "\nat_ms = 2000\nname = \"ADA\"\nto");
    run(&phones(country, telephones, &(document("/", CALLS_IT) + &caller)))
}

#[test]
fn a2_b11_a_telephone_of_the_box_rings_shows_who_calls_talks_and_is_told_of_the_hang_up() {
    let does = "{ wait = { ms = 1000 } }, { tone = { hz = 700.0, ms = 800 } }, { await_hangup = {} }, { wait = { ms = 4000 } }";
    let caller =
        "{ wait = { ms = 14000 } }, { tone = { hz = 900.0, ms = 1000 } }, { wait = { ms = 1000 } }, { hangup = {} }";
    let run = called("us", &[&answers(2, does)], caller);
    let desk = seen(&run, "21");
    assert_eq!((desk.number.as_str(), desk.name.as_str(), desk.restricted), ("12025550100", "ADA", false));
    let gap = desk.rings_ms[1] - desk.rings_ms[0];
    assert!((5_980..=6_020).contains(&gap) && desk.rings_ms.len() == 2, "{:?}", desk.rings_ms);
    only_tone(&desk.heard, 900.0, 1_000, -10.0);
    let octets = run.octets();
    only_tone(octets, 700.0, 800, -10.0);
    assert!(in_words(octets).starts_with("ringback"), "{}", in_words(octets));
    // He goes: the battery once, then congestion tone for as long as it is off hook.
    let gone = run.told().moments.ended_ms.expect("over");
    let [drop] = desk.drops_ms[..] else { panic!("{:?}", desk.drops_ms) };
    assert!((gone..=gone + 500).contains(&drop), "he goes at {gone} ms, the battery at {drop} ms");
    assert!(in_words(&desk.heard).ends_with("congestion tone"), "{}", in_words(&desk.heard));
    let [leg] = run.legs_of(&run.told().sid)[..] else { panic!("no leg") };
    let kept = (leg.to.as_str(), leg.line.as_str(), leg.status.as_str(), leg.supervision.as_deref());
    assert_eq!(kept, ("21", "sim 2/1", "completed", Some("connect")));
}

#[test]
fn a2_a_withheld_number_is_not_shown_on_a_telephone_of_the_box() {
    let caller = telephone("caller", "pri", "{ wait = { ms = 9000 } }, { hangup = {} }");
    let caller = caller.replace("\nto", "\nname = \"ADA\"\nrestricted = true\nto");
    let run = run(&phones("us", &[&answers(2, "{ await_hangup = {} }")], &(document("/", CALLS_IT) + &caller)));
    let desk = seen(&run, "21");
    assert_eq!((desk.number.as_str(), desk.name.as_str(), desk.restricted), ("", "", true));
}

#[test]
fn b11_a_telephone_of_the_box_rings_in_the_rhythm_of_its_country() {
    for (country, gaps) in [("us", [6_000, 6_000]), ("gb", [600, 2_400]), ("de", [5_000, 5_000])] {
        let run = called(country, &[""], "{ await_hangup = {} }");
        let rings = &seen(&run, "21").rings_ms;
        let got = [rings[1] - rings[0], rings[2] - rings[1]];
        for (got, wanted) in got.into_iter().zip(gaps) {
            assert!(got.abs_diff(wanted) <= 20, "{country}: {rings:?}");
        }
    }
}

#[test]
fn b11_a_telephone_of_the_box_that_nobody_lifts_is_no_answer_and_its_ring_stops() {
    let run = called("us", &[""], "{ await_hangup = {} }");
    let asked = run.asked("/after");
    assert_eq!(value(asked[0], "DialCallStatus"), Some("no-answer"));
    let desk = seen(&run, "21");
    let over = run.asked_at("/after", 0);
    // In 20 s: at 0, 6, 12 and 18.
    assert_eq!((desk.rings_ms.len(), desk.lifted_ms, desk.drops_ms.len()), (4, None, 0));
    assert!(desk.rings_ms.iter().all(|ring| (*ring as f64) < over), "{:?} {over}", desk.rings_ms);
    assert_eq!(run.legs_of(&run.told().sid)[0].status.as_str(), "no-answer");
}

#[test]
fn b12_a_telephone_of_the_box_that_is_off_hook_is_busy_and_does_not_ring() {
    let off_hook = "lifts_at_ms = 0\ndoes = [{ wait = { ms = 12000 } }]";
    let run = called("us", &[off_hook], "{ await_hangup = {} }");
    let asked = run.asked("/after");
    assert_eq!(value(asked[0], "DialCallStatus"), Some("busy"));
    assert_eq!((run.told().errors.as_slice(), run.legs_of(&run.told().sid)[0].cause), (&[][..], Some(17)));
    assert!(seen(&run, "21").rings_ms.is_empty());
}

#[test]
fn b11_two_telephones_of_the_box_talk_through_a_document() {
    let calls = "<Response><Dial><Number trunk=\"second\">22</Number></Dial></Response>";
    let first = dials("22#", "{ wait = { ms = 8000 } }, { tone = { hz = 900.0, ms = 1000 } }, { await_hangup = {} }");
    let second = answers(
        1,
        "{ wait = { ms = 1500 } }, { tone = { hz = 700.0, ms = 800 } }, { wait = { ms = 9000 } }, { hangup = {} }",
    );
    let run = run(&phones("us", &[&first, &second], &document("/port", calls)));
    let (first, second) = (seen(&run, "21"), seen(&run, "22"));
    let told = only_tone(&first.heard, 700.0, 800, -10.0);
    only_tone(&second.heard, 900.0, 1_000, -10.0);
    assert!(
        heard_at(first, &told).abs_diff(second.steps_ms[1] - 800) <= 100,
        "{} {:?}",
        heard_at(first, &told),
        second
    );
    // The second is put down; the first is told so.
    let down = second.steps_ms[3];
    let [drop] = first.drops_ms[..] else { panic!("{:?}", first.drops_ms) };
    assert!((down..=down + 1_500).contains(&drop), "put down at {down} ms, told at {drop} ms");
    let lines: Vec<_> = run.outcome.records.iter().map(|call| (call.line.as_str(), call.status.as_str())).collect();
    assert_eq!(lines, [("sim 2/1", "completed"), ("sim 2/2", "completed")]);
}

/// Nothing is open, nothing may be shown, nobody may call, and all of it was spent.
const CLOSED: &str =
    "[outbound]\nopen = []\ncaller_ids = []\nlines_percent = 1\ncalls_per_minute = 1\nminutes_per_day = 1\n";

/// Help is dialled on a telephone whose port has neither number nor application, in a box that lets nothing out.
fn help(country: &str, number: &str, rings_ms: u64) -> Run {
    let does = format!(
        "{{ wait = {{ ms = 500 }} }}, {{ press = {{ keys = \"{number}\" }} }}, {{ wait = {{ ms = {} }} }}, \
         {{ tone = {{ hz = 900.0, ms = 1000 }} }}, {{ wait = {{ ms = 1000 }} }}",
        rings_ms + 3_000
    );
    let answers = format!(
        "rings_ms = {rings_ms}\ndoes = [{{ wait = {{ ms = 500 }} }}, {{ tone = {{ hz = 700.0, ms = 800 }} }}, {{ await_hangup = {{}} }}]"
    );
    let text =
        format!("country = \"{country}\"\n{CLOSED}[[telephone]]\nid = \"desk\"\nlifts_at_ms = 0\ndoes = [{does}]\n");
    run(&(text + &subscriber(number, &answers)))
}

#[test]
fn help_is_dialled_on_a_telephone_without_number_or_application_and_everything_closed() {
    for (country, number) in [("us", "911"), ("gb", "999"), ("gb", "112"), ("de", "112")] {
        let what = format!("{number} in {country}");
        let run = help(country, number, 1_000);
        let [help] = &run.outcome.called[..] else {
            panic!("{what}: {} were called; {:?}", run.outcome.called.len(), run.lines("line"))
        };
        assert_eq!(help.to, number, "{what}");
        let desk = seen(&run, "desk");
        let dialled = desk.steps_ms[1];
        let after = help.moments.began_ms.saturating_sub(dialled);
        assert!(after <= 300, "{what}: called {after} ms after the last key");
        only_tone(&desk.heard, 700.0, 800, -10.0);
        only_tone(&help.heard, 900.0, 1_000, -10.0);
        assert_eq!(run.paths(), [""; 0], "{what}: no application is asked");
        let noted: Vec<_> = run.outcome.others.iter().map(|record| format!("{record:?}")).collect();
        assert!(!noted.iter().any(|text| text.contains("Notification")), "{what}: {noted:?}");
    }
}

#[test]
fn nothing_but_help_leaves_a_telephone_of_a_box_with_everything_closed() {
    // A port without number and application: what is dialled there is nobody's.
    let nobodys = help("us", "2025550142#", 1_000);
    assert_eq!((nobodys.outcome.called.len(), nobodys.paths()), (0, vec![]));
    // And one with an application, which may call nobody.
    let text = document("/port", &dial("pri", "action=\"/after\"")) + &subscriber(BOB, "") + CLOSED;
    let closed = run(&phones("us", &[&dials("2025550142#", "{ await_hangup = {} }")], &text));
    assert_eq!((closed.outcome.called.len(), closed.paths()), (0, vec!["/port", "/after"]));
    assert_eq!(value(closed.asked("/after")[0], "DialCallStatus"), Some("failed"));
}

#[test]
fn help_is_not_the_business_of_the_application_of_the_port() {
    let talks = dials("911", "{ wait = { ms = 4000 } }, { tone = { hz = 900.0, ms = 1000 } }, { wait = { ms = 500 } }");
    let run = run(&phones("us", &[&talks], &subscriber("911", "does = [{ await_hangup = {} }]")));
    only_tone(&run.outcome.called[0].heard, 900.0, 1_000, -10.0);
    assert_eq!((run.outcome.called[0].to.as_str(), run.paths()), ("911", vec![]));
    assert_eq!(run.outcome.called[0].from, "21", "help sees who calls");
}

#[test]
fn help_that_is_slow_to_answer_goes_on_ringing() {
    let run = help("us", "911", 90_000);
    let help = &run.outcome.called[0];
    assert_eq!(help.answered_after_ms.map(|ms| ms / 1_000), Some(90));
    only_tone(&help.heard, 900.0, 1_000, -10.0);
}
