//! Record: a beep, then the caller's voice into a recording, until silence, a key, the longest time or the end of the
//! call. Another document from the API ends it too: what was said is kept, the action is not asked.

use tipring_card::Micros;
use tipring_instructions::Record;
use tipring_resources::Method;
use tipring_switch::Tone;

use crate::effects::{TraceKind, Track};
use crate::fetch::{Page, method_of};
use crate::leg::{Leg, Stop};
use crate::limits::{KEY_TAIL_MS, PORT_GONE_LIMIT};
use crate::params::param;
use crate::recording::{Ear, Side, Take, TextWish, Wish};
use crate::sound::Noise;
use crate::verbs::Flow;
use crate::world::Input;

/// What ended a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Key(u8),
    Silence,
    TooLong,
    CallOver,
    Redirected,
    Stopped,
    Cut,
}

pub(super) async fn run(leg: &Leg, page: &Page, record: &Record) -> Result<Flow, Stop> {
    leg.answer().await?;
    if record.play_beep {
        leg.hear(&Noise::Tones(vec![Tone::Beep])).await?;
    }
    let mut take = begin(leg, page, record)?;
    let ended = listen(leg, record, &mut take).await;
    if ended == Ended::Redirected {
        take.run_beside(&mut leg.world(), true);
        return Err(Stop::Redirected);
    }
    let drop_tail_ms = if matches!(ended, Ended::Key(_)) { KEY_TAIL_MS } else { 0 };
    let completed = take.finish(leg, drop_tail_ms).await?;
    let Some(take) = completed else {
        return leg.ask_or_notice(None);
    };
    let mut told = take.told(&leg.world().config);
    match ended {
        Ended::Key(key) => told.push(param("Digits", char::from(key))),
        Ended::CallOver => told.push(param("Digits", "hangup")),
        Ended::Silence | Ended::TooLong | Ended::Redirected | Ended::Stopped | Ended::Cut => {}
    }
    leg.ask_or_notice(Some(page.ask(record.action.as_deref(), record.method, told)))
}

/// Tap, file and record.
fn begin(leg: &Leg, page: &Page, record: &Record) -> Result<Take, Stop> {
    let mut world = leg.world();
    let session = world.sessions.get(&leg.task).filter(|session| !session.over).ok_or(Stop::Over)?;
    let (port, law, call) = (session.lease.ok_or(Stop::Over)?, session.law, session.call.clone());
    let wish = Wish {
        source: "RecordVerb",
        ears: vec![Ear { port, law, side: Side::Said }],
        quiet_ms: record.timeout_s.saturating_mul(1_000),
        silent_too: false,
        track: Track::Inbound,
        trim: record.trim,
        callback: record.callback.as_deref().map(|url| page.resolve(url)).unwrap_or_default(),
        callback_method: method_of(record.callback_method),
        events: record.callback_events,
        url: page.url.clone(),
        conference: None,
        text: record.transcribe.then(|| TextWish {
            language: record.transcribe_language.clone(),
            callback: record.transcribe_callback.as_deref().map(|url| page.resolve(url)).unwrap_or_default(),
            callback_method: Method::Post,
        }),
    };
    Take::begin(&mut world, leg.task, &call, wish).ok_or(Stop::Over)
}

/// Until something ends it.
async fn listen(leg: &Leg, record: &Record, take: &mut Take) -> Ended {
    let mut until = leg.now() + Micros::from_s(u64::from(record.max_length_s));
    let ended = loop {
        let input = match leg.next(until).await {
            // Nobody is called away from a Record.
            Err(Stop::Over | Stop::CalledAway) => break Ended::CallOver,
            Err(Stop::Redirected) => break Ended::Redirected,
            Ok(input) => input,
        };
        if take.input(&input) {
            if take.has_ended() && take.is_stopped(leg) {
                break Ended::Stopped;
            }
            // Not by us: the port is gone, and with it most likely the call.
            until = leg.now() + PORT_GONE_LIMIT;
        }
        match input {
            Input::Timeout if take.has_ended() => break Ended::Cut,
            Input::Timeout => break Ended::TooLong,
            Input::Quiet(tap) if take.is_tap(tap) && record.timeout_s > 0 => break Ended::Silence,
            Input::Key(key) if record.finish_on_key.contains(char::from(key)) => break Ended::Key(key),
            _ => {}
        }
    };
    let text = match ended {
        Ended::Key(key) => format!("key {}", char::from(key)),
        Ended::Silence => "silence".to_owned(),
        Ended::TooLong => "maxLength".to_owned(),
        Ended::CallOver => "the call is over".to_owned(),
        Ended::Redirected => "another document".to_owned(),
        Ended::Stopped => "stopped".to_owned(),
        Ended::Cut => "the switch ended it".to_owned(),
    };
    leg.trace(TraceKind::Verb, format!("Record ended: {text}"));
    ended
}
