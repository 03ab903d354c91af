//! The applications under `examples/`, run as they stand there and asked as the box asks. Python must be there; another
//! language that is not installed is left out aloud, past the harness that keeps what a test prints.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use tipring_webhook::sign;

use crate::{KEY, pairs};

/// A running application; it ends with the test.
struct Running {
    child: Child,
    port: u16,
    /// Kept open: it goes on speaking.
    _says: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Starts a program, which says on which port it listens.
fn start(folder: &Path, program: &Path, arguments: &[&str]) -> Running {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("TOKEN", KEY).env("PORT", "0").env("DESK", "+12025550177");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let mut line = String::new();
    let mut says = BufReader::new(child.stdout.take().expect("a pipe"));
    says.read_line(&mut line).expect("it speaks");
    let port = line.trim().rsplit(' ').next().and_then(|port| port.parse().ok());
    Running { child, port: port.unwrap_or_else(|| panic!("{line:?}")), _says: says }
}

impl Running {
    /// Status and body of a POST that is signed with this key.
    fn ask(&self, path: &str, form: &[(&str, &str)], key: &str) -> (u16, String) {
        let host = format!("127.0.0.1:{}", self.port);
        let signature = sign(key, &format!("http://{host}{path}"), &pairs(form));
        let coded = |text: &str| text.bytes().map(|octet| format!("%{octet:02x}")).collect::<String>();
        let body: Vec<String> = form.iter().map(|(name, value)| format!("{}={}", coded(name), coded(value))).collect();
        let body = body.join("&");
        let request = format!(
            "POST {path} HTTP/1.0\r\nHost: {host}\r\nX-Twilio-Signature: {signature}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\r\n{body}",
            body.len()
        );
        let mut socket = TcpStream::connect(&host).expect("it listens");
        socket.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_string()).unwrap_or_default())
    }
}

/// What every one of the applications does.
fn answers_as_a_menu(app: &Running) {
    for (path, form, wanted) in [
        ("/voice", &[("From", "+12025550100")][..], "<Gather numDigits=\"1\""),
        ("/choice", &[("Digits", "1"), ("From", "+1 <é&>")], ">+12025550177</Dial>"),
        ("/choice", &[("Digits", "2")], "<Record "),
        ("/choice", &[("Digits", "9")], "<Redirect>/voice</Redirect>"),
        ("/dialled", &[("DialCallStatus", "completed")], "<Hangup/>"),
        ("/dialled", &[("DialCallStatus", "no-answer")], "<Record "),
        ("/recorded", &[("RecordingUrl", "http://box/RE1")], "<Say>Thank you.</Say>"),
    ] {
        let (status, body) = app.ask(path, form, KEY);
        assert!(status == 200 && body.starts_with("<Response>") && body.contains(wanted), "{path}: {status} {body}");
        assert_eq!(app.ask(path, form, "another-token").0, 403, "{path}");
    }
    assert_eq!(app.ask("/toString", &[], KEY).0, 404);
}

/// Past the harness: it keeps what `eprintln!` prints.
fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: it is not installed");
}

fn is_there(program: &str, word: &str) -> bool {
    let asked = Command::new(program).arg(word).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

#[test]
fn e21_the_example_in_python_answers_signed_requests_and_no_others() {
    answers_as_a_menu(&start(&root().join("examples/python"), Path::new("python3"), &["-B", "app.py"]));
}

#[test]
fn e21_the_example_in_node_answers_signed_requests_and_no_others() {
    if !is_there("node", "--version") {
        return skipped("the example in node");
    }
    answers_as_a_menu(&start(&root().join("examples/node"), Path::new("node"), &["app.js"]));
}

#[test]
fn e21_the_example_in_go_answers_signed_requests_and_no_others() {
    if !is_there("go", "version") {
        return skipped("the example in go");
    }
    let folder = std::env::temp_dir().join(format!("tipring-example-go-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let program = folder.join("app");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg("main.go").current_dir(root().join("examples/go"));
    build.env("GOCACHE", folder.join("cache")).env("GOTOOLCHAIN", "local");
    assert!(build.status().is_ok_and(|status| status.success()), "it builds");
    answers_as_a_menu(&start(&folder, &program, &[]));
    let _ = std::fs::remove_dir_all(&folder);
}
