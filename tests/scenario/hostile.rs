//! Hundreds of malformed, hostile and absurd documents, each the answer to a call of its own over the simulated card.
//! Which codes each must come to stands beside its family, before it is fetched. Every call ends with a final status,
//! no recording stays open, and a good call works after all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use tipring::daemon::app::Document;
use tipring_resources::{Record, RecordingStatus};

use crate::sound::{HELLO, announcement, in_words};
use crate::world::{Run, run_scenario, scenario};

/// As many as this part of the five hundred has at least.
const LEAST: usize = 400;
/// The seed of what is made by chance.
const SEED: u64 = 0x5eed_0500;
/// Numbers begin here.
const FIRST: usize = 1_000;
/// Between two calls.
const EVERY_MS: usize = 250;
/// Whoever is still in a call then hangs up himself.
const PATIENCE_MS: u32 = 25_000;

/// One document, or what stands in its place.
struct Case {
    family: &'static str,
    about: String,
    document: Document,
    /// What is kept of the call, each code once.
    codes: &'static [u32],
}

/// Collects the cases of one family.
struct Family<'a> {
    name: &'static str,
    cases: &'a mut Vec<Case>,
}

impl Family<'_> {
    /// Answers these octets as XML.
    fn octets(&mut self, octets: impl Into<Vec<u8>>, codes: &'static [u32]) {
        let octets = octets.into();
        let about: String = String::from_utf8_lossy(&octets).chars().take(90).collect();
        self.answer(&about, Document { octets: Some(octets.into()), ..Document::default() }, codes);
    }

    /// Verbs in a sound document.
    fn verbs(&mut self, verbs: &str, codes: &'static [u32]) {
        self.octets(format!("<Response>{verbs}</Response>"), codes);
    }

    /// Each of these as one verb.
    fn each(&mut self, verbs: &[&str], codes: &'static [u32]) {
        verbs.iter().for_each(|verb| self.verbs(verb, codes));
    }

    fn answer(&mut self, about: &str, document: Document, codes: &'static [u32]) {
        self.cases.push(Case { family: self.name, about: about.to_string(), document, codes });
    }
}

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn of(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// UTF-16 with its mark.
fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(|unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn not_well_formed(family: &mut Family<'_>, dice: &mut Dice) {
    for text in [
        "hello",
        "{\"say\":\"hello\"}",
        "---\nsay: hello",
        "<Response>",
        "<Response",
        "<",
        "</Response>",
        "<Response></response>",
        "<Response><Say>a</Response>",
        "<Response><Say>a</Say>",
        "<Response><Say>a</Play></Response>",
        "<Response/><Response/>",
        "<Response/>text",
        "text<Response/>",
        " <?xml version=\"1.0\"?><Response/>",
        "<Response><?xml version=\"1.0\"?></Response>",
        "<Response><Say a=1>x</Say></Response>",
        "<Response><Say a>x</Say></Response>",
        "<Response><Say a=\"1\" a=\"2\">x</Say></Response>",
        "<Response><Say a=\"1>x</Say></Response>",
        "<Response><Say a=\"<\">x</Say></Response>",
        "<Response><Say>a & b</Say></Response>",
        "<Response><Say>&nbsp;</Say></Response>",
        "<Response><Say>&lol9;</Say></Response>",
        "<Response><Say>&#0;</Say></Response>",
        "<Response><Say>&#xD800;</Say></Response>",
        "<Response><Say>&#99999999999;</Say></Response>",
        "<Response><!-- a -- b --></Response>",
        "<Response><!-- a </Response>",
        "<Response><![CDATA[a</Response>",
        "<Response>< Say>x</Say></Response>",
        "<Response><1Say/></Response>",
        "<Response><Say/ ></Response>",
        "<!-- only a comment -->",
        "<?xml version=\"1.0\"?>",
        "<!DOCTYPE html><html><body>404</body></html>",
    ] {
        family.octets(text, &[12100]);
    }
    // Whatever the octets are, the document is not closed behind them.
    for _ in 0..24 {
        let mut octets = b"<Response><Say>".to_vec();
        octets.extend((0..60).map(|_| u8::try_from(dice.of(256)).unwrap_or_default()).filter(|it| *it != b'<'));
        family.octets(octets, &[12100]);
    }
}

fn roots(family: &mut Family<'_>) {
    for root in ["html", "response", "RESPONSE", "Respons", "Say", "soap:Envelope", "svg", "Response2"] {
        family.octets(format!("<{root}><Say>x</Say></{root}>"), &[12102]);
    }
    for version in ["2011-01-01", "1", "", "2010-04-01 "] {
        family.octets(format!("<Response version='{version}'><Say>x</Say></Response>"), &[12101]);
    }
    for version in ["2.0", "0.9", "x"] {
        family.octets(format!("<?xml version=\"{version}\"?><Response/>"), &[12101]);
    }
}

fn encodings(family: &mut Family<'_>) {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><Response><Say>é</Say></Response>";
    for big in [false, true] {
        family.octets(utf16(text, big), &[12100]);
        family.octets(utf16("<Response/>", big), &[12100]);
    }
    let latin = b"<Response><Say>caf\xe9</Say></Response>";
    family.octets(latin.to_vec(), &[12100]);
    for declared in ["ISO-8859-1", "latin1", "windows-1252", "UTF-7", "EBCDIC", "UTF-32", "x"] {
        let mut octets = format!("<?xml version=\"1.0\" encoding=\"{declared}\"?>").into_bytes();
        octets.extend(latin);
        family.octets(octets, &[12100]);
        family.octets(format!("<?xml version=\"1.0\" encoding=\"{declared}\"?><Response/>"), &[12100]);
    }
    for octets in [&b"\xc0\xaf"[..], b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\xc3", b"\xf0\x9f\x95"] {
        family.octets([b"<Response><Say>", octets, b"</Say></Response>"].concat(), &[12100]);
    }
    for mark in [&b"\xef\xbb"[..], b"\xfe\xff", b"\xff\xfe", b"\x00\x00\xfe\xff"] {
        family.octets([mark, b"<Response/>"].concat(), &[12100]);
    }
    for control in [0_u8, 1, 7, 8, 0x0b, 0x0c, 0x1b, 0x1f] {
        family.octets([b"<Response><Say>a", &[control][..], b"b</Say></Response>"].concat(), &[12100]);
        family.octets([b"<Response><Say voice='", &[control][..], b"'>b</Say></Response>"].concat(), &[12100]);
    }
    family.octets(b"\xef\xbb\xbf<Response/>".to_vec(), &[]);
    let typed = |charset: &str| Document {
        body: "<Response><Say>é</Say></Response>".into(),
        content_type: Some(format!("text/xml; charset={charset}")),
        ..Document::default()
    };
    for charset in ["iso-8859-1", "utf-16", "\"koi8-r\"", "x-unknown"] {
        family.answer(charset, typed(charset), &[12100]);
    }
}

fn types_of_document(family: &mut Family<'_>) {
    let laughs = "<!DOCTYPE r [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>\
                  <!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]><Response><Say>&c;</Say></Response>";
    family.octets(laughs, &[12100]);
    for declared in [
        "<!DOCTYPE Response>",
        "<!DOCTYPE Response SYSTEM 'file:///etc/passwd'>",
        "<!DOCTYPE Response SYSTEM 'http://169.254.169.254/latest/'>",
        "<!DOCTYPE Response PUBLIC '-//X' 'http://app.example/dtd'>",
        "<!DOCTYPE Response [<!ENTITY x SYSTEM 'file:///etc/shadow'>]>",
        "<!DOCTYPE Response [<!ENTITY % p SYSTEM 'http://app.example/p'> %p;]>",
        "<!DOCTYPE Response [<!ATTLIST Say voice CDATA 'x'>]>",
        "<!DOCTYPE Response [",
        "<!ENTITY x 'y'>",
    ] {
        family.octets(format!("{declared}<Response><Say>&x;</Say></Response>"), &[12100]);
    }
    for harmless in ["<?php echo 1 ?>", "<?xml-stylesheet href='http://app.example/x'?>", "<!-- <!DOCTYPE x> -->"] {
        family.octets(format!("{harmless}<Response/>"), &[]);
    }
}

fn sizes(family: &mut Family<'_>) {
    let padded = |pad_to: usize| Document { body: "<Response/>".into(), pad_to, ..Document::default() };
    for octets in [65_537, 300 * 1024, 10_000_000] {
        family.answer(&format!("{octets} octets"), padded(octets), &[11750]);
    }
    let blanks = format!("<Response>{}</Response>", " ".repeat(64 * 1024));
    family.octets(blanks, &[11750]);
    family.octets(format!("<Response>{}</Response>", "<Hangup/>".repeat(1_001)), &[12200]);
    for depth in [31, 40, 1_000, 9_000] {
        family.octets(
            format!("<Response>{}{}</Response>", "<a>".repeat(depth), "</a>".repeat(depth)),
            if depth > 31 { &[12100] } else { &[12200] },
        );
    }
    let attributes: String = (0..65).fold(String::new(), |text, n| text + &format!(" a{n}='1'"));
    family.octets(format!("<Response><Say{attributes}>x</Say></Response>"), &[12100]);
    family.octets(format!("<Response><{}/></Response>", "S".repeat(50_000)), &[12200]);
    family.octets(format!("<Response><Pause {}='1'/></Response>", "s".repeat(50_000)), &[12200]);
    family.octets(format!("<Response>{}</Response>", "<Sai/>".repeat(5_000)), &[12200]);
    for empty in ["", " ", "\n\n", "\t\r\n "] {
        family.octets(empty, &[11770]);
    }
}

fn answers(family: &mut Family<'_>) {
    let of_type =
        |kind: &str| Document { body: "<Response/>".into(), content_type: Some(kind.into()), ..Document::default() };
    for kind in [
        "application/json",
        "",
        "image/png",
        "video/mp4",
        "application/octet-stream",
        "x",
        "text/css",
        "application/gzip",
        "multipart/mixed",
    ] {
        family.answer(&format!("type {kind:?}"), of_type(kind), &[12300]);
    }
    let bomb = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xf7Om\x0e7\xa0".to_vec();
    family.octets(bomb, &[12100]);
    for status in [
        300, 301, 302, 303, 304, 305, 307, 308, 399, 400, 401, 402, 403, 404, 405, 410, 413, 418, 429, 451, 499, 500,
        501, 502, 503, 504, 511, 599, 999,
    ] {
        let document =
            Document { status: Some(status), body: "<Response><Say>x</Say></Response>".into(), ..Document::default() };
        family.answer(&format!("status {status}"), document, &[11200]);
    }
    for status in [204, 205] {
        family.answer(&format!("status {status}"), Document { status: Some(status), ..Document::default() }, &[11770]);
    }
    let moved = |status: u16, location: &str| Document {
        status: Some(status),
        location: Some(location.into()),
        ..Document::default()
    };
    for status in [301, 302, 303, 307, 308] {
        family.answer(&format!("{status} in a circle"), moved(status, ""), &[11215]);
    }
    for location in ["file:///etc/passwd", "javascript:alert(1)", "data:text/xml,<Response/>"] {
        family.answer(location, moved(302, location), &[11100]);
    }
    for location in [
        "ftp://app.example/",
        "gopher://app.example/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://[fe80::1]/",
    ] {
        family.answer(location, moved(307, location), &[11205]);
    }
    let text = "<Response><Say>Never heard.</Say></Response>";
    for at in [0, 1, 10, 40] {
        family.answer(
            &format!("cut after {at}"),
            Document { body: text.into(), cut_at: Some(at), ..Document::default() },
            &[11200],
        );
    }
    family.answer("hangs up", Document { hang_up: true, ..Document::default() }, &[11200]);
    for n in 0..2 {
        family.answer(&format!("never answers {n}"), Document { never: true, ..Document::default() }, &[11203]);
    }
}

fn grammar(family: &mut Family<'_>) {
    family.each(
        &[
            "<Sai>x</Sai>",
            "<say>x</say>",
            "<SAY>x</SAY>",
            "<script>alert(1)</script>",
            "<Response/>",
            "<Number>1</Number>",
            "<Body>x</Body>",
            "<Prompt/>",
            "<Pay/>",
            "<Say:x/>",
            "stray text",
            "<![CDATA[stray]]>",
            "<Üñí/>",
            "<Pause x='1'/>",
            "<Pause onclick='x'/>",
            "<Pause Length='1'/>",
            "<Pause><Say>x</Say></Pause>",
            "<Hangup><Say>x</Say></Hangup>",
            "<Hangup reason='x'/>",
            "<Leave x='y'/>",
            "<Connect/>",
            "<Connect><Say>x</Say></Connect>",
            "<Echo x='y'/><Hangup/>",
        ],
        &[12200],
    );
    family.each(
        &[
            "<Gather timeout='1'><Dial>1</Dial></Gather>",
            "<Gather timeout='1'><Gather/></Gather>",
            "<Gather timeout='1'><Record/></Gather>",
        ],
        &[13320],
    );
    family.each(
        &["<Start/>", "<Start><Say>x</Say></Start>", "<Stop/>", "<Stop><Dial/></Stop>", "<Start><Room/></Start>"],
        &[14300],
    );
}

/// Verbs with a wrong value: the default is used, or what cannot be done is passed over.
fn values(family: &mut Family<'_>) {
    for value in ["-1", "x", "1.5", "NaN", "1e9", "", "0x10", "true", "٣", "--1"] {
        family.verbs(&format!("<Pause length='{value}'/>"), &[13910]);
        family.verbs(&format!("<Gather timeout='1' numDigits='{value}'/>"), &[13313]);
        family.verbs(&format!("<Gather numDigits='1' timeout='{value}'/>"), &[13312]);
        family.verbs(&format!("<Play loop='{value}' digits='1'/>"), &[13410]);
        family.verbs(&format!("<Record timeout='1' maxLength='{value}' playBeep='false'/>"), &[13612]);
    }
    family.each(&["<Gather timeout='1' numDigits='0'/>", "<Gather timeout='1' numDigits='99999999999'/>"], &[13313]);
    family.each(
        &[
            "<Record timeout='1' maxLength='0'/>",
            "<Record timeout='1' maxLength='1'/>",
            "<Record timeout='1' maxLength='999999999999'/>",
        ],
        &[13612],
    );
    for value in ["maybe", "1", "TRUE", "yes", "null"] {
        family.verbs(&format!("<Gather timeout='1' bargeIn='{value}'/>"), &[13332]);
        family.verbs(&format!("<Record timeout='1' playBeep='{value}'/>"), &[13616]);
        family.verbs(&format!("<Gather timeout='1' actionOnEmptyResult='{value}'/>"), &[13338]);
    }
    family.each(&["<Gather timeout='1' finishOnKey='12'/>", "<Gather timeout='1' finishOnKey='x'/>"], &[13310]);
    family.each(&["<Gather timeout='1' input='telepathy'/>", "<Gather timeout='1' input='dtmf,speech'/>"], &[13326]);
    family.each(&["<Gather timeout='1' method='PUT'/>", "<Gather timeout='1' method='GETPOST'/>"], &[13311]);
    family.each(&["<Redirect method='PUT'>/good</Redirect>", "<Redirect method=''>/good</Redirect>"], &[13710]);
    family.each(
        &["<Reject reason='bored'/>", "<Reject cause='0'/>", "<Reject cause='128'/>", "<Reject cause='-16'/>"],
        &[13810],
    );
    family.each(&["<Play digits='xyz'/>", "<Play digits=''/>", "<Play digits='+1'/>"], &[13430]);
    family.each(&["<Play/>", "<Play></Play>", "<Play> </Play>"], &[11100]);
    family.each(&["<Play><Say>x</Say></Play>"], &[11100, 12200]);
}

fn urls(family: &mut Family<'_>) {
    for scheme in [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "ftp://app.example/a.wav",
        "data:audio/wav;base64,AAAA",
        "gopher://x/",
        "http:///a",
        "http://:80/a",
    ] {
        family.verbs(&format!("<Play>{scheme}</Play>"), &[11100]);
        family.verbs(&format!("<Redirect>{scheme}</Redirect>"), &[11100]);
    }
    for host in [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "[fe80::1]",
        "user:pass@169.254.169.254",
        "169.254.169.254.",
        "[::ffff:a9fe:a9fe]",
    ] {
        family.verbs(&format!("<Redirect>http://{host}/latest/meta-data/</Redirect>"), &[11205]);
        family.verbs(&format!("<Play>http://{host}/latest/meta-data/</Play>"), &[11205]);
    }
    family.verbs(&format!("<Redirect>http://app.example/{}</Redirect>", "a".repeat(60_000)), &[11200]);
    family.verbs("<Redirect/>", &[11215]);
    family.verbs("<Redirect>#</Redirect>", &[11215]);
    for url in [
        "http://app.example/gone",
        "/gone",
        "../../gone",
        "http://user:pass@app.example/gone",
        "http://аpp.example/gone",
        "?gone#%",
    ] {
        let codes: &[u32] = match url {
            "?gone#%" => &[11215],
            // Cyrillic, and so another host, which nobody knows.
            "http://аpp.example/gone" => &[11210],
            _ => &[11200],
        };
        family.verbs(&format!("<Redirect>{url}</Redirect>"), codes);
    }
    family.each(
        &[
            "<Connect><Stream url='http://app.example/'/></Connect>",
            "<Start><Stream url='https://app.example/'/></Start>",
            "<Start><Stream url='file:///x'/></Start>",
        ],
        &[31922],
    );
    family.each(
        &[
            "<Connect><Stream/></Connect>",
            "<Start><Stream url='wss://'/></Start>",
            "<Start><Stream url='wss://a b/'/></Start>",
            "<Start><Stream url='wss://a/?q=1'/></Start>",
        ],
        &[31923],
    );
}

fn callees(family: &mut Family<'_>) {
    let digits = "5".repeat(500);
    for number in ["", digits.as_str(), "letters", "sip:x@y", "client:x", "+", "٣٣٣", "1;2", "' OR 1=1"] {
        family.verbs(&format!("<Dial timeout='5'>{number}</Dial>"), &[13223]);
        if !number.is_empty() {
            family.verbs(&format!("<Dial timeout='5'><Number>{number}</Number></Dial>"), &[13223]);
        }
    }
    family.each(&["<Dial><Queue/></Dial>"], &[14212]);
    let long = "n".repeat(10 * 1024);
    family.verbs(&format!("<Enqueue>{long}</Enqueue>"), &[14205]);
    family.verbs(&format!("<Dial><Conference>{long}</Conference></Dial>"), &[13237]);
    family.each(&["<Dial><Conference/></Dial>", "<Dial><Conference> </Conference></Dial>"], &[13237]);
    family.each(
        &["<Dial><Conference coach='x'>r</Conference></Dial>", "<Dial><Conference coach='CA1'>r</Conference></Dial>"],
        &[13240],
    );
    family.each(&["<Dial><Conference endConferenceOnExit='maybe'>r</Conference></Dial>"], &[13231]);
    family.each(&["<Dial><Conference trim='maybe'>r</Conference></Dial>"], &[13239]);
    family.each(&["<Sms/>", "<Message/>", "<Sms to='+1'> </Sms>", "<Message><Body/></Message>"], &[14103]);
}

fn speech(family: &mut Family<'_>) {
    family.each(&["<Say/>", "<Say> </Say>", "<Say></Say>", "<Say><break/></Say>"], &[13520]);
    family.each(&["<Say loop='-1'>x</Say>", "<Say loop='x'>x</Say>"], &[13510]);
    family
        .each(&["<Say voice='../../etc'>x</Say>", "<Say voice='a b'>x</Say>", "<Say voice='$(id)'>x</Say>"], &[13511]);
    family.each(
        &["<Say language='klingon!'>x</Say>", "<Say language='1'>x</Say>", "<Say language='-v en'>x</Say>"],
        &[13512],
    );
    family.verbs(&format!("<Say>{}</Say>", "a ".repeat(2_500)), &[13521]);
    // Odd, and spoken as it is.
    family.each(
        &[
            "<Say>\u{202e}مرحبا שלום</Say>",
            "<Say>🕿🎉👩‍👩‍👧‍👦</Say>",
            "<Say>-w /tmp/x --stdout</Say>",
            "<Say>`id` $(id) ; rm -rf /</Say>",
        ],
        &[],
    );
}

fn sounds(family: &mut Family<'_>) {
    for path in ["text", "empty", "page", "riff", "zeros", "video"] {
        family.verbs(&format!("<Play>/sound/{path}</Play>"), &[13420]);
    }
    family.each(&["<Play>/gone.wav</Play>", "<Play loop='0'>/gone.wav</Play>", "<Play>/sound/cut</Play>"], &[11200]);
}

/// What the verbs of the cases fetch.
fn fetched() -> Vec<Document> {
    let sound = |path: &str, kind: &str, octets: &[u8]| Document {
        path: format!("/sound/{path}"),
        content_type: Some(kind.into()),
        octets: Some(octets.to_vec().into()),
        ..Document::default()
    };
    let mut cut = sound("cut", "audio/wav", &announcement());
    cut.cut_at = Some(16_000);
    let good = Document { path: "/good".into(), body: "<Response/>".into(), ..Document::default() };
    vec![
        good,
        cut,
        sound("text", "audio/mpeg", b"this is no sound at all, only words"),
        sound("empty", "audio/wav", b""),
        sound("page", "text/html", b"<!DOCTYPE html><html></html>"),
        sound("riff", "audio/wav", b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x99\x99\x01\x00"),
        sound("zeros", "audio/mpeg", &[0; 4_000]),
        sound("video", "video/mp4", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"),
    ]
}

/// All families.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut dice = Dice(SEED);
    not_well_formed(&mut Family { name: "not well-formed", cases: &mut cases }, &mut dice);
    roots(&mut Family { name: "roots and versions", cases: &mut cases });
    encodings(&mut Family { name: "encodings", cases: &mut cases });
    types_of_document(&mut Family { name: "document types", cases: &mut cases });
    sizes(&mut Family { name: "sizes", cases: &mut cases });
    answers(&mut Family { name: "answers of HTTP", cases: &mut cases });
    grammar(&mut Family { name: "grammar", cases: &mut cases });
    values(&mut Family { name: "values", cases: &mut cases });
    urls(&mut Family { name: "URLs", cases: &mut cases });
    callees(&mut Family { name: "callees", cases: &mut cases });
    speech(&mut Family { name: "speech", cases: &mut cases });
    sounds(&mut Family { name: "sounds", cases: &mut cases });
    cases
}

/// Each case is the application of its own number, called once; a good call comes last.
fn run_all(cases: &[Case]) -> Run {
    let mut text = format!("limit_s = {}\nspans = 4\n", 180 + cases.len() * EVERY_MS / 1_000);
    for n in 0..=cases.len() {
        let number = FIRST + n;
        let at_ms = if n == cases.len() { n * EVERY_MS + 60_000 } else { n * EVERY_MS };
        let _ = write!(
            text,
            "\n[[number]]\nnumber = \"{number}\"\nurl = \"http://app.example/of/{number}\"\n\
             \n[[call]]\nid = \"{n}\"\nfrom = \"2025550100\"\nto = \"{number}\"\nat_ms = {at_ms}\n\
             does = [{{ await_hangup = {{ limit_ms = {PATIENCE_MS} }} }}, {{ hangup = {{}} }}]\n"
        );
    }
    let mut scenario = scenario(&text);
    for (n, case) in cases.iter().enumerate() {
        let path = format!("/of/{}", FIRST + n);
        let location = case.document.location.clone().map(|to| if to.is_empty() { path.clone() } else { to });
        scenario.document.push(Document { path, location, ..case.document.clone() });
    }
    let body = format!("<Response><Say>{HELLO}</Say></Response>");
    scenario.document.push(Document { path: format!("/of/{}", FIRST + cases.len()), body, ..Document::default() });
    scenario.document.extend(fetched());
    run_scenario(&scenario)
}

/// Panics of the box itself, whichever task they end.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts panics from now on; what a test asserts is none of the box.
fn count_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let of_box = panic.location().is_some_and(|place| !place.file().contains("tests/"));
        PANICS.fetch_add(usize::from(of_box), Ordering::Relaxed);
        before(panic);
    }));
}

#[test]
fn five_hundred_hostile_documents_end_as_written() {
    count_panics();
    let cases = cases();
    let run = run_all(&cases);
    let mut ran: BTreeMap<&str, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for (case, told) in cases.iter().zip(&run.outcome.told) {
        *ran.entry(case.family).or_default() += 1;
        let codes: BTreeSet<u32> = told.errors.iter().copied().collect();
        let status = told.status.as_deref().unwrap_or("none");
        let is_final = ["completed", "busy", "no-answer", "failed", "canceled"].contains(&status);
        if codes != case.codes.iter().copied().collect() || !is_final {
            faults.push(format!(
                "{}: {:?}: wanted {:?}, got {codes:?} and {status}",
                case.family, case.about, case.codes
            ));
        }
    }
    println!("{ran:#?}");
    assert!(faults.is_empty(), "{} of {ran:?}:\n{}", faults.len(), faults.join("\n"));
    assert!(ran.values().sum::<usize>() >= LEAST, "{ran:?}");
    for call in &run.outcome.records {
        assert!(call.status.is_final() && call.ended.is_some(), "{call:?}");
    }
    let mut last = BTreeMap::new();
    for record in &run.outcome.others {
        if let Record::Recording(recording) = record {
            last.insert(recording.sid, recording.status);
        }
    }
    let open: Vec<_> = last.iter().filter(|(_, status)| matches!(status, RecordingStatus::InProgress)).collect();
    assert!(open.is_empty(), "{open:?}");
    let good = run.outcome.told.last().expect("the good call");
    let heard = run.outcome.heard.last().map(|(_, heard)| in_words(heard));
    assert_eq!((heard.as_deref(), good.errors.len()), (Some("the application's words"), 0), "after all of it");
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "a task of the box panicked, see above");
}
