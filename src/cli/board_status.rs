//! `tipring board status`: the board controller as the running service sees it. It asks the control socket and opens no port.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use super::{block_on, running};
use crate::config::Sources;
use crate::daemon::control;
use crate::observe::board::{BoardState, Tested};

/// The service answers within this, or does not run.
const PATIENCE: Duration = Duration::from_secs(3);
/// No board, or none that answers.
const AWAY: u8 = 69;

/// Asks, and shows: 0 the controller answers and the box has the lines, 69 otherwise.
pub fn run(sources: &Sources, as_json: bool) -> ExitCode {
    let socket = running::socket(sources);
    let (text, exit) = match block_on(control::ask(&socket, "GET", "/board", PATIENCE)) {
        Err(error) => (Err(error.to_string()), error.exit),
        Ok((200, body)) => match serde_json::from_str::<BoardState>(&body) {
            Ok(state) => (Ok(if as_json { body + "\n" } else { draw(&state) }), if is_good(&state) { 0 } else { AWAY }),
            Err(error) => (Err(format!("the service's answer cannot be read: {error}")), 1),
        },
        Ok((404, _)) => (Err("the box has no board controller: board.port is not set".into()), AWAY),
        Ok((status, _)) => (Err(format!("the service answers {status}")), 1),
    };
    match text {
        // A reader that went away has seen enough.
        Ok(text) => drop(std::io::stdout().write_all(text.as_bytes())),
        Err(text) => eprintln!("tipring: {text}"),
    }
    ExitCode::from(exit)
}

/// Nothing of it wants a person.
fn is_good(state: &BoardState) -> bool {
    let tested = state.tested.as_ref().is_none_or(|tested| tested.passed);
    let levels = [&state.heat, &state.supply_is].iter().all(|level| matches!(level.as_str(), "" | "normal"));
    state.link == "up" && !state.tripped && tested && levels
}

fn draw(state: &BoardState) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<13}{value}");
    };
    if !state.profile.is_empty() {
        row("profile", &state.profile);
    }
    row("port", &state.port);
    let link = match (state.link.as_str(), &state.fault) {
        ("up", _) => "up".to_owned(),
        (_, Some(fault)) => format!("no port: {fault}"),
        ("refused", None) => "the controller speaks another version of the protocol".into(),
        _ => "nobody answers".into(),
    };
    row("link", &link);
    if let Some(firmware) = &state.firmware {
        row("program", firmware);
        row("watchdog", watchdog(state));
        for (relay, energised) in state.relays.iter().enumerate() {
            let at =
                if *energised { "energised: the box has the line" } else { "released: the line is straight through" };
            let of = state.relay_labels.get(relay).filter(|labels| !labels.is_empty());
            let of = of.map(|labels| format!(" ({labels})")).unwrap_or_default();
            row(&format!("relay {relay}"), &format!("{at}{of}"));
        }
        if let Some(celsius) = state.temperature {
            row("temperature", &format!("{celsius:.1} °C, {}", state.heat));
        }
        if let Some(volts) = state.supply {
            row("supply", &format!("{volts:.2} V, {}", state.supply_is));
        }
    }
    if let Some(tested) = &state.tested {
        row("relay test", &test(tested));
    }
    text
}

fn watchdog(state: &BoardState) -> &'static str {
    match (state.fed, state.tripped) {
        (true, true) => "fed; it has released the relays",
        (true, false) => "fed",
        (false, true) => "hungry: it has released the relays",
        (false, false) => "hungry: the audio path does not beat",
    }
}

fn test(tested: &Tested) -> String {
    let Tested { day, passed, outcomes, .. } = tested;
    if *passed {
        return format!("passed on {day}");
    }
    let words: Vec<String> =
        outcomes.iter().enumerate().map(|(relay, word)| format!("relay {relay}: {word}")).collect();
    format!("not passed on {day}: {}", words.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> BoardState {
        BoardState {
            port: "/dev/serial/by-id/board".into(),
            link: "up".into(),
            firmware: Some("1.4.2".into()),
            relays: vec![true, false],
            fed: true,
            temperature: Some(41.25),
            heat: "normal".into(),
            tested: Some(Tested { day: "2026-12-01".into(), passed: true, ..Tested::default() }),
            ..BoardState::default()
        }
    }

    #[test]
    fn a_board_is_told_row_by_row_and_what_it_has_not_is_left_out() {
        let rows = "port         /dev/serial/by-id/board\nlink         up\nprogram      1.4.2\nwatchdog     fed\n\
                    relay 0      energised: the box has the line\nrelay 1      released: the line is straight through\n\
                    temperature  41.2 °C, normal\nrelay test   passed on 2026-12-01\n";
        assert_eq!(draw(&well()), rows);
    }

    #[test]
    fn what_wants_a_person_is_not_good() {
        assert!(is_good(&well()));
        let failed = Some(Tested { passed: false, outcomes: vec!["it does not release".into()], ..Tested::default() });
        for bad in [
            BoardState { link: "silent".into(), ..well() },
            BoardState { tripped: true, ..well() },
            BoardState { heat: "hot".into(), ..well() },
            BoardState { supply_is: "low".into(), ..well() },
            BoardState { tested: failed, ..well() },
        ] {
            assert!(!is_good(&bad), "{bad:?}");
        }
    }
}
