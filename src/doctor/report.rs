//! The doctor's report: the same figures for a terminal, for paper, and for programs.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::advice::{Proposal, advise};
use crate::found::{CallFound, Settings, ToneFound, Way};
use crate::visit::{Order, Outcome};

/// A visit's report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The examined line.
    pub line: String,
    /// The line that helped.
    pub with: String,
    /// The settings under which it was examined; `None`: it was not.
    pub settings: Option<Settings>,
    /// What was found, call by call.
    pub calls: Vec<CallFound>,
    /// Settings that ought to be others.
    pub proposals: Vec<Proposal>,
    /// What no setting puts right.
    pub remarks: Vec<String>,
    /// Why the visit is not whole.
    pub failure: Option<String>,
    /// That is because a line has a call.
    pub in_use: bool,
    /// Seconds that the two lines were not there for others.
    pub line_time_s: f32,
}

/// A figure of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// To which call it belongs.
    pub part: String,
    /// What.
    pub what: &'static str,
    /// Its figure, with its unit.
    pub figure: String,
}

impl Report {
    /// Of a visit that is over.
    pub fn of(order: &Order, outcome: &Outcome) -> Report {
        // Of a visit that broke off everything is told and nothing proposed.
        let whole = outcome.failure.is_none();
        let advice = outcome.settings.as_ref().filter(|_| whole).map(|settings| advise(settings, &outcome.calls));
        let advice = advice.unwrap_or_default();
        Report {
            line: order.line.clone(),
            with: order.with.clone(),
            settings: outcome.settings.clone(),
            calls: outcome.calls.clone(),
            proposals: advice.proposals,
            remarks: advice.remarks,
            failure: outcome.failure.clone(),
            in_use: outcome.in_use,
            line_time_s: (outcome.line_time.as_ms() as f32 / 100.0).round() / 10.0,
        }
    }

    /// Every figure, in order.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for call in &self.calls {
            let part = match call.way {
                Way::Called => format!("{} called by {}", self.line, self.with),
                Way::Calling => format!("{} calls {}", self.line, self.with),
            };
            let mut row = |what, figure: String| rows.push(Row { part: part.clone(), what, figure });
            if call.way == Way::Calling {
                row("dial tone", call.dial_tone.as_ref().map_or("none".into(), tone));
                row("ringback", call.ringback.as_ref().map_or("none".into(), tone));
            }
            if let Some(ms) = call.rang_after_ms {
                row("rings after the last digit", format!("{ms} ms"));
            }
            if let Some(id) = &call.caller_id {
                row("caller id", caller_id(id));
            }
            if call.way == Way::Calling && call.end.is_some() {
                let none = "not marked by a reversal".into();
                row("answer", call.answer_reversal_ms.map_or(none, |ms| format!("reversal after {ms} ms")));
            }
            let dbm0 = |level: f32| format!("{level:.1} dBm0");
            if let Some(level) = call.noise_dbm0 {
                row("noise", dbm0(level));
            }
            if let Some(level) = call.received_dbm0 {
                row("a tone of -10 dBm0 from the other line", dbm0(level));
            }
            if let Some(level) = call.sent_dbm0 {
                row("a tone of -10 dBm0 to the other line", dbm0(level));
            }
            if let Some(end) = &call.end {
                let echo =
                    |echo: crate::probe::Echo| format!("{:.1} dB weaker, {} ms late", echo.loss_db, echo.delay_ms);
                row("echo", call.echo.map_or("none".into(), echo));
                let ms = |ms: Option<u32>| ms.map_or("none".into(), |ms| format!("after {ms} ms"));
                row("end: battery drop", ms(end.battery_ms));
                row("end: reversal of polarity", ms(end.reversal_ms));
                row("end: tone", end.tone.as_ref().map_or("none".into(), tone));
                row("end: heard by the line as", end.heard_as.clone().unwrap_or("nothing".into()));
                row("end: listened for", format!("{} ms", end.listened_ms));
            }
        }
        rows
    }

    /// The change of the configuration, key by key: `-` as it is, `+` as it ought to be. Empty: there is none.
    pub fn diff(&self) -> String {
        let mut text = String::new();
        if !self.proposals.is_empty() {
            let _ = writeln!(text, "  [[line]]\n  line = \"{}\"", self.line);
        }
        for Proposal { key, from, to, why } in &self.proposals {
            if !from.is_empty() {
                let _ = writeln!(text, "- {key} = {from}");
            }
            let _ = writeln!(text, "+ {key} = {to}    # {why}");
        }
        text
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = format!("{}, examined with {}: {:.1} s of line time\n", self.line, self.with, self.line_time_s);
        let mut part = String::new();
        for row in self.rows() {
            if row.part != part {
                part.clone_from(&row.part);
                let _ = writeln!(text, "\n{part}");
            }
            let _ = writeln!(text, "  {:<40} {}", row.what, row.figure);
        }
        if let Some(failure) = &self.failure {
            let _ = writeln!(text, "\nnot done: {failure}");
            return text;
        }
        match self.diff() {
            diff if diff.is_empty() => text.push_str("\nThe settings fit the line: nothing to change.\n"),
            diff => {
                let _ = write!(text, "\nproposed:\n{diff}");
            }
        }
        for remark in &self.remarks {
            let _ = writeln!(text, "\nnote: {remark}");
        }
        text
    }

    /// A page of its own, to be printed or kept.
    pub fn html(&self) -> String {
        let mut page = String::from(HEAD);
        let line = escaped(&self.line);
        let _ = write!(page, "<title>{line}</title><h1>Line {line}</h1><p>Examined with {}: ", escaped(&self.with));
        let _ = write!(page, "{:.1} s of line time.</p>", self.line_time_s);
        if let Some(failure) = &self.failure {
            let _ = write!(page, "<p class=bad>Not done: {}</p>", escaped(failure));
        } else if self.proposals.is_empty() {
            page.push_str("<p class=good>The settings fit the line: nothing to change.</p>");
        } else {
            page.push_str("<h2>Proposed</h2><table><tr><th>Key<th>Now<th>Proposed<th>Because");
            for Proposal { key, from, to, why } in &self.proposals {
                let from = if from.is_empty() { "—".into() } else { escaped(from) };
                let (key, to, why) = (escaped(key), escaped(to), escaped(why));
                let _ = write!(page, "<tr><td><code>{key}</code><td><code>{from}</code><td><code>{to}</code><td>{why}");
            }
            page.push_str("</table>");
        }
        for remark in &self.remarks {
            let _ = write!(page, "<p class=note>{}</p>", escaped(remark));
        }
        let mut part = String::new();
        for row in self.rows() {
            if row.part != part {
                if !part.is_empty() {
                    page.push_str("</table>");
                }
                part.clone_from(&row.part);
                let _ = write!(page, "<h2>{}</h2><table>", escaped(&part));
            }
            let _ = write!(page, "<tr><td>{}<td>{}", escaped(row.what), escaped(&row.figure));
        }
        if !part.is_empty() {
            page.push_str("</table>");
        }
        page.push('\n');
        page
    }
}

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
<style>body{font:15px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;\
width:100%}td,th{text-align:left;vertical-align:top;border-bottom:1px solid #ccc;padding:.2em .6em .2em 0}\
.good{color:#060}.bad{color:#a00}.note{border-left:3px solid #ccc;padding-left:.6em}</style>";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `425 500/500, -10.0 dBm0, after 300 ms, known`
fn tone(found: &ToneFound) -> String {
    let Some(tone) = &found.tone else {
        return format!("after {} ms, {}", found.after_ms, known(found));
    };
    let rhythm = if found.certain { tone.to_string() } else { format!("{tone} (too short to know its rhythm)") };
    format!("{rhythm}, {:.1} dBm0, after {} ms, {}", tone.level_dbm0, found.after_ms, known(found))
}

fn known(found: &ToneFound) -> &'static str {
    if found.known { "known" } else { "not known" }
}

fn caller_id(told: &crate::found::CallerIdFound) -> String {
    let Some(form) = &told.form else {
        return if told.damaged > 0 { "damaged".into() } else { "none".into() };
    };
    let place = if told.before_ring { "before the first ring" } else { "after the first ring" };
    let mut parts = vec![format!("{form} {place}")];
    for (is, word) in [(told.number, "a number"), (told.name, "a name"), (told.withheld, "withheld or unavailable")] {
        if is {
            parts.push(word.into());
        }
    }
    parts.join(", ")
}
