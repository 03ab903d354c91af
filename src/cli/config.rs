//! `tipring config`: the configuration as it is in force after all its sources, where each value comes from, and one
//! hash over it. Passwords are not shown.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::check;
use crate::config::{Config, Loaded, Sources};

/// Every key with its value, with `origin` where it comes from.
pub fn show(sources: &Sources, origin: bool, as_json: bool) -> ExitCode {
    with(sources, |loaded| {
        let values = loaded.config.values();
        if as_json {
            let rows = values.iter().map(|row| {
                let reload = row.key.reload.to_string();
                let place = check::place(&loaded.origin(&row.path));
                json!({"key": row.path, "value": row.value, "origin": place, "reload": reload})
            });
            println!("{}", json!({"keys": rows.collect::<Vec<Value>>()}));
            return;
        }
        let lines: Vec<String> = values.iter().map(|row| format!("{} = {}", row.path, row.value)).collect();
        let width = lines.iter().map(|line| line.chars().count()).filter(|width| *width <= 60).max().unwrap_or(0);
        for (row, line) in values.iter().zip(lines) {
            if origin {
                println!("{line:width$}  # {}", loaded.origin(&row.path));
            } else {
                println!("{line}");
            }
        }
    })
}

/// The hash of what is in force.
pub fn hash(sources: &Sources) -> ExitCode {
    with(sources, |loaded| println!("{}", loaded.config.hash()))
}

fn with(sources: &Sources, tell: impl FnOnce(&Loaded)) -> ExitCode {
    match Config::load(sources) {
        Ok(loaded) => {
            tell(&loaded);
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            check::tell(&refusal);
            ExitCode::from(refusal.exit())
        }
    }
}
