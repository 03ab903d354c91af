//! The box's own lines and spans, as the card has them at this moment. They belong to no tenant: only the box's own
//! account sees them.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::Sid;
use tipring_router::{Reply, Request};

use crate::calls;
use crate::fault::Fault;
use crate::form::encode;
use crate::paging;
use crate::serve::{Answer, Asking};
use crate::show::account_path;

/// A span of a card: an E1 or T1, or the ports of an analogue card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanState {
    /// `dahdi 1`.
    pub name: String,
    /// Its lines are analogue.
    pub analog: bool,
    /// Calls can go over it: the D channel is established; of analogue lines one is in order.
    pub up: bool,
    /// What is wrong: `red`, `yellow`, `blue`, `other`.
    pub alarms: Vec<&'static str>,
    /// Errors since the start, by kind.
    pub errors: Vec<(&'static str, u64)>,
    /// Its lines.
    pub lines: Vec<LineState>,
    /// Ports of them that have a telephone.
    pub telephones: Vec<u8>,
    /// Names of those that are not named by span and timeslot.
    pub names: Vec<(u8, String)>,
}

impl SpanState {
    fn signalling(&self, timeslot: u8) -> &'static str {
        match self.analog {
            _ if self.telephones.contains(&timeslot) => "telephone",
            true => "analog",
            false => "pri",
        }
    }
}

/// A line: its timeslot or port, and its state.
pub type LineState = (u8, &'static str);

pub(crate) fn shown_span(span: &SpanState) -> Value {
    let errors: serde_json::Map<String, Value> =
        span.errors.iter().map(|(kind, count)| ((*kind).to_string(), json!(count))).collect();
    json!({
        "name": span.name,
        "signalling": if span.analog { "analog" } else { "pri" },
        "status": if span.up { "up" } else { "down" },
        "alarms": span.alarms,
        "errors": errors,
        "line_count": span.lines.len(),
    })
}

pub(crate) fn shown_line(span: &SpanState, (timeslot, status): LineState) -> Value {
    json!({
        "name": line_name(span, timeslot),
        "span": span.name,
        "timeslot": timeslot,
        "signalling": span.signalling(timeslot),
        "status": status,
    })
}

fn line_name(span: &SpanState, timeslot: u8) -> String {
    let own = span.names.iter().find(|(of, _)| *of == timeslot);
    own.map_or_else(|| format!("{}/{timeslot}", span.name), |(_, name)| name.clone())
}

pub(crate) fn spans(asking: &Asking) -> Result<Answer, Fault> {
    let spans = own(asking)?;
    page(asking, "spans", spans.iter().map(|span| with_uri(asking, "Spans", shown_span(span))).collect())
}

pub(crate) fn span(asking: &Asking, name: &str) -> Result<Answer, Fault> {
    let spans = own(asking)?;
    let found = spans.iter().find(|span| span.name == name).ok_or_else(Fault::not_found)?;
    Ok(Answer::Json(StatusCode::OK, with_uri(asking, "Spans", shown_span(found))))
}

pub(crate) async fn lines(asking: &Asking) -> Result<Answer, Fault> {
    let span = asking.form.text("Span");
    let status = asking.form.text("Status");
    let fits = |line: &Value| {
        let is = |member: &str, wanted: Option<&str>| wanted.is_none_or(|wanted| line[member] == wanted);
        is("span", span) && is("status", status)
    };
    let lines = every_line(asking).await?.into_iter().filter(fits).collect();
    page(asking, "lines", lines)
}

pub(crate) async fn line(asking: &Asking, name: &str) -> Result<Answer, Fault> {
    let found = every_line(asking).await?.into_iter().find(|line| line["name"] == name);
    Ok(Answer::Json(StatusCode::OK, found.ok_or_else(Fault::not_found)?))
}

/// What the telephone at a port is told.
pub(crate) async fn tell(asking: &Asking, name: &str) -> Result<Answer, Fault> {
    let spans = own(asking)?;
    let found = spans.iter().flat_map(|span| span.lines.iter().map(move |line| (span, line.0)));
    let (span, timeslot) =
        found.into_iter().find(|(span, slot)| line_name(span, *slot) == name).ok_or_else(Fault::not_found)?;
    let lifted = match asking.form.text("Hook") {
        None => None,
        Some("off") => Some(true),
        Some("on") => Some(false),
        Some(_) => return Err(Fault::parameter("Hook", "off or on")),
    };
    let waiting = asking.form.boolean("MessagesWaiting")?;
    if waiting.is_none() && lifted.is_none() {
        return Err(Fault::parameter("MessagesWaiting", "true or false"));
    }
    if span.signalling(timeslot) != "telephone" {
        let text = format!("{name} has no telephone: only a [[telephone]] of the box can be told of messages");
        return Err(Fault::bad(20001, text));
    }
    if lifted.is_some() && span.name != SOUND {
        let text = format!("{name} is lifted by a person's hand: only the telephone of a sound device can be lifted");
        return Err(Fault::bad(20001, text));
    }
    let named = || name.to_owned();
    let waiting = waiting.map(|waiting| Request::MessagesWait { line: named(), waiting });
    let lifted = lifted.map(|lifted| Request::Lift { line: named(), lifted });
    for request in [waiting, lifted].into_iter().flatten() {
        if let Reply::Refused { code, text, .. } = calls::ask(asking, request).await? {
            return Err(Fault::bad(code.0, text));
        }
    }
    line(asking, name).await
}

/// The span of the sound devices.
const SOUND: &str = "sound";

/// With the call that each of them carries.
async fn every_line(asking: &Asking) -> Result<Vec<Value>, Fault> {
    let spans = own(asking)?;
    let calls = asking.state.live.calls_on_lines().await;
    let on = |name: &Value| calls.iter().find(|(line, _)| *name == **line).map(|(_, call)| *call);
    let lines = spans.iter().flat_map(|span| span.lines.iter().map(|line| shown_line(span, *line)));
    Ok(lines
        .map(|mut line| {
            line["call_sid"] = json!(on(&line["name"]));
            with_uri(asking, "Lines", line)
        })
        .collect())
}

fn own(asking: &Asking) -> Result<Vec<SpanState>, Fault> {
    match asking.account.parent {
        None => Ok(asking.state.live.spans()),
        Some(_) => Err(Fault::not_found()),
    }
}

fn with_uri(asking: &Asking, list: &str, mut value: Value) -> Value {
    let account: Sid = asking.account.sid;
    let name = encode(value["name"].as_str().unwrap_or_default());
    value["account_sid"] = json!(account);
    value["uri"] = json!(format!("{}/{list}/{name}.json", account_path(account)));
    value
}

fn page(asking: &Asking, member: &str, all: Vec<Value>) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    let start = asked.skipped();
    let size = asked.page.size as usize;
    let more = all.len() > start.saturating_add(size);
    let items = all.into_iter().skip(start).take(size).collect();
    Ok(paging::numbered(asking, asked, member, items, more))
}
