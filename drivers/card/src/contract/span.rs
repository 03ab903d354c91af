//! Clauses about the card itself: its listing, who may open, alarms, and its removal, which comes last.

use alloc::{format, string::String};

use super::{At as _, Bench, DRAIN, STEP, Stop, Verdict, events, failed, pair, wait_for};
use crate::{BLOCK, CardError, Channel, ChannelId, Event, Micros, Setup, Signalling};

/// How long after the cable was pulled the alarm may come.
const ALARM_MS: u64 = 5_000;

pub(super) fn the_listing_is_consistent(bench: &mut dyn Bench) -> Verdict {
    for (card, end) in [(0, "near"), (1, "far")] {
        let card = if card == 0 { bench.near() } else { bench.far() };
        if card.name().is_empty() {
            return failed(format!("the {end} card has no name"));
        }
        let (spans, channels) = (card.spans(), card.channels());
        if channels.is_empty() {
            return failed(format!("the {end} card has no channel"));
        }
        if !spans.is_sorted_by(|a, b| a.id < b.id) || !channels.is_sorted_by(|a, b| a.id < b.id) {
            return failed(format!("the {end} card's spans or channels are out of order"));
        }
        if let Some(orphan) = channels.iter().find(|c| !spans.iter().any(|s| s.id == c.span)) {
            return failed(format!("channel {} is of a span that is not listed", orphan.id.0));
        }
        if let Some(unplaced) = channels.iter().find(|c| c.timeslot == 0) {
            return failed(format!("channel {} has timeslot 0", unplaced.id.0));
        }
    }
    for kind in [Signalling::Bearer, Signalling::Hdlc, Signalling::FxsKs] {
        let Some((near, _)) = bench.pair(kind) else {
            continue;
        };
        match bench.near().channels().iter().find(|c| c.id == near) {
            Some(info) if info.signalling == kind => {}
            other => {
                return failed(format!("the {kind:?} pair's near channel is listed as {other:?}"));
            }
        }
    }
    Ok(String::new())
}

pub(super) fn an_unknown_channel_is_refused(bench: &mut dyn Bench) -> Verdict {
    match bench.near().open(ChannelId(u16::MAX)) {
        Err(CardError::NoSuchChannel) => Ok(String::new()),
        Err(error) => failed(format!("open of channel {} gives '{error}'", u16::MAX)),
        Ok(_) => failed(format!("channel {} was opened", u16::MAX)),
    }
}

pub(super) fn a_channel_has_one_opener(bench: &mut dyn Bench) -> Verdict {
    let (near, _) = pair(bench, Signalling::Bearer)?;
    let first = bench.near().open(near).at("first open")?;
    match bench.near().open(near) {
        Err(CardError::Busy) => {}
        Err(error) => return failed(format!("the second open gives '{error}'")),
        Ok(_) => return failed("the channel was opened twice"),
    }
    drop(first);
    bench.advance(STEP);
    bench.near().open(near).at("open after the close")?;
    Ok(String::new())
}

pub(super) fn a_pulled_cable_is_an_alarm(bench: &mut dyn Bench) -> Verdict {
    let (near, _) = pair(bench, Signalling::Bearer)?;
    let mut channel = bench.near().open(near).at("open")?;
    let (span, law) = (channel.info().span, channel.info().law);
    channel.setup(Setup::Audio(law)).at("setup")?;
    bench.advance(Micros::from_ms(50));
    events(channel.as_mut());
    if bench.near().span_status(span).at("span status")?.alarms.is_down() {
        return failed("the span is in alarm before the cable is pulled");
    }
    if !bench.break_span(false) {
        return Err(Stop::NotApplicable("the bench cannot pull the cable".into()));
    }
    let blocked = blocked_within(bench, channel.as_mut(), ALARM_MS);
    let alarm = wait_for(bench, channel.as_mut(), Event::Alarm, 100);
    let down = bench.near().span_status(span);
    if !bench.break_span(true) {
        return failed("the bench pulled the cable, but could not replug it");
    }
    alarm?;
    blocked?;
    if !down.at("span status in alarm")?.alarms.is_down() {
        return failed("the event came, but the span's status shows no alarm");
    }
    wait_for(bench, channel.as_mut(), Event::AlarmCleared, ALARM_MS)?;
    if bench.near().span_status(span).at("span status")?.alarms.is_down() {
        return failed("the alarm was cleared, but the span's status still shows it");
    }
    Ok(String::new())
}

/// Reads until an event blocks it.
fn blocked_within(bench: &mut dyn Bench, channel: &mut dyn Channel, limit_ms: u64) -> Result<(), Stop> {
    let mut buffer = [0; BLOCK];
    let mut passed = Micros::ZERO;
    while passed < Micros::from_ms(limit_ms) {
        for _ in 0..DRAIN {
            match channel.read(&mut buffer) {
                Ok(_) => {}
                Err(CardError::Again) => break,
                Err(CardError::EventPending) => return Ok(()),
                Err(error) => return failed(format!("read with the cable pulled: {error}")),
            }
        }
        bench.advance(STEP);
        passed = passed + STEP;
    }
    failed(format!("no event blocks reading within {limit_ms} ms of the cable being pulled"))
}

pub(super) fn a_removed_card_is_gone(bench: &mut dyn Bench) -> Verdict {
    let (near, _) = pair(bench, Signalling::Bearer)?;
    let mut channel = bench.near().open(near).at("open")?;
    let law = channel.info().law;
    channel.setup(Setup::Audio(law)).at("setup")?;
    if !bench.remove() {
        return Err(Stop::NotApplicable("the bench cannot take the card away".into()));
    }
    let mut buffer = [0; BLOCK];
    let mut last = String::new();
    // At first an event may say so (or an alarm), and audio that was queued may be read.
    for _ in 0..400 {
        let read = channel.read(&mut buffer);
        let write = channel.write(&[0x55; BLOCK]);
        if (read, write) == (Err(CardError::Gone), Err(CardError::Gone)) {
            if let Ok(event) = channel.event() {
                return failed(format!("read and write say the card is gone, event says {event:?}"));
            }
            drop(channel);
            return match bench.near().open(near) {
                Err(CardError::Gone | CardError::NoSuchChannel) => Ok(String::new()),
                Err(error) => failed(format!("open on a card that is gone: {error}")),
                Ok(_) => failed("a channel was opened on a card that is gone"),
            };
        }
        last = format!("{read:?}, {write:?}");
        events(channel.as_mut());
        bench.advance(STEP);
    }
    failed(format!("2 s after the removal read and write give {last}"))
}
