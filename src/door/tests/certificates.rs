//! E6: the box's authority, the names it answers to, renewal, and the owner's own certificate.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use tipring_door::{
    Authority, Bounds, CA_DAYS, CA_FILE, Certificates, KEY_FILE, LEAF_DAYS, MINTED_MAX, Owned, RENEW_DAYS, Wanted,
    fingerprint,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::{Folder, LIMIT, TheBox, get, shake, to_the_end, trusting};

const DAY: Duration = Duration::from_secs(86_400);

fn shown<S>(stream: &tokio_rustls::client::TlsStream<S>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().expect("certificates")[0].clone().into_owned()
}

#[tokio::test]
async fn e6_the_api_speaks_tls_under_every_name_of_the_box_and_of_the_service() {
    let it = TheBox::open(Bounds::default(), 8).await;
    for name in [
        "api.twilio.com",
        "monitor.twilio.com",
        "api.ie1.twilio.com",
        "api.dublin.ie1.twilio.com",
        "localhost",
        "127.0.0.1",
        "phone.office.lan",
    ] {
        let mut stream = it.shake(name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let (head, body) = get(&mut stream, name, "/2010-04-01/Accounts.json?PageSize=1").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(body, format!("https://{name}/2010-04-01/Accounts.json?PageSize=1"));
    }
    for name in ["twilio.com", "example.com", "a.b.c.d.e.twilio.com", "192.0.2.1"] {
        it.shake(name).await.expect_err("the box has no certificate for it");
    }
}

#[tokio::test]
async fn e6_an_old_tls_and_a_stranger_to_the_authority_are_refused() {
    let it = TheBox::open(Bounds::default(), 8).await;
    let other = Folder::new();
    let stranger = Authority::open(&other.0, SystemTime::now()).expect("another box");
    let stream = TcpStream::connect(it.tls).await.expect("a connection");
    let refused = shake(stream, trusting(stranger.pem()), "api.twilio.com").await.expect_err("another authority");
    assert!(refused.to_string().contains("UnknownIssuer") || refused.to_string().contains("certificate"), "{refused}");
    // A hello of TLS 1.1, by hand: version 3.2 in the record and in the message, one suite.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
    let mut stream = TcpStream::connect(it.tls).await.expect("a connection");
    stream.write_all(&hello).await.expect("sent");
    let answer = to_the_end(&mut stream).await.into_bytes();
    // An alert, and never a hello.
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
}

#[tokio::test]
async fn e6_a_renewal_leaves_open_connections_alone() {
    let it = TheBox::open(Bounds::default(), 8).await;
    let mut old = it.shake("api.twilio.com").await.expect("a handshake");
    let before = shown(&old);
    get(&mut old, "api.twilio.com", "/one").await;
    let end = it.certificates.not_after();
    assert!(!it.certificates.renew(SystemTime::now()).expect("looked"), "nothing is due");
    let due = end - DAY * u32::try_from(RENEW_DAYS).expect("small");
    assert!(!it.certificates.renew(due - DAY).expect("looked"), "not yet");
    assert!(it.certificates.renew(due).expect("renewed"), "it is due");
    assert!(it.certificates.not_after() > end);
    let (_, body) = get(&mut old, "api.twilio.com", "/two").await;
    assert_eq!(body, "https://api.twilio.com/two", "the open connection goes on");
    // The new one begins in a year: what it is, not whether it is valid now.
    let refused = it.shake("api.twilio.com").await.expect_err("it is of the future");
    assert!(refused.to_string().contains("NotValidYet") || refused.to_string().contains("valid"), "{refused}");
    // Back to now, as a clock that was wrong: the certificate is of now again.
    it.certificates.take(Wanted::default(), SystemTime::now()).expect("taken");
    let new = it.shake("api.twilio.com").await.expect("a handshake");
    assert_ne!(shown(&new), before);
}

#[tokio::test]
async fn e6_a_clock_that_was_never_set_makes_a_certificate_that_is_good_today() {
    let folder = Folder::new();
    let it = Certificates::open(&folder.0, Wanted::default(), SystemTime::UNIX_EPOCH).expect("certificates");
    let years = it.authority().not_after().expect("an end").duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    assert!(years > DAY * (56 * 365), "the authority lives on from the years of this program: {years:?}");
    assert!(it.not_after() > SystemTime::UNIX_EPOCH + DAY * (56 * 365));
}

#[test]
fn e6_the_authority_is_made_once_and_its_key_is_for_nobody_else() {
    let folder = Folder::new();
    let home = folder.0.join("tls");
    let now = SystemTime::now();
    let first = Authority::open(&home, now).expect("made");
    let mode = |path: &str| std::fs::metadata(home.join(path)).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode("."), mode(KEY_FILE)), (0o700, 0o600));
    let lives = first.not_after().expect("an end").duration_since(now).expect("later");
    assert!(lives > DAY * 3_652 && lives <= DAY * u32::try_from(CA_DAYS).expect("small"), "{lives:?}");
    let again = Authority::open(&home, now + DAY * 100).expect("read");
    assert_eq!(again.pem(), first.pem());
    assert_eq!(fingerprint(first.pem()).map(|text| text.len()), Some(95));
    // A certificate that is lost is made again from the key; a key is not made again.
    std::fs::remove_file(home.join(CA_FILE)).expect("removed");
    Authority::open(&home, now).expect("made again");
    std::fs::remove_file(home.join(KEY_FILE)).expect("removed");
    let told = Authority::open(&home, now).err().expect("refused").to_string();
    assert!(told.contains("is missing") && told.contains("move ca.pem away"), "{told}");
    let elsewhere = folder.0.join("other");
    let other = Authority::open(&elsewhere, now).expect("made");
    std::fs::write(elsewhere.join(CA_FILE), first.pem()).expect("written");
    let told = Authority::open(&elsewhere, now).err().expect("refused").to_string();
    assert!(told.contains("is not of the key"), "{told}");
    drop(other);
}

/// The owner's certificate for a name, by an authority of the owner's; its files and the authority.
fn bought(folder: &Folder, name: &str) -> (std::path::PathBuf, std::path::PathBuf, String) {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    let issuer = rcgen::CertifiedIssuer::self_signed(params, key).expect("an authority");
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec![name.to_string()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("signed");
    let (file, key_file) = (folder.0.join("owned.pem"), folder.0.join("owned-key.pem"));
    std::fs::write(&file, certificate.pem()).expect("written");
    std::fs::write(&key_file, key.serialize_pem()).expect("written");
    (file, key_file, issuer.pem())
}

#[tokio::test]
async fn e6_the_owners_certificate_is_shown_under_its_name_and_the_boxes_own_under_the_services() {
    let it = TheBox::open(Bounds::default(), 8).await;
    let (file, key, authority) = bought(&it.folder, "phone.office.lan");
    let mut old = it.shake("phone.office.lan").await.expect("the box's own");
    let owned = Owned::read(&file, &key).expect("good files");
    it.certificates.take(Wanted { names: Vec::new(), owned: Some(owned) }, SystemTime::now()).expect("taken");
    get(&mut old, "phone.office.lan", "/").await;
    for name in ["phone.office.lan"] {
        let stream = TcpStream::connect(it.tls).await.expect("a connection");
        shake(stream, trusting(&authority), name).await.expect("the owner's");
        it.shake(name).await.expect_err("not the box's any more");
    }
    it.shake("api.twilio.com").await.expect("the box's own");
    it.shake("api.dublin.ie1.twilio.com").await.expect("the box's own");
    let other = Folder::new();
    let (_, foreign, _) = bought(&other, "phone.office.lan");
    for (file, key, told) in [
        (file.clone(), foreign, "not the key of"),
        (key.clone(), key.clone(), "1 to 8 certificates"),
        (file.clone(), file.clone(), "no private key"),
        (it.folder.0.join("nothing.pem"), key, "nothing.pem: No such file"),
    ] {
        let said = Owned::read(&file, &key).expect_err("refused").to_string();
        assert!(said.contains(told), "{said}");
    }
}

#[tokio::test]
async fn certificates_for_many_names_are_bounded_and_the_box_lives_397_days_with_one() {
    let it = TheBox::open(Bounds::default(), 8).await;
    let first = shown(&it.shake("api.a0.b.twilio.com").await.expect("a handshake"));
    assert_eq!(shown(&it.shake("api.a0.b.twilio.com").await.expect("a handshake")), first, "it is kept");
    for n in 1..=MINTED_MAX {
        it.shake(&format!("api.a{n}.b.twilio.com")).await.expect("a handshake");
    }
    assert_ne!(shown(&it.shake("api.a0.b.twilio.com").await.expect("a handshake")), first, "the oldest has left");
    let lives = it.certificates.not_after().duration_since(SystemTime::now()).expect("later");
    assert!(lives < DAY * u32::try_from(LEAF_DAYS).expect("small") && lives > DAY * 395, "{lives:?}");
}

#[tokio::test]
async fn a_box_whose_clock_was_wrong_at_its_first_start_is_believed_once_it_is_right() {
    let now = SystemTime::now();
    for clock in [now + DAY * 2_000, SystemTime::UNIX_EPOCH] {
        let it = TheBox::at(clock).await;
        assert!(it.certificates.renew(now).expect("renewed") || clock < now, "it is of the future");
        it.shake("api.twilio.com").await.unwrap_or_else(|error| panic!("{clock:?}: {error}"));
        assert!(!it.certificates.renew(now).expect("looked"), "once is enough");
        let unset = SystemTime::UNIX_EPOCH + DAY;
        assert!(!it.certificates.renew(unset).expect("looked"), "a clock that is not set yet takes nothing back");
    }
}

#[tokio::test]
async fn the_keeper_renews_by_itself() {
    let folder = Folder::new();
    let it = Certificates::open(&folder.0, Wanted::default(), SystemTime::now()).expect("certificates");
    let before = it.not_after();
    tokio::spawn(Arc::clone(&it).keep(move || before - DAY));
    let renewed = async {
        while it.not_after() == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, renewed).await.expect("renewed at its first look");
}
