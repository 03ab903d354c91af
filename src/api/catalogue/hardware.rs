//! What only a box with lines has: its spans, its lines, and what happens on it. All of it is our own.

use super::{Row, field, operation, parameter};

const OURS: &str = "our own: a cloud has no lines";

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // Lines
    operation("/2010-04-01/Accounts/{AccountSid}/Lines.json", "GET").differs(OURS),
    parameter("/2010-04-01/Accounts/{AccountSid}/Lines.json", "GET", "Span", "string").differs("our own: lines of this span"),
    parameter("/2010-04-01/Accounts/{AccountSid}/Lines.json", "GET", "Status", "string").differs("our own: lines in this state"),
    operation("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "GET").differs(OURS),
    field("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "GET", "account_sid", "AC").differs(OURS),
    field("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "GET", "call_sid", "CA?").differs("our own: the living call that has the line"),
    field("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "GET", "name", "string").differs("our own: span and timeslot, as `line` of a call"),
    field("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "GET", "signalling", "string").differs("our own: pri, analog or telephone"),
    field("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "GET", "span", "string").differs(OURS),
    field("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "GET", "status", "string").differs("our own: idle, resting, down, or the state of its call"),
    field("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "GET", "timeslot", "int").differs("our own: from 1; of an analogue card the port"),
    field("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "GET", "uri", "string").differs(OURS),
    operation("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "POST").differs("our own: what the telephone at this port is told"),
    parameter("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "POST", "Hook", "string").differs("our own: off lifts the telephone of a sound device, on puts it down"),
    parameter("/2010-04-01/Accounts/{AccountSid}/Lines/{Name}.json", "POST", "MessagesWaiting", "boolean").differs("our own: messages wait for the user of the telephone, or wait no more: its lamp, and dial tone that stutters"),
    // Spans
    operation("/2010-04-01/Accounts/{AccountSid}/Spans.json", "GET").differs(OURS),
    operation("/2010-04-01/Accounts/{AccountSid}/Spans/{Name}.json", "GET").differs(OURS),
    field("/2010-04-01/Accounts/{AccountSid}/Spans/{Name}.json", "GET", "account_sid", "AC").differs(OURS),
    field("/2010-04-01/Accounts/{AccountSid}/Spans/{Name}.json", "GET", "alarms", "list of string").differs("our own: red, yellow, blue, other"),
    field("/2010-04-01/Accounts/{AccountSid}/Spans/{Name}.json", "GET", "errors", "object").differs("our own: how many since the start, by kind"),
    field("/2010-04-01/Accounts/{AccountSid}/Spans/{Name}.json", "GET", "line_count", "int").differs(OURS),
    field("/2010-04-01/Accounts/{AccountSid}/Spans/{Name}.json", "GET", "name", "string").differs(OURS),
    field("/2010-04-01/Accounts/{AccountSid}/Spans/{Name}.json", "GET", "signalling", "string").differs("our own: pri or analog"),
    field("/2010-04-01/Accounts/{AccountSid}/Spans/{Name}.json", "GET", "status", "string").differs("our own: up or down"),
    field("/2010-04-01/Accounts/{AccountSid}/Spans/{Name}.json", "GET", "uri", "string").differs(OURS),
    // Event stream
    operation("/2010-04-01/Accounts/{AccountSid}/EventStream", "GET").differs("our own: Server-Sent Events, or a WebSocket"),
    parameter("/2010-04-01/Accounts/{AccountSid}/EventStream", "GET", "Types", "list of string").differs("our own: only these, commas between"),
    parameter("/2010-04-01/Accounts/{AccountSid}/EventStream", "GET", "LastEventId", "string").differs("our own: goes on behind it; as the header Last-Event-ID"),
];
