//! The spans of a card: whether each is assigned, configured, without alarm, and of the kind that the box has there.

use super::{Card, CardSpan, kinds};
use crate::finding::{Finding, State, Trouble};
use crate::profile::{Port, Profile, Slot};
use crate::tree::{Device, Span, Tree};
use crate::words::Kind;

/// What a channel's signalling is before it is configured.
const UNCONFIGURED: &str = "Unconfigured";
/// Alarm bits with their words and what to do, in the order in which they decide.
const ALARMS: &[(u32, &str, &str)] = &[
    (0x100, "loss of signal", "put the cable in, and see that the far end is on"),
    (0x08, "red alarm", "put the cable in, and see that the far end is on"),
    (0x200, "loss of frame", "compare framing and coding with the far end's"),
    (0x400, "loss of multiframe", "compare CRC4 and channel-associated signalling with the far end's"),
    (0x10, "blue alarm", "the network sends all ones: ask the provider"),
    (0x04, "yellow alarm", "the far end does not hear us: see the cable's other pair, and who gives the clock"),
    (0x20, "not open", "start it: `dahdi_cfg -s` and then `dahdi_cfg`"),
    (0x02, "loopback", "end the loop: `dahdi_maint` shows which side has it"),
    (0x01, "recovering", "wait ten seconds and look again"),
];

/// Finds a card's spans and judges them.
pub(super) fn judge(tree: &Tree, profile: &Profile, card: &mut Card, findings: &mut Vec<Finding>) {
    let Some(device) = tree.devices.iter().find(|device| Some(&device.name) == card.device.as_ref()) else { return };
    let slot = profile.slot_at(&card.place);
    let assigned = |local: u16| tree.spans.iter().find(|span| span.device == device.name && span.local == local);
    let mut locals: Vec<(u16, String)> = device.spans.clone();
    // A device whose list cannot be read has the spans that are seen.
    for span in tree.spans.iter().filter(|span| span.device == device.name) {
        if !locals.iter().any(|(local, _)| *local == span.local) {
            locals.push((span.local, span.kind.clone()));
        }
    }
    locals.sort();
    if locals.is_empty() {
        let next = "`dmesg` says why; a card without modules on it has no lines".to_string();
        findings.push(card.finding(State::Nearly, Trouble::NoDevice, "DAHDI has it, and it has no spans", next));
    }
    if let Some(slot) = slot {
        wrong_slot(card, slot, &locals, findings);
        dead_ports(card, profile, slot, &locals, &assigned, findings);
    }
    for (local, kind) in locals {
        let span = assigned(local);
        let ports: Vec<&Port> = slot.map(|slot| profile.ports_of(&slot.name, local).collect()).unwrap_or_default();
        let name = format!("{}/{local}", card.name);
        let told = told(card, device, local, span).or_else(|| span.and_then(|span| wrong_port(span, &ports)));
        if let Some((trouble, what, next)) = told {
            findings.push(Finding {
                state: State::Nearly,
                about: name.clone(),
                place: card.place.clone(),
                trouble,
                what,
                next,
            });
        }
        card.spans.push(CardSpan {
            name,
            local,
            number: span.map(|span| span.number),
            kind,
            channels: span.map_or(0, |span| span.channels),
            first_channel: span.map(|span| span.first_channel),
            alarms: span.map_or(0, |span| span.alarms),
            ports: ports.iter().map(|port| port.label.clone()).collect(),
            state: State::Good,
            next: String::new(),
        });
    }
}

type Told = (Trouble, String, String);

fn told(card: &Card, device: &Device, local: u16, span: Option<&Span>) -> Option<Told> {
    let Some(span) = span else {
        let next = format!(
            "`echo {local}:0:0 > '/sys/bus/dahdi_devices/devices/{}/assign_span'` assigns it until the next start; a \
             [[span]] with `card = \"{}\"` and `port = {local}` in the configuration does so each time",
            device.name, card.name
        );
        return Some((Trouble::Unassigned, "the span has no number and no channels yet".to_string(), next));
    };
    if !is_configured(span) {
        let next = format!(
            "write a [[span]] with `card = \"{}\"` and `port = {local}` into the configuration, or its channels into \
             /etc/dahdi/system.conf and run `dahdi_cfg`",
            card.name
        );
        return Some((Trouble::Unconfigured, "the span has no signalling".to_string(), next));
    }
    let (_, word, next) = ALARMS.iter().find(|(bits, _, _)| span.alarms & bits != 0)?;
    Some((Trouble::Alarm, (*word).to_string(), (*next).to_string()))
}

/// Whether any channel has its signalling; where the kernel tells of no channel, whether the line has its coding.
fn is_configured(span: &Span) -> bool {
    if !span.signalling.is_empty() {
        return span.signalling.values().any(|word| !word.is_empty() && word != UNCONFIGURED);
    }
    !span.digital || kinds(&span.kind).is_empty() || !span.line.is_empty()
}

/// A card of a kind that its slot does not hold.
fn wrong_slot(card: &Card, slot: &Slot, locals: &[(u16, String)], findings: &mut Vec<Finding>) {
    let wrong = locals.iter().find(|(_, kind)| {
        let kinds = kinds(kind);
        !kinds.is_empty() && !kinds.iter().any(|kind| slot.holds.contains(kind))
    });
    if let Some((_, kind)) = wrong {
        let held = slot.holds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(" or ");
        let what = format!("a card of {kind} is in slot {}, which is made for {held}", slot.name);
        let next = match kind.as_str() {
            "E1" if slot.holds.contains(&Kind::T1) => {
                "switch the card to T1 (a jumper, or `dahdi_span_types`)".to_string()
            }
            "T1" | "J1" if slot.holds.contains(&Kind::E1) => {
                "switch the card to E1 (a jumper, or `dahdi_span_types`)".to_string()
            }
            _ => "put the card into the slot that is made for it".to_string(),
        };
        findings.push(card.finding(State::Nearly, Trouble::WrongKind, what, next));
    }
}

/// Sockets of the slot that the card in it has no span or channel for.
fn dead_ports<'t>(
    card: &Card,
    profile: &Profile,
    slot: &Slot,
    locals: &[(u16, String)],
    assigned: &dyn Fn(u16) -> Option<&'t Span>,
    findings: &mut Vec<Finding>,
) {
    let is_dead = |port: &&Port| {
        let beyond = |span: &Span| port.position.is_some_and(|position| position > span.channels);
        !locals.iter().any(|(local, _)| *local == port.span) || assigned(port.span).is_some_and(beyond)
    };
    let of_slot = profile.ports.iter().filter(|port| port.slot == slot.name);
    let dead: Vec<&str> = of_slot.filter(is_dead).map(|port| port.label.as_str()).collect();
    if !locals.is_empty() && !dead.is_empty() {
        let what = format!("nothing of it is behind {}", dead.join(", "));
        let next =
            "the card is smaller than the box's: put in one that has as many ports, or write a profile for this one";
        findings.push(card.finding(State::Nearly, Trouble::DeadPort, what, next));
    }
}

/// A socket that has another module behind it than the box's profile says. DAHDI names a port by its far end: a line
/// towards an exchange is signalled `FXS…`.
fn wrong_port(span: &Span, ports: &[&Port]) -> Option<Told> {
    for port in ports.iter().filter(|port| !port.kind.is_digital()) {
        let position = port.position?;
        let Some(word) = span.signalling.get(&position) else { continue };
        let found = if word.starts_with("FXS") {
            Kind::Fxo
        } else if word.starts_with("FXO") {
            Kind::Fxs
        } else {
            continue;
        };
        if found != port.kind {
            let what = format!(
                "port {} is set up as {}, and the box has {} there",
                port.label,
                found.people(),
                port.kind.people()
            );
            let next = format!("see which module is in the card's place {position}, and configure the channel for it");
            return Some((Trouble::WrongKind, what, next));
        }
    }
    None
}
