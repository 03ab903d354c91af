//! `tipring lines maintain`: a loop or a test on a span of the running service, asked for at the control socket.

use std::process::ExitCode;
use std::time::Duration;

use tipring_card::Maintenance;

use super::{block_on, running};
use crate::config::Sources;
use crate::daemon::control;

/// The service answers within this, or does not run.
const PATIENCE: Duration = Duration::from_secs(8);
/// The span has calls, or its card cannot do it.
const REFUSED: u8 = 1;

/// Asks: 0 done, 1 refused, 69 nobody answers.
pub fn run(sources: &Sources, span: &str, what: Maintenance) -> ExitCode {
    let socket = running::socket(sources);
    let asked: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("span", span)
        .append_pair("what", what.as_str())
        .finish();
    match block_on(control::ask(&socket, "POST", &format!("/spans/maintenance?{asked}"), PATIENCE)) {
        Ok((204, _)) => ExitCode::SUCCESS,
        Ok((_, why)) => {
            eprintln!("tipring: {why}");
            ExitCode::from(REFUSED)
        }
        Err(error) => {
            eprintln!("tipring: {error}");
            ExitCode::from(error.exit)
        }
    }
}
