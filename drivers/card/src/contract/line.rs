//! Clauses about a loop: near is the port towards the exchange (`FxsKs`), far the exchange (`FxoKs`). Rings, hook
//! states, dialling, events. No caller identity, no call progress.

use alloc::{boxed::Box, format, string::String};

use super::{At as _, Bench, EVENTS_KEPT, Ends, Stop, TRIES, Verdict, events, failed, pair, wait_for, watch};
use crate::{BLOCK, Card, CardError, Channel, ChannelId, Control, Event, Hook, Micros, Progress, Setup, Signalling};

/// After on-hook, rings are not reported for this long.
const RING_MUTE_MS: u64 = 2_000;
/// How long an exchange waits before it believes an on-hook (a flash is shorter).
const ON_HOOK_SEEN_MS: u64 = 1_250;
/// The next burst of a ring that goes on begins sooner than this: 2 s of ring, 4 s of pause.
const NEXT_BURST_MS: u64 = 6_500;
/// A ring of the exchange that is cut after this long.
const BURST_MS: u64 = 300;

pub(super) fn ringing_is_seen(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    ends.far.hook(Hook::Ring).at("ring")?;
    wait_for(bench, ends.near.as_mut(), Event::RingBegin, 500)?;
    let early = watch(bench, ends.near.as_mut(), BURST_MS);
    if early.contains(&Event::RingOffHook) {
        return failed("the end of the ring was reported while it lasts");
    }
    ends.far.hook(Hook::RingOff).at("ring off")?;
    wait_for(bench, ends.near.as_mut(), Event::RingOffHook, 500)?;
    Ok(String::new())
}

pub(super) fn an_event_blocks_read_and_write(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    ends.far.hook(Hook::Ring).at("ring")?;
    bench.advance(Micros::from_ms(500));
    ends.far.hook(Hook::RingOff).at("ring off")?;
    bench.advance(Micros::from_ms(500));
    let mut block = [0; BLOCK];
    for nth in 0..2 {
        match (ends.near.read(&mut block), ends.near.write(&[0; BLOCK])) {
            (Err(CardError::EventPending), Err(CardError::EventPending)) => {}
            other => {
                return failed(format!("with {} events waiting, read and write give {other:?}", 2 - nth));
            }
        }
        match ends.near.event().at("event")? {
            Some(Event::RingBegin) if nth == 0 => {}
            Some(Event::RingOffHook) if nth == 1 => {}
            other => return failed(format!("event {nth} is {other:?}, not the oldest one")),
        }
    }
    if let Some(event) = ends.near.event().at("event")? {
        return failed(format!("a third event, {event:?}"));
    }
    match (ends.near.read(&mut block), ends.near.write(&[0; BLOCK])) {
        (Err(CardError::EventPending), _) | (_, Err(CardError::EventPending)) => {
            failed("no event waits, but read or write still says so")
        }
        _ => Ok(String::new()),
    }
}

pub(super) fn a_flush_discards_events(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    ends.far.hook(Hook::Ring).at("ring")?;
    bench.advance(Micros::from_ms(500));
    ends.far.hook(Hook::RingOff).at("ring off")?;
    bench.advance(Micros::from_ms(500));
    ends.near.flush().at("flush")?;
    match ends.near.event().at("event")? {
        None => Ok(String::new()),
        Some(event) => failed(format!("{event:?} is still there after a flush")),
    }
}

pub(super) fn a_seizure_is_pending_then_complete(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    match ends.near.hook(Hook::Start) {
        Ok(Progress::Pending) => {}
        Err(CardError::NoToneZone) => {
            return Err(Stop::NotApplicable("no tone zone is loaded".into()));
        }
        other => return failed(format!("start gives {other:?}, not that it is under way")),
    }
    wait_for(bench, ends.near.as_mut(), Event::HookComplete, 5_000)?;
    wait_for(bench, ends.far.as_mut(), Event::RingOffHook, 500)?;
    match ends.near.hook(Hook::OnHook) {
        Ok(Progress::Done) => {}
        other => return failed(format!("on hook gives {other:?}")),
    }
    wait_for(bench, ends.far.as_mut(), Event::OnHook, ON_HOOK_SEEN_MS)?;
    Ok(String::new())
}

pub(super) fn a_flash_needs_a_closed_loop(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    match ends.near.hook(Hook::Flash) {
        Err(CardError::Invalid | CardError::Busy) => {}
        other => return failed(format!("a flash on hook gives {other:?}")),
    }
    ends.near.hook(Hook::OffHook).at("off hook")?;
    wait_for(bench, ends.far.as_mut(), Event::RingOffHook, 500)?;
    bench.advance(Micros::from_ms(800));
    match ends.near.hook(Hook::Flash) {
        Ok(Progress::Pending) => {}
        other => return failed(format!("a flash off hook gives {other:?}")),
    }
    wait_for(bench, ends.near.as_mut(), Event::HookComplete, 2_000)?;
    wait_for(bench, ends.far.as_mut(), Event::WinkFlash, 500)?;
    Ok(String::new())
}

pub(super) fn a_write_ends_dialling(bench: &mut dyn Bench) -> Verdict {
    let mut channel = dialling_channel(bench)?;
    dial(channel.as_mut(), "T123456789012345")?;
    bench.advance(Micros::from_ms(30));
    if !channel.dialing().at("dialing")? {
        return failed("sixteen digits are out after 30 ms");
    }
    match channel.write(&[0x55; BLOCK]) {
        Ok(_) => {}
        Err(error) => return failed(format!("write while dialling: {error}")),
    }
    if channel.dialing().at("dialing")? {
        return failed("still dialling after a write");
    }
    Ok(String::new())
}

pub(super) fn dialling_reports_its_end(bench: &mut dyn Bench) -> Verdict {
    let mut channel = dialling_channel(bench)?;
    dial(channel.as_mut(), "T5")?;
    wait_for(bench, channel.as_mut(), Event::DialComplete, 2_000)?;
    if channel.dialing().at("dialing")? {
        return failed("still dialling after the event that says it is complete");
    }
    Ok(String::new())
}

pub(super) fn a_hook_action_ends_dialling(bench: &mut dyn Bench) -> Verdict {
    pair(bench, Signalling::FxsKs)?;
    let mut channel = dialling_channel(bench)?;
    dial(channel.as_mut(), "T123456789012345")?;
    bench.advance(Micros::from_ms(30));
    channel.hook(Hook::OnHook).at("on hook")?;
    if channel.dialing().at("dialing")? {
        return failed("still dialling on hook");
    }
    Ok(String::new())
}

pub(super) fn a_close_puts_the_line_on_hook(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    ends.near.hook(Hook::OffHook).at("off hook")?;
    wait_for(bench, ends.far.as_mut(), Event::RingOffHook, 500)?;
    bench.advance(Micros::from_ms(700));
    let Ends { near, mut far } = ends;
    drop(near);
    wait_for(bench, far.as_mut(), Event::OnHook, ON_HOOK_SEEN_MS)?;
    Ok(String::new())
}

pub(super) fn a_close_forgets_events(bench: &mut dyn Bench) -> Verdict {
    let (near, _) = pair(bench, Signalling::FxsKs)?;
    let mut ends = quiet_line(bench)?;
    ends.far.hook(Hook::Ring).at("ring")?;
    bench.advance(Micros::from_ms(500));
    ends.far.hook(Hook::RingOff).at("ring off")?;
    bench.advance(Micros::from_ms(500));
    drop(ends);
    let mut channel = bench.near().open(near).at("second open")?;
    match channel.event().at("event")? {
        None => Ok(String::new()),
        Some(event) => failed(format!("{event:?} of the last opening is still there")),
    }
}

pub(super) fn ringing_is_muted_two_seconds_after_on_hook(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    ends.near.hook(Hook::OffHook).at("off hook")?;
    bench.advance(Micros::from_ms(700));
    ends.near.hook(Hook::OnHook).at("on hook")?;
    ends.far.hook(Hook::Ring).at("ring")?;
    let mut seen = watch(bench, ends.near.as_mut(), BURST_MS);
    ends.far.hook(Hook::RingOff).at("ring off")?;
    seen.extend(watch(bench, ends.near.as_mut(), BURST_MS));
    if seen.iter().any(|e| matches!(e, Event::RingBegin | Event::RingOffHook)) {
        return failed(format!("a ring right after on-hook gives {seen:?}"));
    }
    bench.advance(Micros::from_ms(RING_MUTE_MS));
    ends.far.hook(Hook::Ring).at("ring")?;
    wait_for(bench, ends.near.as_mut(), Event::RingBegin, 500)?;
    ends.far.hook(Hook::RingOff).at("ring off")?;
    Ok(String::new())
}

pub(super) fn a_battery_drop_is_seen_off_hook(bench: &mut dyn Bench) -> Verdict {
    let mut ends = answered_line(bench)?;
    bench.advance(Micros::from_ms(1_000)); // the near end is off hook and stable
    events(ends.near.as_mut());
    ends.far.hook(Hook::OnHook).at("battery drop")?;
    wait_for(bench, ends.near.as_mut(), Event::OnHook, 1_000)?;
    Ok(String::new())
}

pub(super) fn a_battery_drop_is_unseen_600_ms_after_off_hook(bench: &mut dyn Bench) -> Verdict {
    let mut seen = alloc::vec::Vec::new();
    for _ in 0..TRIES {
        let mut ends = answered_line(bench)?;
        ends.far.hook(Hook::OnHook).at("battery drop")?;
        seen = watch(bench, ends.near.as_mut(), 900);
        if !seen.contains(&Event::OnHook) {
            return Ok(String::new());
        }
    }
    failed(format!("a drop within 600 ms of off-hook gives {seen:?}"))
}

pub(super) fn events_after_the_63rd_are_lost(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    // Each burst gives two events: 80 in all.
    for _ in 0..40 {
        match ends.far.hook(Hook::Ring) {
            Ok(_) => {}
            Err(error) => return failed(format!("ring: {error}")),
        }
        bench.advance(Micros::from_ms(100));
        ends.far.hook(Hook::RingOff).at("ring off")?;
        bench.advance(Micros::from_ms(120));
        events(ends.far.as_mut());
    }
    let kept = events(ends.near.as_mut());
    if kept.len() != EVENTS_KEPT {
        return failed(format!("{} events were kept of 80", kept.len()));
    }
    match (kept.first(), kept.last()) {
        (Some(Event::RingBegin), Some(Event::RingBegin)) => Ok(String::new()),
        other => failed(format!("the first and the 63rd event are {other:?}: the oldest must be kept")),
    }
}

pub(super) fn off_hook_is_done_at_once(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    match ends.near.hook(Hook::OffHook) {
        Ok(Progress::Done) => {}
        other => return failed(format!("off hook gives {other:?}, not that it is done")),
    }
    wait_for(bench, ends.far.as_mut(), Event::RingOffHook, 100)?;
    match ends.near.hook(Hook::Start) {
        Err(CardError::Busy | CardError::Invalid) => Ok(String::new()),
        Err(CardError::NoToneZone) => Err(Stop::NotApplicable("no tone zone is loaded".into())),
        other => failed(format!("a seizure of a line that is off hook gives {other:?}")),
    }
}

pub(super) fn a_ring_that_is_answered_lasts_until_the_exchange_stops_it(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    ends.far.hook(Hook::Ring).at("ring")?;
    wait_for(bench, ends.near.as_mut(), Event::RingBegin, 500)?;
    ends.near.hook(Hook::OffHook).at("off hook")?;
    wait_for(bench, ends.far.as_mut(), Event::RingOffHook, 500)?;
    // The card trips no ring: its bursts are told to an end that has answered, the next one 6 s after the first.
    bench.advance(Micros::from_ms(NEXT_BURST_MS));
    let while_it_rings = events(ends.near.as_mut());
    if !while_it_rings.contains(&Event::RingOffHook) || !while_it_rings.contains(&Event::RingBegin) {
        return failed(format!("the exchange rings on, but the end that has answered is told {while_it_rings:?}"));
    }
    ends.far.hook(Hook::OffHook).at("off hook at the exchange")?;
    bench.advance(Micros::from_ms(NEXT_BURST_MS));
    let after = events(ends.near.as_mut());
    match after.as_slice() {
        [] | [Event::RingOffHook] => Ok(String::new()),
        _ => failed(format!("the exchange has answered too, and the near end is told {after:?}")),
    }
}

pub(super) fn the_exchange_waits_for_a_flash_before_it_believes_an_on_hook(bench: &mut dyn Bench) -> Verdict {
    let mut seen = alloc::vec::Vec::new();
    for _ in 0..TRIES {
        let mut ends = answered_line(bench)?;
        bench.advance(Micros::from_ms(800));
        events(ends.far.as_mut());
        ends.near.hook(Hook::OnHook).at("on hook")?;
        seen = watch(bench, ends.far.as_mut(), 700);
        // A busy host looks late: what it saw then was perhaps in time.
        if !seen.contains(&Event::OnHook) {
            wait_for(bench, ends.far.as_mut(), Event::OnHook, ON_HOOK_SEEN_MS)?;
            return Ok(String::new());
        }
    }
    failed(format!("700 ms after on-hook the exchange has seen {seen:?}"))
}

pub(super) fn a_control_works_while_the_channel_is_open(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    let mut control = ends.near.control().at("control")?;
    match control.hook(Hook::OffHook) {
        Ok(Progress::Done) => {}
        other => return failed(format!("off hook by the control gives {other:?}")),
    }
    wait_for(bench, ends.far.as_mut(), Event::RingOffHook, 500)?;
    bench.advance(Micros::from_ms(800));
    events(ends.near.as_mut());
    match control.dial("T5") {
        Ok(()) => {
            if !control.dialing().at("dialing by the control")? || !ends.near.dialing().at("dialing")? {
                return failed("the control has dialled, but one of both says that nothing is sent");
            }
            wait_for(bench, ends.near.as_mut(), Event::DialComplete, 2_000)?;
        }
        // No generator: the hook is all that there is to show.
        Err(CardError::NoToneZone | CardError::Invalid) => {}
        Err(error) => return failed(format!("dial by the control: {error}")),
    }
    match control.hook(Hook::OnHook) {
        Ok(Progress::Done) => {}
        other => return failed(format!("on hook by the control gives {other:?}")),
    }
    wait_for(bench, ends.far.as_mut(), Event::OnHook, ON_HOOK_SEEN_MS)?;
    Ok(String::new())
}

pub(super) fn a_lifted_telephone_is_known_without_an_event(bench: &mut dyn Bench) -> Verdict {
    let mut ends = quiet_line(bench)?;
    let mut port = ends.far.control().at("control")?;
    match port.lifted() {
        Ok(false) => {}
        Err(CardError::Invalid) => return Err(Stop::NotApplicable("the card cannot tell".into())),
        other => return failed(format!("on hook, lifted gives {other:?}")),
    }
    if let Ok(lifted) = ends.near.control().at("control")?.lifted() {
        return failed(format!("a port towards an exchange knows of a telephone: {lifted}"));
    }
    ends.near.hook(Hook::OffHook).at("off hook")?;
    wait_for(bench, ends.far.as_mut(), Event::RingOffHook, 500)?;
    if !port.lifted().at("lifted")? {
        return failed("off hook, and seen to be, but not lifted");
    }
    ends.near.hook(Hook::OnHook).at("on hook")?;
    wait_for(bench, ends.far.as_mut(), Event::OnHook, ON_HOOK_SEEN_MS)?;
    if port.lifted().at("lifted")? {
        return failed("put down, and seen to be, but still lifted");
    }
    Ok(String::new())
}

pub(super) fn a_control_does_not_keep_the_channel_open(bench: &mut dyn Bench) -> Verdict {
    let (id, _) = pair(bench, Signalling::FxsKs)?;
    let mut ends = quiet_line(bench)?;
    let control = ends.near.control().at("control")?;
    ends.near.hook(Hook::OffHook).at("off hook")?;
    wait_for(bench, ends.far.as_mut(), Event::RingOffHook, 500)?;
    bench.advance(Micros::from_ms(700));
    let Ends { near, mut far } = ends;
    drop(near);
    wait_for(bench, far.as_mut(), Event::OnHook, ON_HOOK_SEEN_MS)?;
    let again = bench.near().open(id);
    drop(control);
    again.at("second open, with the control of the first still there").map(|_| String::new())
}

pub(super) fn a_control_is_invalid_after_the_channel_was_dropped(bench: &mut dyn Bench) -> Verdict {
    let (id, _) = pair(bench, Signalling::FxsKs)?;
    let ends = quiet_line(bench)?;
    let mut control = ends.near.control().at("control")?;
    let Ends { near, mut far } = ends;
    drop(near);
    refuses_all(control.as_mut(), "after the drop")?;
    // Somebody else's opening of the same channel is not reached either.
    let again = open_audio(bench.near(), id)?;
    events(far.as_mut());
    refuses_all(control.as_mut(), "after another open")?;
    let seen = watch(bench, far.as_mut(), 300);
    if seen.contains(&Event::RingOffHook) {
        return failed("the control of a dropped channel has moved the hook of the next one");
    }
    drop(again);
    Ok(String::new())
}

/// Whether a control answers `Invalid` to everything.
fn refuses_all(control: &mut dyn Control, when: &str) -> Result<(), Stop> {
    match (control.dialing(), control.dial("T5"), control.hook(Hook::OffHook)) {
        (Err(CardError::Invalid), Err(CardError::Invalid), Err(CardError::Invalid)) => Ok(()),
        other => failed(format!("{when} the control answers {other:?} to dialing, dial and off hook, not Invalid")),
    }
}

/// A loop on hook at both ends, long enough that a ring is reported.
fn quiet_line(bench: &mut dyn Bench) -> Result<Ends, Stop> {
    let mut ends = Ends::open(bench, Signalling::FxsKs)?;
    bench.advance(Micros::from_ms(RING_MUTE_MS + 300));
    ends.drain();
    Ok(ends)
}

/// A loop that the near end has just closed, and the exchange has seen and answered it.
fn answered_line(bench: &mut dyn Bench) -> Result<Ends, Stop> {
    let mut ends = quiet_line(bench)?;
    ends.near.hook(Hook::OffHook).at("off hook")?;
    wait_for(bench, ends.far.as_mut(), Event::RingOffHook, 300)?;
    ends.far.hook(Hook::OffHook).at("off hook at the exchange")?;
    bench.advance(Micros::from_ms(20));
    Ok(ends)
}

/// A channel that can dial: a loop that is off hook and stable, else a bearer.
fn dialling_channel(bench: &mut dyn Bench) -> Result<Box<dyn Channel>, Stop> {
    let kind = if bench.pair(Signalling::FxsKs).is_some() { Signalling::FxsKs } else { Signalling::Bearer };
    let (near, _) = pair(bench, kind)?;
    let mut channel = open_audio(bench.near(), near)?;
    if kind == Signalling::FxsKs {
        channel.hook(Hook::OffHook).at("off hook")?;
        bench.advance(Micros::from_ms(800));
    }
    events(channel.as_mut());
    Ok(channel)
}

fn open_audio(card: &mut dyn Card, id: ChannelId) -> Result<Box<dyn Channel>, Stop> {
    let mut channel = card.open(id).at("open")?;
    let law = channel.info().law;
    channel.setup(Setup::Audio(law)).at("setup")?;
    Ok(channel)
}

fn dial(channel: &mut dyn Channel, digits: &str) -> Result<(), Stop> {
    match channel.dial(digits) {
        Ok(()) => Ok(()),
        Err(CardError::NoToneZone) => Err(Stop::NotApplicable("no tone zone is loaded".into())),
        Err(CardError::Invalid) => Err(Stop::NotApplicable("the card has no generator for digits".into())),
        Err(error) => failed(format!("dial: {error}")),
    }
}
