//! `tipring lines`: every card of the box by its lasting name, every span of the configured card (DAHDI's when no file
//! says otherwise), its alarms and channels, and what to do about what is not ready. It opens no channel, so it may run
//! beside the service.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use tipring_board::Inventory;
use tipring_card::{Card, Signalling};

use super::board::Place;
use super::check;
use crate::config::{CardKind, Config, Sources};
use crate::daemon::cards;
use crate::daemon::serve::{card_of, default_file};

/// What is said of a span on which nothing can be called.
const NOT_DRIVEN: &str = "not driven: neither a D channel nor an analogue line towards an exchange (FXO port, fxsks)";

/// What is said of a span that counts errors of its frames and has no alarm.
const CLOCK: &str = "frames slipped since the driver was loaded: exactly one end gives the clock (span.clock)";

/// Shows the lines.
pub fn run(config: Option<PathBuf>, as_json: bool, place: &Place) -> ExitCode {
    let named = config.is_some();
    let file = config.unwrap_or_else(default_file);
    let config = match Config::load(&Sources::of(file.clone())) {
        Ok(loaded) => loaded.config,
        // Without a file of its own the box shows what DAHDI has.
        Err(_) if !named && !file.exists() => Config::default(),
        Err(refusal) => {
            check::tell(&refusal);
            return ExitCode::from(refusal.exit());
        }
    };
    let entry = config.card.first();
    let kind = entry.map_or(CardKind::Dahdi, |card| card.kind);
    // Where the service has seen each card; not of another machine.
    let known = if place.is_elsewhere() { Vec::new() } else { cards::known(&config.this.state_dir) };
    // A simulated card is in no slot.
    let inventory = match kind {
        CardKind::Sim if !place.is_elsewhere() => None,
        _ => match place.inventory(Some(&file), &known) {
            Ok(inventory) => Some(inventory),
            Err(exit) => return exit,
        },
    };
    // Another machine's cards cannot be opened here.
    let spans = match place.is_elsewhere() {
        true => Ok(Vec::new()),
        false => card_of(&config, kind, false).map(|mut card| rows(&config, &mut *card, inventory.as_ref())),
    };
    let is_good = inventory.as_ref().is_none_or(Inventory::is_good);
    let exit = match &spans {
        Err(error) => error.exit,
        Ok(rows)
            if is_good
                && rows.iter().all(|row| row["next"] == "ready")
                && !(rows.is_empty() && inventory.is_none()) =>
        {
            0
        }
        Ok(_) => 69,
    };
    let (rows, error) = match spans {
        Ok(rows) => (rows, None),
        Err(error) => (Vec::new(), Some(error.text)),
    };
    let said = if as_json {
        format!("{}\n", all(&rows, error.as_deref(), inventory.as_ref()))
    } else {
        let rows: String = rows.iter().map(told).collect();
        rows + &inventory.as_ref().map(Inventory::text).unwrap_or_default()
    };
    // Who stops reading is no failure of ours.
    let _ = write!(std::io::stdout(), "{said}");
    if let Some(error) = error.filter(|_| !as_json) {
        eprintln!("tipring: {error}");
    }
    ExitCode::from(exit)
}

/// The spans of the card that is configured.
fn rows(config: &Config, card: &mut dyn Card, inventory: Option<&Inventory>) -> Vec<Value> {
    let mut rows = Vec::new();
    for span in card.spans().to_vec() {
        let status = card.span_status(span.id).unwrap_or_default();
        let of_span = || card.channels().iter().filter(|channel| channel.span == span.id);
        let bearers = of_span().filter(|channel| channel.signalling == Signalling::Bearer).count();
        let loops = of_span().filter(|channel| channel.signalling == Signalling::FxsKs).count();
        let d = of_span().find(|channel| channel.signalling == Signalling::Hdlc).map(|channel| channel.id.0);
        let next = match (status.alarms.is_down(), d, loops) {
            (true, ..) => "in alarm: check the cable and the far end",
            (false, None, 0) => NOT_DRIVEN,
            (false, ..) => "ready",
        };
        let slips = status.kinds.crc4.max(status.kinds.framing).max(status.kinds.fas);
        let advice = (next == "ready" && slips > 0).then_some(CLOCK);
        let lasting = inventory.and_then(|inventory| lasting_name(config, inventory, span.id.0));
        rows.push(json!({
            "card": card.name(), "span": span.id.0, "name": span.name, "lasting_name": lasting, "alarms": status.alarms.0,
            "errors": status.errors, "bearers": bearers, "analog": loops, "d_channel": d, "next": next,
            "kinds": status.kinds.named().into_iter().collect::<BTreeMap<_, _>>(), "advice": advice,
        }));
    }
    rows
}

/// The lasting name of a span by its number with us, which a [[span]] may have given it: DAHDI's may be another.
fn lasting_name<'a>(config: &Config, inventory: &'a Inventory, number: u16) -> Option<&'a str> {
    let named = config.span.iter().find(|entry| entry.number == number && !entry.card.is_empty());
    let Some(entry) = named else {
        return inventory.span(number).map(|(_, span)| span.name.as_str());
    };
    let card = inventory.cards.iter().find(|card| card.names().contains(&entry.card.as_str()))?;
    card.spans.iter().find(|span| span.local == u16::from(entry.port)).map(|span| span.name.as_str())
}

/// Everything, for programs.
fn all(rows: &[Value], error: Option<&str>, inventory: Option<&Inventory>) -> Value {
    let mut all = json!({ "spans": rows });
    if let Some(error) = error {
        all["error"] = error.into();
    }
    if let Some(inventory) = inventory {
        all["board"] = inventory.profile.as_str().into();
        all["cards"] = json!(inventory.cards);
        all["findings"] = json!(inventory.findings);
        all["more"] = inventory.more.into();
        all["sound"] = json!(inventory.sound);
        all["serial"] = json!(inventory.serial);
    }
    all
}

/// A span, for a person.
fn told(row: &Value) -> String {
    let word = |key: &str| row[key].as_str().map_or_else(|| row[key].to_string(), str::to_string);
    let (count, what) = match row["analog"].as_u64() {
        None | Some(0) => ("bearers", "bearer channels"),
        Some(_) => ("analog", "analogue lines"),
    };
    let advice = row["advice"].as_str().map(|advice| format!("; {advice}")).unwrap_or_default();
    format!("{} {}  {}  {} {what}  {}{advice}\n", word("card"), word("span"), word("name"), word(count), word("next"))
}
