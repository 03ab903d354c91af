//! The line doctor as a whole box has it: settings from a configuration, what is proposed put into one, and examined again.
//! What it measures is proven beside the lines.

use crate::world::{document, run};

/// A British box at an exchange that hangs up with another tone, reverses nothing and is weak on the first line.
const BOX: &str = "country = \"gb\"\nanalog_lines = 2\nlimit_s = 400\n\
    [exchange]\nclears_by = \"busy-tone\"\nbusy_tone = \"425 500/500\"\n\
    [[line_number]]\nnumber = \"5550101\"\nline = 1\n[[line_number]]\nnumber = \"5550102\"\nline = 2\n\
    [[line_fault]]\nline = 1\nloss_db = 6.0\n";

fn visit(at_ms: u64) -> String {
    format!(
        "[[doctor]]\nat_ms = {at_ms}\nline = \"sim 2/1\"\nnumber = \"5550101\"\nwith = \"sim 2/2\"\nwith_number = \"5550102\"\n"
    )
}

#[test]
fn inst5_what_the_doctor_proposes_cures_the_line_and_its_second_visit_proposes_nothing() {
    let before = "[[line]]\nline = \"sim 2/1\"\nanswer = \"reversal\"\n";
    let ill = run(&format!("{BOX}{before}{}", visit(0)));
    let [report] = &ill.outcome.examined[..] else { panic!("{:?}", ill.outcome.examined) };
    let keys: Vec<_> = report.proposals.iter().map(|it| (it.key.as_str(), it.from.as_str(), it.to.as_str())).collect();
    assert_eq!(
        keys,
        [
            ("answer", "\"reversal\"", "\"voice\""),
            ("hang_up_tone", "", "\"425 500/500\""),
            ("receive_gain_db", "0", "6")
        ],
        "{}",
        report.text()
    );
    assert!(report.failure.is_none() && report.line_time_s < 90.0, "{}", report.text());
    let proposed: String = report.proposals.iter().map(|it| format!("{} = {}\n", it.key, it.to)).collect();
    let cured = run(&format!("{BOX}[[line]]\nline = \"sim 2/1\"\n{proposed}{}", visit(0)));
    let [report] = &cured.outcome.examined[..] else { panic!("{:?}", cured.outcome.examined) };
    assert_eq!((report.failure.as_deref(), &report.proposals[..]), (None, &[][..]), "{}", report.text());
}

#[test]
fn inst5_callers_after_a_visit_are_served_as_ever_and_one_during_it_ends_it() {
    let calls = "[[number]]\nnumber = \"sim 2/1\"\nurl = \"http://app.example/\"\n".to_owned()
        + &document("/", "<Response><Hangup/></Response>")
        + &[("during", 5_000), ("after", 200_000)]
            .map(|(id, at)| {
                format!(
                    "[[call]]\nid = \"{id}\"\nat_ms = {at}\nline = 1\ndoes = [{{ await_answer = {{}} }}, {{ await_hangup = {{}} }}]\n"
                )
            })
            .concat();
    let run = run(&format!("{BOX}{calls}{}{}", visit(0), visit(60_000)));
    let [first, second] = &run.outcome.examined[..] else { panic!("{:?}", run.outcome.examined) };
    // Somebody is on the line as soon as it is seized, or finds it busy.
    let ended = first.failure.as_deref().is_some_and(|why| why.contains("a call came in on sim 2/1"));
    let served = run.asked("/").len();
    assert_eq!(served, if ended { 2 } else { 1 }, "{}", first.text());
    assert_eq!(second.failure, None, "{}", second.text());
}
