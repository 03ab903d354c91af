//! `tipring top`: lines, calls and late blocks of the running service, each second anew on a terminal, once elsewhere. It
//! asks the control socket and knows nothing of its own.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios;

use crate::config::Sources;
use crate::observe::state::{LiveCall, Span, State};

/// How often the screen is drawn.
const EVERY: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// The service answers within this, or does not run.
const ANSWER_TIME: Duration = Duration::from_secs(3);
/// Octets of an answer: two thousand calls and every line of a full box.
const ANSWER_MAX: u64 = 4 << 20;
/// What a terminal has that does not say.
const SCREEN: Screen = Screen { columns: 80, rows: 24, colour: false };
/// `device or port unavailable`: nobody listens.
const UNAVAILABLE: u8 = 69;

/// How it is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Once, though there is a terminal.
    pub once: bool,
    /// As JSON, once.
    pub json: bool,
}

#[derive(Clone, Copy, Debug)]
struct Screen {
    columns: usize,
    rows: usize,
    colour: bool,
}

/// Shows the service that runs with this configuration.
pub fn run(sources: &Sources, wish: Wish) -> ExitCode {
    let socket = super::running::socket(sources);
    let live = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let shown = if live && !wish.once && !wish.json { redraw(&socket) } else { once(&socket, wish.json) };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("tipring: {text}");
            ExitCode::from(UNAVAILABLE)
        }
    }
}

fn once(socket: &Path, json: bool) -> Result<(), String> {
    let state = ask(socket)?;
    let text = if json {
        serde_json::to_string_pretty(&state).unwrap_or_default() + "\n"
    } else {
        // Not a screen: every line and call.
        draw(&state, Screen { rows: usize::MAX, ..SCREEN })
    };
    // A reader that went away has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn redraw(socket: &Path) -> Result<(), String> {
    let first = ask(socket)?;
    let _raw = Keys::begin();
    let mut state = Ok(first);
    loop {
        let screen = screen();
        let text = match &state {
            Ok(state) => draw(state, screen),
            Err(text) => format!("{text}\nwaiting; q ends\n"),
        };
        // From the top left corner, each line emptied before it is written (after a full one, the end of the line is its
        // last letter), and nothing below.
        let text = text.trim_end().replace('\n', "\n\x1b[K");
        let mut out = std::io::stdout().lock();
        if out.write_all(format!("\x1b[H\x1b[K{text}\x1b[J").as_bytes()).is_err() {
            return Ok(());
        }
        let _ = out.flush();
        drop(out);
        if quits() {
            return Ok(());
        }
        state = ask(socket);
    }
}

/// Waits for a second, or for `q`, Ctrl-C, Ctrl-D or the end of input.
fn quits() -> bool {
    let stdin = std::io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    if !matches!(poll(&mut fds, Some(&EVERY)), Ok(1..)) {
        return false;
    }
    let mut octets = [0; 16];
    match rustix::io::read(&stdin, &mut octets) {
        Ok(0) | Err(_) => true,
        Ok(read) => octets[..read].iter().any(|key| matches!(key, b'q' | b'Q' | 3 | 4)),
    }
}

/// Keys come one by one and unseen, until this is dropped.
struct Keys(Option<termios::Termios>);

impl Keys {
    fn begin() -> Keys {
        let stdin = std::io::stdin();
        let before = termios::tcgetattr(&stdin).ok();
        if let Some(before) = &before {
            let mut unseen = before.clone();
            unseen.local_modes -= termios::LocalModes::ICANON | termios::LocalModes::ECHO | termios::LocalModes::ISIG;
            let _ = termios::tcsetattr(&stdin, termios::OptionalActions::Now, &unseen);
        }
        print!("\x1b[2J\x1b[?25l");
        Keys(before)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = termios::tcsetattr(std::io::stdin(), termios::OptionalActions::Now, before);
        }
        println!("\x1b[?25h");
    }
}

fn screen() -> Screen {
    let size = termios::tcgetwinsize(std::io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    let colour = std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let of = size.map_or(SCREEN, |size| Screen {
        columns: usize::from(size.ws_col),
        rows: usize::from(size.ws_row),
        colour: false,
    });
    Screen { colour, ..of }
}

/// One answer of the service.
fn ask(socket: &Path) -> Result<State, String> {
    let away = |why: &dyn std::fmt::Display| {
        format!(
            "{}: no service answers ({why}); start it (systemctl start tipring), or name its file with --config",
            socket.display()
        )
    };
    let mut stream = UnixStream::connect(socket).map_err(|error| away(&error))?;
    stream.set_read_timeout(Some(ANSWER_TIME)).map_err(|error| away(&error))?;
    stream.set_write_timeout(Some(ANSWER_TIME)).map_err(|error| away(&error))?;
    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    stream.write_all(b"GET /state HTTP/1.0\r\nHost: tipring\r\n\r\n").map_err(|error| away(&error))?;
    let mut octets = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut octets).map_err(|error| away(&error))?;
    let answer = String::from_utf8_lossy(&octets);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| away(&"the answer is not HTTP"))?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(away(&status));
    }
    serde_json::from_str(body).map_err(|error| away(&error))
}

/// The whole screen, each line at most as wide as it and no more lines than it has.
fn draw(state: &State, screen: Screen) -> String {
    let mut lines = head(state, screen);
    let room = screen.rows.saturating_sub(lines.len() + 1);
    // Calls change, lines stay: calls get at least half of what is left.
    let of_spans: Vec<String> = state.spans.iter().map(span).collect();
    let wanted = of_spans.len() + 1;
    let spans = wanted.min(room.saturating_sub((state.calls.len() + 2).min(room / 2 + 1)));
    if spans > 1 {
        lines.push(String::new());
        lines.extend(cut(of_spans, spans - 1, "spans"));
    }
    let room = screen.rows.saturating_sub(lines.len() + 3);
    if !state.calls.is_empty() && room > 0 {
        lines.push(String::new());
        let row = format!("{:<9} {:<8} {:<4} {:<16} {:<16} {:>8}  VERB", "LINE", "STATUS", "WAY", "FROM", "TO", "TIME");
        lines.push(emphasised(&row, screen));
        lines.extend(cut(state.calls.iter().map(call).collect(), room, "calls"));
    }
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{}", fitted(&line, screen.columns - 1));
    }
    text
}

fn head(state: &State, screen: Screen) -> Vec<String> {
    let now = crate::observe::meters::unix_now_s();
    let up = lasted(u64::try_from(now - state.since_unix_s).unwrap_or(0));
    let ready = if state.ready { "ready" } else { "NOT READY" };
    let commit = if state.commit.is_empty() { String::new() } else { format!(" ({})", state.commit) };
    let counters = &state.counters;
    vec![
        emphasised(&format!("tipring {}{commit}  {ready}  up {up}", state.version), screen),
        state.status.clone(),
        format!(
            "late blocks {}  late ticks {}  lost blocks {}  underruns {}",
            counters.late_blocks, counters.late_ticks, counters.lost_blocks, counters.underruns
        ),
        format!(
            "calls {}  requests {}  fallbacks {}  bounds reached {}",
            counters.calls, counters.requests, counters.fallbacks, counters.bounds_reached
        ),
    ]
}

fn span(span: &Span) -> String {
    let mut states: Vec<(&str, usize)> = Vec::new();
    for line in &span.lines {
        match states.iter_mut().find(|known| known.0 == line.state) {
            Some(known) => known.1 += 1,
            None => states.push((&line.state, 1)),
        }
    }
    let states: Vec<String> = states.iter().map(|(state, n)| format!("{n} {state}")).collect();
    let how = match (span.up, span.alarms.is_empty()) {
        (_, false) => format!("{} ALARM", span.alarms.join(", ")),
        (true, true) => "up".to_owned(),
        (false, true) => "DOWN".to_owned(),
    };
    format!("{:<12} {:<7} {how:<12} {}", span.name, span.kind, states.join(", "))
}

fn call(call: &LiveCall) -> String {
    let way = if call.direction == "inbound" { "in" } else { "out" };
    let line = if call.line.is_empty() { "-" } else { &call.line };
    let status = if call.status == "in-progress" { "up" } else { &call.status };
    let (from, to) = (fitted(&call.from, 16), fitted(&call.to, 16));
    format!("{line:<9} {status:<8} {way:<4} {from:<16} {to:<16} {:>8}  {}", lasted(call.seconds), call.verb)
}

/// As many as fit; the last line says how many do not.
fn cut(mut lines: Vec<String>, room: usize, what: &str) -> Vec<String> {
    if lines.len() > room {
        let more = lines.len() - room.saturating_sub(1);
        lines.truncate(room.saturating_sub(1));
        lines.push(format!("… {more} more {what}"));
    }
    lines
}

fn emphasised(line: &str, screen: Screen) -> String {
    if screen.colour { format!("\x1b[1m{}\x1b[0m", fitted(line, screen.columns - 1)) } else { line.to_owned() }
}

/// Cut to a width, colours not counted. What came over a line may not move the cursor.
fn fitted(line: &str, columns: usize) -> String {
    if line.starts_with("\x1b[1m") {
        return line.to_owned();
    }
    line.chars().map(|c| if c.is_control() { '?' } else { c }).take(columns).collect()
}

fn lasted(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match days {
        0 if hours == 0 => format!("{minutes}:{:02}", seconds % 60),
        0 => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
        _ => format!("{days} d {hours}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::daemon::outcome::ScratchDir;
    use crate::observe::state::Line;

    fn a_state(calls: usize, spans: usize) -> State {
        let of_call = |n: usize| LiveCall {
            direction: "inbound".into(),
            from: "+12025550199\x1b[2J".into(),
            to: "+12025550100".into(),
            line: format!("sim 1/{n}"),
            status: "in-progress".into(),
            verb: "Gather numDigits=1 timeout=20, which is rather long for a narrow screen (1:30)".into(),
            seconds: 65,
            ..LiveCall::default()
        };
        let lines =
            (1..31).map(|slot| Line { slot, state: if slot < 4 { "in call" } else { "idle" }.into(), call: None });
        let of_span = |n: usize| Span {
            name: format!("sim {n}"),
            kind: "isdn".into(),
            up: n != 2,
            alarms: if n == 2 { vec!["red".into()] } else { Vec::new() },
            lines: lines.clone().collect(),
        };
        State {
            version: "0.1.0".into(),
            ready: true,
            status: "1 of 2 spans up".into(),
            calls: (1..=calls).map(of_call).collect(),
            spans: (1..=spans).map(of_span).collect(),
            counters: crate::observe::state::Counters { late_blocks: 7, ..Default::default() },
            ..State::default()
        }
    }

    #[test]
    fn it_fits_a_screen_of_80_by_24_whatever_there_is() {
        for (calls, spans) in [(0, 0), (1, 1), (3, 2), (30, 1), (1, 40), (500, 16)] {
            for colour in [false, true] {
                let text = draw(&a_state(calls, spans), Screen { colour, ..SCREEN });
                assert!(text.lines().count() <= 24, "{calls} calls, {spans} spans:\n{text}");
                let plain = text.replace("\x1b[1m", "").replace("\x1b[0m", "");
                assert!(plain.lines().all(|line| line.chars().count() <= 80), "{text}");
                assert!(!plain.contains('\x1b'), "a caller's number moves no cursor: {plain:?}");
                assert!(colour || plain == text, "without colour there is none");
            }
        }
    }

    #[test]
    fn it_shows_lines_calls_and_late_blocks() {
        let text = draw(&a_state(2, 2), SCREEN);
        assert!(text.contains("late blocks 7") && text.contains("ready"), "{text}");
        assert!(text.contains("sim 1        isdn    up           3 in call, 27 idle"), "{text}");
        assert!(text.contains("sim 2        isdn    red ALARM"), "{text}");
        assert!(text.contains("sim 1/2   up       in") && text.contains("1:05  Gather num"), "{text}");
        let many = draw(&a_state(500, 1), SCREEN);
        assert!(many.contains("more calls"), "{many}");
    }

    #[test]
    fn it_reads_the_answer_of_the_control_socket() {
        let dir = ScratchDir::new().expect("a folder");
        let socket = dir.path.join("control.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let answers = std::thread::spawn(move || {
            for answer in ["200 OK", "503 Service Unavailable"] {
                let (mut stream, _) = listener.accept().expect("somebody asks");
                let mut asked = [0; 256];
                let read = stream.read(&mut asked).expect("a request");
                assert!(asked[..read].starts_with(b"GET /state HTTP/1.0\r\n"));
                let body = serde_json::to_string(&a_state(1, 1)).expect("JSON");
                let text = format!("HTTP/1.0 {answer}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(text.as_bytes()).expect("it is read");
            }
        });
        assert_eq!(ask(&socket), Ok(a_state(1, 1)));
        assert!(ask(&socket).is_err_and(|text| text.contains("503")));
        answers.join().expect("both were asked");
    }

    #[test]
    fn without_a_service_it_says_what_to_do() {
        let text = ask(Path::new("/nowhere/control.sock")).expect_err("nobody is there");
        assert!(text.contains("no service answers") && text.contains("systemctl start tipring"), "{text}");
    }
}
