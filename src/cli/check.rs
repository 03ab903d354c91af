//! `tipring check`: judges a configuration, with the place of every complaint. Opens no socket, touches no device.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::{Config, ConfigError, Origin, Refusal, Sources};

/// Judges what `sources` say; with `strict`, warnings count like errors.
pub fn run(sources: &Sources, strict: bool, as_json: bool) -> ExitCode {
    let file = sources.file.display();
    let (loaded, refusal) = match Config::load(sources) {
        Ok(loaded) => (Some(loaded), None),
        Err(refusal) => (None, Some(refusal)),
    };
    let warnings = loaded.as_ref().map(|loaded| loaded.warnings.as_slice()).unwrap_or_default();
    let good = loaded.is_some() && (!strict || warnings.is_empty());
    if as_json {
        let errors = refusal.as_ref().map(|refusal| refusal.complaints.as_slice()).unwrap_or_default();
        let errors = errors.iter().map(|error| complaint("error", error));
        let complaints: Vec<Value> = errors.chain(warnings.iter().map(|error| complaint("warning", error))).collect();
        let count = |of: &dyn Fn(&Config) -> usize| loaded.as_ref().map(|loaded| of(&loaded.config));
        println!(
            "{}",
            json!({
                "file": file.to_string(), "good": good, "complaints": complaints,
                "more": refusal.as_ref().map_or(0, |refusal| refusal.more),
                "cards": count(&|config| config.card.len()), "numbers": count(&|config| config.number.len()),
            })
        );
    } else {
        for warning in warnings {
            eprintln!("{}: warning: {}", warning.origin, warning.text);
        }
        match (&loaded, &refusal) {
            (Some(loaded), _) if good => {
                let config = &loaded.config;
                println!("{file}: good: {} card(s), {} number(s)", config.card.len(), config.number.len());
            }
            (Some(_), _) => eprintln!("{file}: refused: with --strict a warning counts"),
            (None, refusal) => refusal.iter().for_each(tell),
        }
    }
    match refusal {
        Some(refusal) => ExitCode::from(refusal.exit()),
        None if good => ExitCode::SUCCESS,
        None => ExitCode::from(78),
    }
}

/// Tells why a configuration is refused: one line a complaint, and at a terminal the line it is about.
pub fn tell(refusal: &Refusal) {
    if std::io::stderr().is_terminal() {
        eprint!("{}", refusal.marked());
    } else {
        eprintln!("{refusal}");
    }
}

/// A place, for programs.
pub fn place(origin: &Origin) -> Value {
    match origin {
        Origin::BuiltIn => json!({"source": "built-in"}),
        Origin::File { file, line, column } => {
            json!({"source": "file", "file": file.display().to_string(), "line": line, "column": column})
        }
        Origin::Variable(name) => json!({"source": "environment", "variable": name}),
        Origin::Flag(name) => json!({"source": "flag", "flag": name}),
    }
}

fn complaint(severity: &str, error: &ConfigError) -> Value {
    json!({"severity": severity, "place": place(&error.origin), "text": error.text})
}
