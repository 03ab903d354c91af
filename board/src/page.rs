//! A profile as a page for people, in Markdown: one place from which `docs/hardware` is made.

use std::fmt::Write as _;

use crate::profile::{Port, Profile};

/// The page.
pub fn page(profile: &Profile) -> String {
    let mut page = format!("# {}\n\n", profile.name);
    let _ = writeln!(page, "Profile `{}`; made by: {}.", profile.id, profile.manufacturer);
    if !profile.about.is_empty() {
        let _ = writeln!(page, "\n{}", profile.about);
    }
    recognised(profile, &mut page);
    slots(profile, &mut page);
    ports(profile, &mut page);
    leds(profile, &mut page);
    relays(profile, &mut page);
    controller(profile, &mut page);
    page
}

fn recognised(profile: &Profile, page: &mut String) {
    let of = &profile.recognised;
    page.push_str("\n## How it is recognised\n\n");
    if of.anything {
        page.push_str("It fits every machine, and is taken when no other profile does.\n");
        return;
    }
    page.push_str("All of this fits; `*` stands for anything.\n\n| what | is |\n| --- | --- |\n");
    for (field, pattern) in &of.dmi {
        let _ = writeln!(page, "| `/sys/class/dmi/id/{field}` | `{}` |", cell(pattern.text()));
    }
    if let Some(model) = &of.model {
        let _ = writeln!(page, "| the device tree's `model` | `{}` |", cell(model.text()));
    }
    if !of.compatible.is_empty() {
        let any = of.compatible.iter().map(|one| format!("`{}`", cell(one.text()))).collect::<Vec<_>>().join(" or ");
        let _ = writeln!(page, "| one of the device tree's `compatible` | {any} |");
    }
}

fn slots(profile: &Profile, page: &mut String) {
    page.push_str("\n## Slots\n\n");
    if profile.slots.is_empty() {
        page.push_str("None are known: a card is called by its hardware id or by its place.\n");
        return;
    }
    page.push_str("| slot | place | holds | empty |\n| --- | --- | --- | --- |\n");
    for slot in &profile.slots {
        let holds = slot.holds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
        let empty = if slot.wanted { "a finding" } else { "fine" };
        let _ = writeln!(page, "| {} | `{}` | {holds} | {empty} |", cell(&slot.name), cell(slot.place.text()));
    }
}

fn ports(profile: &Profile, page: &mut String) {
    if profile.ports.is_empty() {
        return;
    }
    page.push_str("\n## Ports\n\nSeen from the back, left to right. Span and channel count from 1, in the card.\n\n");
    page.push_str("| port | is | slot | span | channel | lamp | while the box is off |\n");
    page.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for port in &profile.ports {
        let channel = port.position.map_or_else(|| "all".to_string(), |position| position.to_string());
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {channel} | {} | {} |",
            cell(&port.label),
            port.kind.people(),
            cell(&port.slot),
            port.span,
            port.led.as_deref().map_or_else(|| "none".to_string(), cell),
            off(profile, port)
        );
    }
}

/// What becomes of a port when nobody holds its relay.
fn off(profile: &Profile, port: &Port) -> String {
    let relay = profile.relays.iter().find(|relay| relay.bypasses.contains(&port.label));
    relay.map_or_else(|| "nothing".to_string(), |relay| format!("bypassed by {}", cell(&relay.name)))
}

fn leds(profile: &Profile, page: &mut String) {
    if profile.leds.is_empty() {
        return;
    }
    page.push_str("\n## Lamps\n\n| lamp | number | colours |\n| --- | --- | --- |\n");
    for led in &profile.leds {
        let colours = led.colours.iter().map(|colour| colour.word()).collect::<Vec<_>>().join(", ");
        let _ = writeln!(page, "| {} | {} | {colours} |", cell(&led.name), led.number);
    }
}

fn relays(profile: &Profile, page: &mut String) {
    if profile.relays.is_empty() {
        return;
    }
    page.push_str("\n## Relays\n\nA relay that is not held takes its ports from the box.\n\n");
    page.push_str(
        "| relay | number | ports | tells where it stands | tries itself |\n| --- | --- | --- | --- | --- |\n",
    );
    for relay in &profile.relays {
        let yes = |it| if it { "yes" } else { "no" };
        let ports = relay.bypasses.iter().map(|label| cell(label)).collect::<Vec<_>>().join(", ");
        let (sense, test) = (yes(relay.sense), yes(relay.self_test));
        let _ = writeln!(page, "| {} | {} | {ports} | {sense} | {test} |", cell(&relay.name), relay.number);
    }
}

fn controller(profile: &Profile, page: &mut String) {
    if profile.serial.is_none() && profile.watchdog.is_none() {
        return;
    }
    page.push_str("\n## Board controller\n\n");
    if let Some(serial) = &profile.serial {
        let _ = writeln!(page, "At `{}`, {} bit/s.", serial.device, serial.baud);
    }
    if let Some(watchdog) = &profile.watchdog {
        let _ = writeln!(page, "The watchdog wants a sign every {} ms.", watchdog.ms);
    }
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
