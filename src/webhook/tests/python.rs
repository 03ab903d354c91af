//! E1, E2 before an independent judge: the request validator of the Python package `twilio`.
//!
//! Set `TIPRING_TWILIO_PYTHON` to an interpreter that has the package; without it the test says loudly that it did
//! not run.

use std::io::Write as _;
use std::process::{Command, Stdio};

use tipring_resources::Method;
use tipring_webhook::sign_json;
use url::{Url, form_urlencoded};

use crate::server::{Server, ok};
use crate::{KEY, request, webhook};

/// Reads cases as JSON lines and prints what the validator says of each: `true` or `false`.
const JUDGE: &str = r#"
import json, sys
from twilio.request_validator import RequestValidator
class Form(dict):
    def getall(self, name): return self[name]
for line in sys.stdin:
    case = json.loads(line)
    form = {}
    for name, value in case["form"]: form.setdefault(name, []).append(value)
    body = case["body"] if case["body"] is not None else Form(form)
    print(json.dumps(bool(RequestValidator(case["key"]).validate(case["url"], body, case["signature"]))))
"#;

struct Case {
    name: &'static str,
    key: &'static str,
    url: String,
    form: Vec<(String, String)>,
    body: Option<&'static str>,
    signature: String,
    valid: bool,
}

/// The validator's verdicts, or `None` if it is not installed.
fn judge(cases: &[Case]) -> Option<Vec<bool>> {
    let python = std::env::var("TIPRING_TWILIO_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(&python)
        .args(["-c", JUDGE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    for it in cases {
        let line = serde_json::json!({ "key": it.key, "url": it.url, "form": it.form, "body": it.body, "signature": it.signature });
        // A judge without the package ends at once; its empty output tells.
        let _ = writeln!(stdin, "{line}");
    }
    drop(stdin);
    let output = child.wait_with_output().ok().filter(|it| it.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().map(|it| it == "true").collect())
}

#[tokio::test]
async fn e1_e2_the_dialects_own_validator_agrees() {
    let mut cases = Vec::new();
    let fields = [
        ("CallSid", "CA1"),
        ("Name", "Jürgen & ☎ +"),
        ("Empty", ""),
        ("Twice", "b"),
        ("Twice", "a"),
        ("Twice", "a"),
        ("a-b", "x"),
    ];
    let server = Server::plain(|_, _| ok("<Response/>"));
    for method in [Method::Get, Method::Post] {
        for path in ["/voice", "/voice?b=2&a=ü%20x", "/voice#ct=1000"] {
            webhook().perform(&request(1, method, &server.at("u:p@127.0.0.1", path), &fields), KEY).await;
            let heard = server.heard().pop().expect("a request");
            let form: Vec<_> = form_urlencoded::parse(heard.body.as_bytes()).into_owned().collect();
            let signature = heard.header("x-twilio-signature").unwrap_or_default().to_owned();
            let url = server.url(heard.target());
            cases.push(Case {
                name: "as sent",
                key: KEY,
                url: url.clone(),
                form: form.clone(),
                body: None,
                signature: signature.clone(),
                valid: true,
            });
            let foreign = "another token";
            cases.push(Case {
                name: "foreign key",
                key: foreign,
                url: url.clone(),
                form: form.clone(),
                body: None,
                signature: signature.clone(),
                valid: false,
            });
            let mut altered = form;
            altered.push(("Extra".to_owned(), "1".to_owned()));
            cases.push(Case { name: "stray field", key: KEY, url, form: altered, body: None, signature, valid: false });
        }
    }
    let (url, signature) = sign_json(KEY, &Url::parse("https://app.example/events?a=1").expect("a URL"), b"{\"a\": 1}");
    for (name, body, valid) in [("JSON", "{\"a\": 1}", true), ("altered JSON", "{\"a\": 2}", false)] {
        cases.push(Case {
            name,
            key: KEY,
            url: url.to_string(),
            form: Vec::new(),
            body: Some(body),
            signature: signature.clone(),
            valid,
        });
    }
    let Some(verdicts) = judge(&cases) else {
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED: e1_e2_the_dialects_own_validator_agrees needs Python with the package twilio (TIPRING_TWILIO_PYTHON)"
        ));
        return;
    };
    assert_eq!(verdicts.len(), cases.len());
    for (case, valid) in cases.iter().zip(verdicts) {
        assert_eq!(valid, case.valid, "{}: {} {:?}", case.name, case.url, case.form);
    }
    eprintln!("the validator has judged {} requests", cases.len());
}
