//! `tipring lines`: every span of the configured card (DAHDI's when no file says otherwise), its alarms and channels,
//! and what to do about what is not ready. It opens no channel, so it may run beside the service.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use tipring_card::{Card, Signalling};

use super::check;
use crate::config::{CardKind, Config, Sources};
use crate::daemon::serve::{card_of, default_file};

/// What is said of a span on which nothing can be called.
const NOT_DRIVEN: &str = "not driven: neither a D channel nor an analogue line towards an exchange (FXO port, fxsks)";

/// Shows the lines.
pub fn run(config: Option<PathBuf>, as_json: bool) -> ExitCode {
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
    let spans = entry.map(|card| card.spans.clone()).unwrap_or_default();
    match card_of(kind, &spans) {
        Ok(mut card) => show(&mut *card, as_json),
        Err(error) => {
            if as_json {
                println!("{}", json!({"spans": [], "error": error.text}));
            } else {
                eprintln!("tipring: {error}");
            }
            ExitCode::from(error.exit)
        }
    }
}

fn show(card: &mut dyn Card, as_json: bool) -> ExitCode {
    let mut rows = Vec::new();
    let mut good = true;
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
        good &= next == "ready";
        rows.push(json!({
            "card": card.name(), "span": span.id.0, "name": span.name, "alarms": status.alarms.0,
            "errors": status.errors, "bearers": bearers, "analog": loops, "d_channel": d, "next": next,
        }));
    }
    if as_json {
        println!("{}", json!({"spans": rows}));
    } else {
        for row in &rows {
            let word = |key: &str| row[key].as_str().map_or_else(|| row[key].to_string(), str::to_string);
            let (count, what) = match row["analog"].as_u64() {
                None | Some(0) => ("bearers", "bearer channels"),
                Some(_) => ("analog", "analogue lines"),
            };
            println!("{} {}  {}  {} {what}  {}", word("card"), word("span"), word("name"), word(count), word("next"));
        }
    }
    let none = Value::Array(rows) == Value::Array(Vec::new());
    if good && !none { ExitCode::SUCCESS } else { ExitCode::from(69) }
}
