//! Two hosts with one secret know each other; nobody else is believed.

use rustls::pki_types::ServerName;
use tipring_door::Shared;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, TlsConnector};

const SECRET: &str = "correct horse battery staple, and four more words";

/// Whether somebody with the second secret reaches a listener with the first.
async fn meet(listens: &Shared, asks: &Shared) -> bool {
    let (near, far) = tokio::io::duplex(16 * 1024);
    let acceptor = TlsAcceptor::from(listens.server().expect("a server"));
    let server = async {
        let Ok(mut stream) = acceptor.accept(far).await else { return };
        let _ = stream.write_all(b"here").await;
        let _ = stream.shutdown().await;
    };
    let client = async {
        let connector = TlsConnector::from(asks.client().expect("a client"));
        let name = ServerName::try_from("whatever.example").expect("a name");
        let Ok(mut stream) = connector.connect(name, near).await else { return false };
        let mut text = String::new();
        stream.read_to_string(&mut text).await.is_ok() && text == "here"
    };
    tokio::join!(server, client).1
}

#[tokio::test]
async fn e17_hosts_with_one_secret_know_each_other_and_nobody_else() {
    let ours = Shared::new(SECRET).expect("long enough");
    let same = Shared::new(&format!("  {SECRET}\n")).expect("long enough");
    let other = Shared::new(&format!("{SECRET}.")).expect("long enough");
    assert!(meet(&ours, &same).await);
    assert!(!meet(&other, &same).await, "a stranger that listens is not believed");
    assert!(ours.token() == same.token() && ours.token() != other.token());
    assert_eq!(ours.token().len(), 64);
    assert!(Shared::new("short").is_none());
    assert!(!format!("{ours:?}").contains(ours.token()));
}

#[tokio::test]
async fn a_listener_with_a_certificate_of_an_authority_is_not_believed() {
    let folder = crate::support::Folder::new();
    let wanted = tipring_door::Wanted::default();
    let box_s = tipring_door::Certificates::open(&folder.0, wanted, std::time::SystemTime::now()).expect("made");
    let (near, far) = tokio::io::duplex(16 * 1024);
    let acceptor = TlsAcceptor::from(box_s.server().expect("a server"));
    let connector = TlsConnector::from(Shared::new(SECRET).expect("long enough").client().expect("a client"));
    let name = ServerName::try_from("localhost").expect("a name");
    let (accepted, connected) = tokio::join!(acceptor.accept(far), connector.connect(name, near));
    assert!(connected.is_err() && accepted.is_err());
}
