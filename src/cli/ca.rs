//! `tipring ca show`: the certificate that clients are to trust, as it lies in the state directory.

use std::process::ExitCode;

use serde_json::json;

use super::check;
use crate::config::{Config, Sources};
use crate::daemon::entrance::TLS_DIR;

/// Shows it.
pub fn show(sources: &Sources, pem_only: bool, as_json: bool) -> ExitCode {
    let config = match Config::load(sources) {
        Ok(loaded) => loaded.config,
        Err(refusal) => {
            check::tell(&refusal);
            return ExitCode::from(refusal.exit());
        }
    };
    let file = config.this.state_dir.join(TLS_DIR).join(tipring_door::CA_FILE);
    let pem = match std::fs::read_to_string(&file) {
        Ok(pem) => pem,
        Err(error) => {
            let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
            let remedy = if denied { "ask as root, or GET /ca.pem" } else { "the service makes it at its first start" };
            eprintln!("tipring: {}: {error}; {remedy}", file.display());
            return ExitCode::from(if denied { 77 } else { 69 });
        }
    };
    let known = tipring_door::fingerprint(&pem).zip(tipring_door::not_after(&pem));
    let Some((fingerprint, end)) = known else {
        eprintln!("tipring: {}: there is no certificate in it", file.display());
        return ExitCode::FAILURE;
    };
    if pem_only {
        print!("{pem}");
    } else if as_json {
        println!("{}", json!({"file": file, "sha256": fingerprint, "not_after": tipring_door::day(end)}));
    } else {
        println!(
            "file         {}\nSHA-256      {fingerprint}\nvalid until  {}",
            file.display(),
            tipring_door::day(end)
        );
    }
    ExitCode::SUCCESS
}
