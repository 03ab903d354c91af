//! TLS both ways, also for sounds, and passwords towards applications: rows E6, E7 and E8. The clock of a scenario stands still while a
//! handshake is under way, so real TLS takes part in virtual time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tipring::daemon::simulation::Around;
use tipring_door::{Certificates, Doors, Wanted};
use tipring_egress::{Client as Egress, Config, Request};

use crate::desk::visited_amid;
use crate::files::Folder;
use crate::sound::{HELLO, in_words, wav};
use crate::world::{Run, caller, document, run, run_amid, scenario};

const WORDS: &str = "the application's words";
/// The first octet of a TLS record that begins a handshake.
const HANDSHAKE: u8 = 22;

/// A private authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority"))
    }

    /// A server's certificate, for a name.
    fn server(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
        tipring_egress::install_provider();
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![name.to_string()]).expect("a name");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).expect("a certificate").der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
        Arc::new(config.expect("a server"))
    }
}

/// An application that speaks TLS and nothing else.
struct Secure {
    at: SocketAddr,
    /// The first octet of each connection, as it is on the wire.
    begun: Arc<Mutex<Vec<u8>>>,
    /// Requests, as they are behind TLS.
    heard: Arc<Mutex<Vec<String>>>,
}

impl Secure {
    /// It answers everything with this document.
    fn start(config: Arc<ServerConfig>, body: String) -> Secure {
        Secure::serving(config, "text/xml", body.into_bytes())
    }

    fn serving(config: Arc<ServerConfig>, kind: &'static str, body: Vec<u8>) -> Secure {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        let (begun, heard) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (wire, log) = (Arc::clone(&begun), Arc::clone(&heard));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut first = [0];
                if stream.peek(&mut first).is_ok() {
                    wire.lock().unwrap().push(first[0]);
                }
                // A client that refuses the certificate hangs up: the next one comes.
                if let Ok(request) = answered(stream, Arc::clone(&config), kind, &body) {
                    log.lock().unwrap().push(request);
                }
            }
        });
        Secure { at, begun, heard }
    }
}

/// One request over TLS, whole, after it was answered.
fn answered(stream: TcpStream, config: Arc<ServerConfig>, kind: &str, body: &[u8]) -> std::io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut tls = StreamOwned::new(connection, stream);
    let mut octets = Vec::new();
    let whole = |octets: &[u8]| {
        let text = String::from_utf8_lossy(octets).into_owned();
        let (head, rest) = text.split_once("\r\n\r\n")?;
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        (rest.len() >= length.unwrap_or(0)).then(|| text.clone())
    };
    loop {
        let mut piece = [0; 4_096];
        let read = tls.read(&mut piece)?;
        octets.extend_from_slice(&piece[..read]);
        if let Some(request) = whole(&octets) {
            let length = body.len();
            write!(
                tls,
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            )?;
            tls.write_all(body)?;
            tls.conn.send_close_notify();
            tls.flush()?;
            return Ok(request);
        }
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// A call to a number whose application is `https://secure.lan/`; the box trusts these authorities.
fn calls(secure: &Secure, trusts: &Authority, more: &str) -> Run {
    let folder = Folder::new("e6");
    let text = format!("[[number]]\nnumber = \"100\"\nurl = \"https://secure.lan/\"\n{more}")
        + &document("/spare", "<Response><Say>This is the fallback.</Say></Response>");
    let around = Around {
        hosts: vec![("secure.lan".into(), secure.at)],
        trust: vec![folder.write("authority.pem", trusts.0.pem().as_bytes())],
        ..Around::default()
    };
    run_amid(&scenario(&text), 1, around)
}

#[test]
fn e6_an_application_with_a_certificate_of_an_installed_authority_is_asked_over_tls() {
    let authority = Authority::new();
    let body = format!("<Response><Say>{HELLO}</Say></Response>");
    let secure = Secure::start(authority.server("secure.lan", |_| {}), body);
    let run = calls(&secure, &authority, "");
    assert_eq!((in_words(run.octets()), run.end()), (WORDS.to_string(), ("completed", 16)));
    assert_eq!(run.told().errors, [0; 0]);
    let heard = secure.heard.lock().unwrap();
    let [request] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(*secure.begun.lock().unwrap(), [HANDSHAKE], "nothing goes over the wire in clear");
    // Signed over the address with its scheme, as whoever checks it puts it together.
    let (head, form) = request.split_once("\r\n\r\n").expect("a head and a form");
    let given = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().starts_with("x-twilio-signature: ").then(|| line[20..].to_string()));
    let params: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    assert_eq!(given, Some(tipring_webhook::sign(&run.outcome.token, "https://secure.lan/", &params)));
}

/// The document comes in clear from beside the box, the sound over TLS from elsewhere, by way of a media layer on another host.
#[test]
fn e7_a_sound_of_an_https_origin_is_heard_and_its_last_hop_is_tls() {
    let (authority, folder) = (Authority::new(), Folder::new("e7"));
    let mut samples = vec![0; 8_000];
    tipring_dsp::Tone::new(500.0, -10.0).fill(&mut samples);
    for elsewhere in [false, true] {
        let secure = Secure::serving(authority.server("secure.lan", |_| {}), "audio/wav", wav(&samples));
        let body = "<Response><Play>https://secure.lan/a.wav</Play></Response>";
        let text = format!("media_elsewhere = {elsewhere}\n") + &caller(body, "");
        let around = Around {
            hosts: vec![("secure.lan".into(), secure.at)],
            trust: vec![folder.write("authority.pem", authority.0.pem().as_bytes())],
            ..Around::default()
        };
        let run = run_amid(&scenario(&text), 1, around);
        assert_eq!((run.told().errors.as_slice(), run.end()), (&[][..], ("completed", 16)));
        assert!((900..1_200).contains(&run.told().sound_ms), "{} ms of a second", run.told().sound_ms);
        assert_eq!(*secure.begun.lock().unwrap(), [HANDSHAKE], "nothing goes over the wire in clear");
        let heard = secure.heard.lock().unwrap();
        let [request] = &heard[..] else { panic!("{heard:?}") };
        let request = request.to_ascii_lowercase();
        assert!(request.starts_with("get /a.wav http/1.1\r\n"), "{request}");
        for inner in ["x-origin-scheme", "x-tipring", "authorization"] {
            assert!(!request.contains(inner), "the origin is told {inner}: {request}");
        }
    }
}

#[test]
fn e6_a_bad_certificate_leads_to_the_fallback_with_its_code_and_the_application_hears_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let expired = |it: &mut CertificateParams| {
        (it.not_before, it.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    };
    let fallback = "fallback = [\"http://app.example/spare\"]\n";
    for (what, config, code) in [
        ("another's name", authority.server("other.lan", |_| {}), 11235),
        ("expired", authority.server("secure.lan", expired), 11236),
        ("an authority that is not installed", other.server("secure.lan", |_| {}), 11237),
    ] {
        let secure = Secure::start(config, "<Response><Say>Never heard.</Say></Response>".into());
        let run = calls(&secure, &authority, fallback);
        assert_eq!(in_words(run.octets()), "the fallback's words", "{what}");
        let asked = run.asked("/spare")[0];
        let told = |name: &str| crate::world::value(asked, name).map(str::to_string);
        assert_eq!((told("ErrorCode"), told("ErrorUrl")), (Some(code.to_string()), Some("https://secure.lan/".into())));
        assert_eq!(run.told().errors, [code], "{what}");
        assert!(secure.heard.lock().unwrap().is_empty(), "{what}: a request was sent");
        // Without a fallback somebody apologises, and the line is free.
        let alone = calls(&secure, &authority, "");
        assert_eq!((in_words(alone.octets()), alone.end()), ("the built-in apology".into(), ("completed", 16)));
    }
}

#[test]
fn e6_the_api_is_had_over_tls_under_the_boxes_authority_and_by_nobody_who_does_not_know_it() {
    let folder = Folder::new("e6-api");
    let tls = folder.0.join("tls");
    let text = document("/", "<Response><Gather timeout='10'/></Response>");
    let (run, ()) = visited_amid(&scenario(&text), 1, Around::default(), move |api| async move {
        api.until(4_000).await;
        let wanted = Wanted { names: vec!["box.lan".into()], owned: None };
        let certificates = Certificates::open(&tls, wanted, SystemTime::now()).expect("certificates");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let server = certificates.server().expect("TLS");
        let served = tokio::spawn(tipring_door::tls(Doors::new(listener), server, api.api()));
        let client = |pems: Vec<Vec<u8>>| {
            let config = Config { extra_ca_pems: pems, hosts: vec![("box.lan".into(), at)], ..Config::default() };
            Egress::new(config).expect("a client")
        };
        let knows = client(vec![certificates.authority().pem().as_bytes().to_vec()]);
        let (user, password) = &api.who;
        let url = |scheme: &str, who: &str| {
            format!("{scheme}://{who}box.lan/2010-04-01/Accounts/{user}/Calls.json").parse().expect("a URL")
        };
        let who = format!("{user}:{password}@");
        let got = knows.send(Request::get(url("https", &who))).await.expect("an answer");
        assert_eq!(got.status, 200);
        let calls: serde_json::Value = serde_json::from_slice(&got.bytes().await.expect("a body")).expect("JSON");
        assert_eq!(calls["calls"][0]["status"], "in-progress", "the living call, over TLS: {calls}");
        assert_eq!(knows.send(Request::get(url("https", ""))).await.expect("an answer").status, 401);
        let stranger = client(Vec::new()).send(Request::get(url("https", &who))).await.expect_err("no trust");
        assert_eq!(stranger.code(), 11237, "{stranger}");
        let plain =
            format!("http://box.lan:{}/2010-04-01/Accounts/{user}/Calls.json", at.port()).parse().expect("a URL");
        knows.send(Request::get(plain)).await.expect_err("this door speaks TLS only");
        served.abort();
    });
    assert_eq!(run.told().status.as_deref(), Some("completed"));
}

#[test]
fn e8_credentials_in_a_url_answer_a_challenge_and_are_never_shown() {
    let text = "[[number]]\nnumber = \"100\"\nurl = \"http://desk:s3cret@app.example/\"\n".to_string()
        + &document("/", &format!("<Response><Say>{HELLO}</Say><Redirect>/gone</Redirect></Response>"))
        + "password = \"desk:s3cret\"\n";
    let whole = run(&text);
    assert!(in_words(whole.octets()).starts_with(WORDS), "{}", in_words(whole.octets()));
    assert_eq!(whole.asked("/").len(), 2, "challenged, then answered");
    assert!(whole.outcome.asked.iter().all(|asked| !asked.url.contains("s3cret")));
    let shown = format!("{:?} {:?}", whole.lines, whole.outcome.others);
    assert!(!shown.contains("s3cret"), "in the timeline or in a record");
    let wrong = run(&text.replace("desk:s3cret@", "desk:other@"));
    assert_eq!(
        (in_words(wrong.octets()), wrong.told().errors.as_slice()),
        ("the built-in apology".into(), &[11200][..])
    );
}
