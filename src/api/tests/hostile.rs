//! Hundreds of malformed, hostile and absurd requests. What each must come to stands beside its family, before it is
//! asked; every refusal has the one shape, nothing is a fault of the box, and afterwards every list reads as before.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request, header};
use tipring_api::{Row, RowKind, Standing, catalogue};
use tipring_resources::CallStatus;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::catalogue::filled;
use crate::furnished::furnished;
use crate::support::*;

/// Status and code.
type Outcome = (u16, u64);

/// The seed of what is made by chance.
const SEED: u64 = 0x5eed_0500;
/// As many as this part of the five hundred has at least.
const LEAST: usize = 500;

const NOT_THERE: &[Outcome] = &[(404, 20404)];
const BAD: &[Outcome] = &[(400, 20002)];

/// One request, and what it may come to.
struct Case {
    family: &'static str,
    about: String,
    request: Request<Body>,
    /// One of these.
    wanted: &'static [Outcome],
}

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn of(&mut self, most: usize) -> usize {
        usize::try_from(self.next()).unwrap_or_default() % most
    }
}

/// A case below account 1, with its credentials.
fn case(family: &'static str, method: &str, path: &str, form: Option<&[u8]>, wanted: &'static [Outcome]) -> Case {
    let mut made = request(method, path);
    if form.is_some() {
        made = made.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let shown: String = String::from_utf8_lossy(form.unwrap_or_default()).chars().take(60).collect();
    let body = Body::from(form.unwrap_or_default().to_vec());
    Case {
        family,
        about: format!("{method} {} {shown}", path.chars().take(120).collect::<String>()),
        request: made.body(body).unwrap(),
        wanted,
    }
}

fn methods() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in ["/Calls.json", "/Recordings.json", "/Queues.json", "/Notifications.json", "/Conferences.json"] {
        for method in ["PATCH", "TRACE", "OPTIONS", "CONNECTED", "get", "DELETE"] {
            cases.push(case("methods", method, path, None, &[(405, 20004)]));
        }
    }
    for word in ["PATCH", "delete", "GET", "x"] {
        let form = format!("_method={word}");
        cases.push(case("methods", "POST", "/Calls.json", Some(form.as_bytes()), BAD));
    }
    cases
}

fn paths(dice: &mut Dice) -> Vec<Case> {
    let call = "CA00000000000000000000000000000001";
    let mut paths: Vec<String> = [
        "/Calls%2F.json",
        "/Calls/%2e%2e/Calls.json",
        "/Calls/../../AC00000000000000000000000000000001/Calls.json",
        "/Calls/..",
        "/Calls//.json",
        "//Calls.json",
        "/Calls.json%00",
        "/Calls%00.json",
        "/Calls/%00.json",
        "/Calls.json;x=1",
        "/Calls.json.json",
        "/calls.json",
        "/Calls.JSON",
        "/Calls.php",
        "/%43alls.json/x",
        "/Calls/CA.json",
        "/Calls/ca00000000000000000000000000000001.json",
        "/Calls/CA0000000000000000000000000000000g.json",
        "/Calls/CA000000000000000000000000000000001.json",
        "/Calls/%c3%28.json",
        "/Calls/%ff%fe.json",
        "/Calls/%zz.json",
        "/Calls/%.json",
        "/Recordings/..%2f..%2fetc%2fpasswd",
        "/Recordings/..%2f..%2fetc%2fpasswd.wav",
        "/Recordings/RE00000000000000000000000000000001.exe",
        "/Recordings/RE00000000000000000000000000000001.wav.sh",
        "/etc/passwd",
        "/wp-login.php",
        "/.git/config",
        "/$%7Bjndi:ldap:%2F%2Fx%7D.json",
        "/'%20OR%201=1--.json",
        "/%3Cscript%3E.json",
    ]
    .map(str::to_string)
    .to_vec();
    paths.push(format!("/Calls/{}.json", "A".repeat(10 * 1024)));
    paths.push(format!("/{}", "a/".repeat(5_000)));
    paths.push(format!("/{}Calls.json", "../".repeat(1_000)));
    // A SID of each other kind where a call's is expected, and one of a call where others are.
    for kind in ["AC", "AP", "CF", "MM", "MZ", "NO", "PN", "QU", "RE", "SK", "SM", "TR", "XX", "🕿"] {
        let kind = if kind.is_ascii() { kind } else { "%F0%9F%95%BF" };
        paths.push(format!("/Calls/{kind}00000000000000000000000000000001.json"));
    }
    for list in ["Recordings", "Queues", "Applications", "Keys", "Messages", "IncomingPhoneNumbers", "Notifications"] {
        paths.push(format!("/{list}/{call}.json"));
    }
    for _ in 0..12 {
        let octets: String = (0..8).map(|_| format!("%{:02x}", dice.of(256))).collect();
        paths.push(format!("/Calls/{octets}.json"));
    }
    let mut cases: Vec<_> = paths.iter().map(|path| case("paths", "GET", path, None, NOT_THERE)).collect();
    for account in ["AC00000000000000000000000000000002", "AC9", "zz", "%00", "CA00000000000000000000000000000001"] {
        for (method, list) in [("GET", "Calls.json"), ("POST", "Calls.json"), ("DELETE", "Keys/SK1.json")] {
            let path = format!("/2010-04-01/Accounts/{account}/{list}");
            cases.push(case("others' accounts", method, &path, (method == "POST").then_some(b"To=1"), NOT_THERE));
        }
    }
    cases
}

fn credentials() -> Vec<Case> {
    let sound = me().to_string();
    let coded =
        |text: &str| basic(text.split_once(':').unwrap_or((text, "")).0, text.split_once(':').unwrap_or_default().1);
    let long = "x".repeat(10_000);
    let mut shown: Vec<Vec<u8>> = [
        String::new(),
        "Basic".into(),
        "Basic ".into(),
        "Basic !!!!".into(),
        "Basic QUM=".into(),
        "Bearer token-1".into(),
        "Digest username=\"AC\"".into(),
        "Negotiate abc".into(),
        format!("Basic {long}"),
        "Basic Og==".into(),
        "Basic /////w==".into(),
        coded(&format!("{sound}:")),
        coded(&format!("{sound}:token-2")),
        coded(&format!("{sound}:token-1 ")),
        coded(&format!("{sound}:TOKEN-1")),
        coded(&format!("{sound}:token-1\0")),
        coded(&format!(" {sound}:token-1")),
        coded(&format!("{}:token-1", sound.to_lowercase())),
        coded("AC00000000000000000000000000000009:token-1"),
        coded("CA00000000000000000000000000000001:token-1"),
        coded("SK00000000000000000000000000000001:token-1"),
        coded("' OR 1=1 --:x"),
        coded(&format!("{sound}:{long}")),
    ]
    .map(String::into_bytes)
    .to_vec();
    shown.push(b"Basic \xff\xfe".to_vec());
    let mut cases = Vec::new();
    for value in shown {
        for (method, path) in [("GET", "/Calls.json"), ("POST", "/Queues.json")] {
            let made = Request::builder().method(method).uri(below(path));
            let made = made.header(header::AUTHORIZATION, header::HeaderValue::from_bytes(&value).unwrap());
            let about =
                format!("{method} with {}", String::from_utf8_lossy(&value).chars().take(60).collect::<String>());
            let body = if method == "POST" { "FriendlyName=stolen" } else { "" };
            let request = made.body(Body::from(body)).unwrap();
            cases.push(Case { family: "credentials", about, request, wanted: &[(401, 20003)] });
        }
    }
    cases
}

fn bodies(dice: &mut Dice) -> Vec<Case> {
    const TOO_LARGE: &[Outcome] = &[(413, 20413)];
    let mut cases = Vec::new();
    for kind in [
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/xml",
        "application/octet-stream",
        "application/x-www-form-urlencoded-not",
        "x",
        ";",
        "application/x-www-form-urlencoded, text/plain",
    ] {
        let made = request("POST", "/Queues.json").header(header::CONTENT_TYPE, kind);
        let request = made.body(Body::from("{\"FriendlyName\":\"x\"}")).unwrap();
        cases.push(Case { family: "types of bodies", about: kind.into(), request, wanted: &[(415, 20415)] });
    }
    for length in ["99999999999", "65537", "18446744073709551615"] {
        let made = request("POST", "/Queues.json").header(header::CONTENT_LENGTH, length);
        let request = made.body(Body::from("FriendlyName=x")).unwrap();
        let wanted = TOO_LARGE;
        cases.push(Case { family: "lengths of bodies", about: length.into(), request, wanted });
    }
    let post = |family, form: &[u8], wanted| case(family, "POST", "/Queues.json", Some(form), wanted);
    for octets in [64 * 1024 + 1, 100 * 1024, 1 << 20] {
        cases.push(post("lengths of bodies", format!("FriendlyName={}", "a".repeat(octets)).as_bytes(), TOO_LARGE));
    }
    for count in [501, 10_001] {
        cases.push(post("many parameters", "a=1&".repeat(count).as_bytes(), TOO_LARGE));
    }
    let query = format!("/Queues.json?{}", "a=1&".repeat(501));
    cases.push(case("many parameters", "GET", &query, None, TOO_LARGE));
    for garbage in
        ["%", "%f", "%zz", "%c3", "%ff", "%ed%a0%80", "%c0%af", "%f4%90%80%80", "%%", "%u0041", "a%0", "\u{0}%"]
    {
        cases.push(post("percent garbage", format!("FriendlyName={garbage}").as_bytes(), BAD));
        cases.push(post("percent garbage", format!("{garbage}=x&FriendlyName=x").as_bytes(), BAD));
    }
    for octets in [&b"\xff"[..], b"\xc3\x28", b"\xf0\x9f", b"\x80", b"\xfe\xff\x00a"] {
        cases.push(post("octets that are no UTF-8", &[b"FriendlyName=", octets].concat(), BAD));
    }
    for name in ["%00", "%0d%0a", "a%1bb", "%7f"] {
        cases.push(post("control characters", format!("FriendlyName={name}").as_bytes(), BAD));
    }
    // Whatever it is, it begins with an escape that is none.
    for _ in 0..20 {
        let mut form = b"FriendlyName=%g".to_vec();
        form.extend((0..40).map(|_| u8::try_from(dice.of(256)).unwrap_or_default()).filter(|octet| *octet != b'&'));
        cases.push(post("octets by chance", &form, BAD));
    }
    // The first of several wins, so a good one behind a bad one does not help.
    for form in ["FriendlyName=%00&FriendlyName=good", "FriendlyName=a%0ab&FriendlyName=good&FriendlyName=better"] {
        cases.push(post("parameters given twice", form.as_bytes(), BAD));
    }
    for form in ["", "=", "&&&&", "=FriendlyName", "friendlyname=x", "FriendlyName", "FriendlyName=", "[]=x"] {
        cases.push(post("nothing of use", form.as_bytes(), &[(400, 20001)]));
    }
    cases
}

fn pages() -> Vec<Case> {
    let mut cases = Vec::new();
    for list in ["/Calls.json", "/Notifications.json", "/Recordings.json", "/Messages.json"] {
        for value in ["0", "-1", "x", "1.5", "1e3", "99999999999999999999", "%00", "0x10", "%F0%9D%9F%98"] {
            cases.push(case("PageSize", "GET", &format!("{list}?PageSize={value}"), None, BAD));
        }
        cases.push(case("PageSize", "GET", &format!("{list}?PageSize=1001"), None, &[(400, 20007)]));
        for value in ["-1", "x", "4294967295", "99999999999999999999"] {
            cases.push(case("Page", "GET", &format!("{list}?Page={value}"), None, BAD));
        }
        for value in ["x", "PA", "%00", "PAxx00000000000000000000000000000001", "../..", "0"] {
            cases.push(case("PageToken", "GET", &format!("{list}?PageToken={value}"), None, &[(400, 21481)]));
        }
    }
    for name in ["StartTime", "StartTime%3C", "EndTime%3E"] {
        for value in
            ["2026-02-30", "2026-13-01", "2025-02-29", "0000-00-00", "yesterday", "1", "2026-1-1", "99999-01-01"]
        {
            cases.push(case("dates", "GET", &format!("/Calls.json?{name}={value}"), None, BAD));
        }
    }
    cases
}

/// What each parameter of a POST comes to when it alone is absurd; the others are sound.
fn parameters() -> Vec<Case> {
    let rows = catalogue().filter(|row| row.kind == RowKind::Parameter && row.method == "POST");
    let rows = rows.filter(|row| row.standing != Standing::Absent && !row.why.starts_with("without effect"));
    rows.filter(|row| !passed_over(row) && !filled(row.path).contains('{')).map(absurd).collect()
}

/// What no value is absurd for: an unknown event is passed over with a warning (21626), a contact is any short text, and
/// the rest is the business of SIP, or of a router that this desk has only played.
fn passed_over(row: &Row) -> bool {
    row.name.ends_with("StatusCallbackEvent") || ["Contact", "Verify"].contains(&row.name)
}

/// The absurd value of a parameter, by its name and type.
fn absurd(row: &'static Row) -> Case {
    let path = filled(row.path);
    let long = "%07".repeat(5_000);
    let (family, value, wanted): (_, &str, &'static [Outcome]) = match (row.name, row.words) {
        (name, _) if own_code(name, &path).is_some() => ("long texts", &long, own_code(name, &path).unwrap_or(BAD)),
        ("Url", _) if path.ends_with("/Streams.json") => ("URLs", "javascript:alert(1)", &[(400, 31922)]),
        (name, words) if words == "url" || name.ends_with("Url") || name.ends_with("Callback") => {
            ("URLs", "javascript:alert(1)", &[(400, 21402), (400, 21205), (400, 21609)])
        }
        (name, words) if words == "GET POST" || name.ends_with("Method") => {
            ("methods of callbacks", "DELETE", &[(400, 21403), (400, 21209)])
        }
        ("Timeout", _) => ("numbers", "-1e9", &[(400, 21208)]),
        ("CallDelay", _) => ("numbers", "61", &[(400, 21456)]),
        (name, "int") if name.starts_with("MachineDetection") => ("numbers", "-1e9", &[(400, 21234)]),
        (_, "int") => ("numbers", "-1e9", BAD),
        (_, "bool") | ("AsyncAmd", _) => ("truth", "maybe", BAD),
        ("Trunk" | "Byoc", _) => ("long texts", &long, BAD),
        ("ApplicationSid" | "SmsApplicationSid" | "VoiceApplicationSid", _) => ("SIDs", "XX00", &[(400, 21218)]),
        (_, words) if words.len() == 2 => ("SIDs", "XX00", BAD),
        ("Status", _) if path.ends_with("00001.json") && path.matches('/').count() == 3 => {
            ("words", "absurd", &[(400, 21478)])
        }
        (_, words) if words.contains("string") => ("long texts", &long, BAD),
        _ => ("words", "absurd", BAD),
    };
    let sound = sound(row).into_iter().filter(|(name, _)| *name != row.name);
    let mut form: Vec<String> = sound.map(|(name, value)| format!("{name}={value}")).collect();
    form.push(format!("{}={value}", row.name));
    let about = format!("{} {}={}", row.path, row.name, value.chars().take(30).collect::<String>());
    Case { about, ..case(family, "POST", &living(&path), Some(form.join("&").as_bytes()), wanted) }
}

/// What a long text of control characters comes to where a parameter has a code of its own, or is judged by the router.
fn own_code(name: &str, path: &str) -> Option<&'static [Outcome]> {
    let of_messages = path.ends_with("/Messages.json");
    Some(match name {
        "Body" if of_messages => &[(400, 21617)],
        "To" | "From" if of_messages => &[(503, 20503)],
        "FriendlyName" if path.ends_with("/Conferences.json") => &[(503, 20503)],
        "MoveTo" => &[(503, 20503)],
        "To" => &[(400, 21211)],
        "From" | "CallerId" => &[(400, 21212)],
        "SendDigits" => &[(400, 21206)],
        "Label" => &[(400, 16023)],
        "MachineDetection" => &[(400, 21234)],
        "Twiml" => &[(400, 32018)],
        "PhoneNumber" => &[(400, 21421), (400, 21401)],
        "AreaCode" => &[(400, 21452)],
        "Extension" => &[(400, 21455)],
        _ => return None,
    })
}

/// The path, with a call that lives in place of the one that is over.
fn living(path: &str) -> String {
    // The recording is of the one that is over.
    if path.contains("/Recordings/RE") {
        return path.to_string();
    }
    path.replace("/Calls/CA00000000000000000000000000000001", "/Calls/CA00000000000000000000000000000007")
}

/// Sound values of the parameters that the request does not go without.
fn sound(row: &Row) -> Vec<(&'static str, &'static str)> {
    let needed = catalogue().filter(|other| other.path == row.path && other.method == "POST" && other.required);
    let mut sound: Vec<_> = needed
        .map(|other| {
            let value = match other.name {
                "To" | "PhoneNumber" => "%2B12025550101",
                "From" => "%2B12025550199",
                "Url" => "wss://app.example/",
                "CallSid" => "CA00000000000000000000000000000007",
                "Status" => "stopped",
                _ => "x",
            };
            (other.name, value)
        })
        .collect();
    match row.path.rsplit('/').next() {
        Some("Calls.json") if !["Url", "Twiml"].contains(&row.name) => sound.push(("Url", "http://app.example/")),
        Some("Messages.json") => sound.extend([("To", "%2B1"), ("From", "%2B2"), ("Body", "x")]),
        Some("IncomingPhoneNumbers.json") if row.name != "AreaCode" => sound.push(("PhoneNumber", "%2B12025550101")),
        _ => {}
    }
    // A wrong number of the detection is wrong also where nobody asks for one.
    if row.name.contains("Amd") {
        sound.push(("MachineDetection", "Enable"));
    }
    if row.name.starts_with("AsyncAmdStatus") {
        sound.push(("AsyncAmd", "true"));
    }
    if row.name == "AmdStatusCallbackMethod" || row.name == "AsyncAmdStatusCallbackMethod" {
        sound.push(("AsyncAmdStatusCallback", "http://app.example/"));
    }
    sound
}

/// Every list as it reads now.
async fn everything(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    let mut read = BTreeMap::new();
    let lists = catalogue().filter(|row| row.kind == RowKind::Operation && row.method == "GET");
    for row in lists.filter(|row| !row.path.ends_with("EventStream")) {
        let path = filled(row.path);
        if !path.contains('{') {
            let got = desk.get(&path).await;
            read.insert(path, got.body.to_vec());
        }
    }
    read
}

/// What is wrong with the answer of a case.
fn fault_of(case: &str, wanted: &[Outcome], got: &Got, is_head: bool) -> Option<String> {
    let status = got.status.as_u16();
    let body: serde_json::Value = serde_json::from_slice(&got.body).unwrap_or_default();
    let shape = ["code", "message", "more_info", "status"];
    let one_shape =
        body.as_object().is_some_and(|body| body.len() == 4 && shape.iter().all(|key| body.contains_key(*key)));
    let code = body["code"].as_u64().unwrap_or_default();
    if is_head || (wanted.contains(&(status, code)) && one_shape && body["status"] == status) {
        return None;
    }
    let text: String = String::from_utf8_lossy(&got.body).chars().take(160).collect();
    Some(format!("{case}: wanted {wanted:?}, got {status} {text}"))
}

#[tokio::test]
async fn five_hundred_hostile_requests_end_as_written() {
    let mut dice = Dice(SEED);
    let desk = furnished().await;
    desk.live.goes_on(call(7, CallStatus::InProgress));
    desk.store.settled().await.unwrap();
    let before = everything(&desk).await;
    let mut cases = methods();
    cases.extend(paths(&mut dice));
    cases.extend(credentials());
    cases.extend(bodies(&mut dice));
    cases.extend(pages());
    cases.extend(parameters());
    let (mut ran, mut faults) = (BTreeMap::new(), Vec::new());
    for Case { family, about, request, wanted } in cases {
        let is_head = request.method() == Method::HEAD;
        let got = desk.send(request).await;
        *ran.entry(family).or_insert(0_usize) += 1;
        faults.extend(fault_of(&format!("{family}: {about}"), wanted, &got, is_head));
    }
    desk.store.settled().await.unwrap();
    let after = everything(&desk).await;
    let changed = before.iter().filter(|(path, body)| after.get(*path) != Some(body)).map(|(path, _)| path);
    faults.extend(changed.map(|path| format!("{path} reads otherwise than before")));
    println!("{ran:#?}");
    assert!(faults.is_empty(), "{} of {ran:?}:\n{}", faults.len(), faults.join("\n"));
    assert!(ran.values().sum::<usize>() >= LEAST, "{ran:?}");
    let good = desk.post("/IncomingPhoneNumbers.json", "PhoneNumber=%2B12025550101").await;
    assert_eq!(good.status, 201, "a sound request goes after all of it");
}

/// What a socket is sent, and the first line that comes back; empty: the connection ends without a word.
async fn raw(address: std::net::SocketAddr, octets: &[u8]) -> String {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let _ = socket.write_all(octets).await;
    let _ = socket.shutdown().await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_string()
}

#[tokio::test]
async fn five_hundred_hostile_octets_on_a_socket_are_refused() {
    let desk = furnished().await;
    let before = everything(&desk).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, desk.app.clone()).into_future());
    let key = basic(&me().to_string(), "token-1");
    let path = below("/Queues.json");
    let post = |headers: &str, body: &str| format!("POST {path} HTTP/1.1\r\nHost: box\r\n{headers}\r\n{body}");
    let signed = format!("Authorization: {key}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    let refused: &[&str] = &["HTTP/1.1 400"];
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("two lengths", post(&format!("{signed}Content-Length: 3\r\nContent-Length: 5\r\n"), "a=b").into(), refused),
        ("a length that is none", post(&format!("{signed}Content-Length: x\r\n"), "a=b").into(), refused),
        ("a negative length", post(&format!("{signed}Content-Length: -1\r\n"), "a=b").into(), refused),
        (
            "chunked twice",
            post(&format!("{signed}Transfer-Encoding: chunked, chunked, x\r\n"), "0\r\n\r\n").into(),
            refused,
        ),
        (
            "a chunk of no size",
            post(&format!("{signed}Transfer-Encoding: chunked\r\n"), "zz\r\n\r\n").into(),
            &["HTTP/1.1 4"],
        ),
        (
            "chunks and a length",
            post(
                &format!("{signed}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"),
                "0\r\n\r\nFriendlyName=smuggled",
            )
            .into(),
            &["HTTP/1.1 4"],
        ),
        ("a huge header", post(&format!("{signed}X: {}\r\n", "x".repeat(1 << 20)), "").into(), &["HTTP/1.1 431", ""]),
        ("many headers", post(&format!("{signed}{}", "X: y\r\n".repeat(1_000)), "").into(), &["HTTP/1.1 431", ""]),
        ("two hosts, no credentials", post("Host: other\r\n", "").into(), &["HTTP/1.1 4"]),
        ("no host, no credentials", format!("GET {path} HTTP/1.1\r\n\r\n").into(), &["HTTP/1.1 4"]),
        ("a blank in the path", format!("GET {path} x HTTP/1.1\r\n\r\n").into(), refused),
        ("an unknown version", format!("GET {path} HTTP/9.9\r\n\r\n").into(), &["HTTP/1.1 400", "HTTP/1.1 505", ""]),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), &["HTTP/1.1 400", ""]),
        ("NULs", vec![0; 1_000], &["HTTP/1.1 400", ""]),
        ("a header without a name", post(": x\r\n", "").into(), refused),
        ("a NUL in a header", post("X: a\0b\r\n", "").into(), refused),
        ("a folded header", post("X: a\r\n b\r\n", "").into(), refused),
        (
            "a body that breaks off",
            post(&format!("{signed}Content-Length: 500\r\n"), "FriendlyName=half").into(),
            &["HTTP/1.1 4", ""],
        ),
        ("a proxy's CONNECT", b"CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), &["HTTP/1.1 4"]),
        ("a star", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), &["HTTP/1.1 4"]),
    ];
    let ran = cases.len();
    let mut faults = Vec::new();
    for (about, octets, wanted) in cases {
        let line = raw(address, &octets).await;
        if !wanted.iter().any(|wanted| if wanted.is_empty() { line.is_empty() } else { line.starts_with(wanted) }) {
            faults.push(format!("{about}: wanted {wanted:?}, got {line:?}"));
        }
    }
    server.abort();
    println!("{ran} on a socket");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(everything(&desk).await, before, "nothing was changed");
}
