//! E2: the verifiers that `docs/how-to/verify-signatures.md` shows, run as they stand there. A language that is not
//! installed is left out aloud; Python must be there.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tipring_webhook::sign;

use crate::{KEY, pairs};

const PAGE: &str = include_str!("../../../docs/how-to/verify-signatures.md");

/// What is put around a sample: it reads cases as JSON lines and prints `true` or `false` for each.
const PYTHON: &str = r#"
import json, sys
from verify import is_ours
for line in sys.stdin:
    case = json.loads(line)
    fields = [tuple(pair) for pair in case["fields"]]
    print(json.dumps(is_ours(case["key"], case["url"], fields, case["signature"])))
"#;
const NODE: &str = r#"
const { isOurs } = require("./verify.js");
for (const line of require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const it = JSON.parse(line);
  console.log(isOurs(it.key, it.url, it.fields, it.signature));
}
"#;
const GO: &str = r#"package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
)

func main() {
	for cases := json.NewDecoder(os.Stdin); ; {
		var it struct {
			Key, URL, Signature string
			Fields              [][2]string
		}
		if cases.Decode(&it) == io.EOF {
			return
		}
		fields := url.Values{}
		for _, pair := range it.Fields {
			fields.Add(pair[0], pair[1])
		}
		fmt.Println(isOurs(it.Key, it.URL, fields, it.Signature))
	}
}
"#;

struct Case {
    name: String,
    key: &'static str,
    url: String,
    fields: Vec<(String, String)>,
    signature: String,
    good: bool,
}

/// The block of the page that is saved under this name.
fn sample(file: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!(" file={file}\n")).unwrap_or_else(|| panic!("{file} is on the page"));
    rest.split_once("```").expect("the block ends").0
}

/// Untouched requests, and each of them with one thing changed.
fn cases() -> Vec<Case> {
    let posted = pairs(&[
        ("CallSid", "CA1"),
        ("Name", "Jürgen & ☎ +"),
        ("Empty", ""),
        ("Twice", "b"),
        ("Twice", "a"),
        ("Twice", "a"),
        ("To", "+12025550123"),
        ("aLower", "1"),
    ]);
    let mut cases = Vec::new();
    for (what, url, fields) in [
        ("POST", "https://app.lan/voice?q=a%20b", posted),
        ("GET", "http://app.lan:8080/voice?CallSid=CA1&Digits=1", Vec::new()),
    ] {
        let signature = sign(KEY, url, &fields);
        let mut case = |name: &str, key, url: &str, fields: &[(String, String)], signature: &str, good| {
            let (name, url, signature) = (format!("{what}: {name}"), url.to_string(), signature.to_string());
            cases.push(Case { name, key, url, fields: fields.to_vec(), signature, good });
        };
        case("untouched", KEY, url, &fields, &signature, true);
        case("another account's key", "another-token", url, &fields, &signature, false);
        case("another path", KEY, &url.replace("voice", "admin"), &fields, &signature, false);
        case("another query", KEY, &format!("{url}&x=1"), &fields, &signature, false);
        case("no signature", KEY, url, &fields, "", false);
        case("no Base64", KEY, url, &fields, "???", false);
        case("signed for another account", KEY, url, &fields, &sign("another-token", url, &fields), false);
        let stray: Vec<_> = fields.iter().cloned().chain(pairs(&[("Stray", "1")])).collect();
        case("a stray field", KEY, url, &stray, &signature, false);
        for at in 0..fields.len() {
            let mut changed = fields.clone();
            changed[at].1.push('1');
            case(&format!("field {at} changed"), KEY, url, &changed, &signature, false);
            changed.clone_from(&fields);
            let gone = changed.remove(at);
            // One of two equal ones is no loss: each different value counts once.
            if !changed.contains(&gone) {
                case(&format!("field {at} gone"), KEY, url, &changed, &signature, false);
            }
        }
    }
    cases
}

/// What the program says of each case.
fn verdicts(folder: &Path, program: &[&str], cases: &[Case]) -> Vec<bool> {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.env("GOCACHE", folder.join("go")).env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local");
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program[0]));
    let mut stdin = child.stdin.take().expect("a pipe");
    for it in cases {
        let case = serde_json::json!({"key": it.key, "url": it.url, "fields": it.fields, "signature": it.signature});
        writeln!(stdin, "{case}").expect("it reads");
    }
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program:?}: {}", output.status);
    String::from_utf8_lossy(&output.stdout).lines().map(|line| line == "true").collect()
}

fn is_there(program: &str, word: &str) -> bool {
    let asked = Command::new(program).arg(word).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

#[track_caller]
fn agrees(folder: &Path, program: &[&str]) {
    let cases = cases();
    let said = verdicts(folder, program, &cases);
    assert_eq!(said.len(), cases.len());
    for (case, said) in cases.iter().zip(said) {
        assert_eq!(said, case.good, "{}: {}", program[0], case.name);
    }
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tipring-samples-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn e2_the_sample_verifiers_refuse_whatever_was_changed() {
    let folder = folder();
    for (file, text) in [
        ("verify.py", sample("verify.py")),
        ("main.py", PYTHON),
        ("verify.js", sample("verify.js")),
        ("main.js", NODE),
        ("verify.go", sample("verify.go")),
        ("main.go", GO),
        ("go.mod", "module sample\n\ngo 1.21\n"),
    ] {
        std::fs::write(folder.join(file), text).expect("written");
    }
    agrees(&folder, &["python3", "main.py"]);
    for (program, word, line) in
        [("node", "--version", ["node", "main.js"].as_slice()), ("go", "version", &["go", "run", "."])]
    {
        match is_there(program, word) {
            true => agrees(&folder, line),
            false => drop(writeln!(std::io::stderr(), "SKIPPED the sample verifier of {program}: it is not installed")),
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
}
