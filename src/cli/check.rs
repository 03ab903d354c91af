//! `tipring check`: judges a configuration file, with file, line and column. Opens no socket, touches no device.

use std::path::Path;
use std::process::ExitCode;

use crate::config::Config;

/// Judges `file`.
pub fn run(file: &Path) -> ExitCode {
    match Config::load(file) {
        Ok((config, _)) => {
            let cards = config.card.len();
            println!("{}: good: {cards} card(s), {} number(s)", file.display(), config.number.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(78)
        }
    }
}
