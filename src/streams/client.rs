//! A stream carried over its WebSocket. One task a stream reads and writes side by side, so that a server that waits for
//! us is still heard.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tipring_card::Block;
use tipring_egress::{Client, Connection, Credentials, Limits, hidden, redacted};
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use url::Url;

use crate::MAX_MESSAGE;
use crate::fault::Fault;
use crate::incoming::{Incoming, Warning, malformed};
use crate::talk::{Talk, Talking};

/// A stream to be opened.
#[derive(Clone, Debug)]
pub struct Order {
    /// Absolute, `ws` or `wss`.
    pub url: String,
    /// Name and value of the header that signs the upgrade. What is signed is [`Order::signed`].
    pub signature: (&'static str, String),
    /// What the server is told.
    pub about: Talking,
}

/// What happens to a stream.
#[derive(Debug)]
pub enum Told {
    /// The server has taken it.
    Started,
    /// It said something.
    Heard(Incoming),
    /// It said something of no use.
    Warned(Warning),
    /// Closed by us or by the server: the last word.
    Stopped,
    /// It could not be opened, or broke: the last word.
    Failed(Fault),
}

/// A stream that is open or being opened. Dropped, its connection is closed without a word.
#[derive(Debug)]
pub struct Stream {
    /// `None`: it is to be closed.
    to: Option<mpsc::Sender<ToServer>>,
    closing: Arc<Notify>,
    task: tokio::task::AbortHandle,
}

#[derive(Debug)]
enum ToServer {
    Sound(usize, Block),
    Key(u8),
    Mark(String),
}

/// Words that wait for the server: of two tracks more than 5 s of sound.
pub const TO_SERVER: usize = 1024;
/// Warnings of one stream; what comes then is passed over without a word.
pub const MAX_WARNINGS: usize = 50;
/// For the answer to the upgrade.
const UPGRADE_MS: u32 = 10_000;
/// From our close to the last word, whatever the server does: for what still waits, our `stop`, and the server's close.
pub const CLOSE_LIMIT: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<Connection>;

impl Order {
    /// The URL as it is signed: without credentials and fragment, and with the scheme as it was written.
    pub fn signed(url: &str) -> String {
        Url::parse(url).map_or_else(|_| url.to_owned(), |url| redacted(&url).to_string())
    }
}

impl Stream {
    /// Opens a stream. What happens to it goes to `tell`, wrapped; the last of it is `Stopped` or `Failed`, once.
    pub fn open<T: Send + 'static>(
        client: Client,
        order: Order,
        tell: mpsc::Sender<T>,
        wrap: impl Fn(Told) -> T + Send + Sync + 'static,
    ) -> Stream {
        let (to, from) = mpsc::channel(TO_SERVER);
        let closing = Arc::new(Notify::new());
        let asked = Arc::clone(&closing);
        let task = tokio::spawn(async move {
            let too_long = async {
                asked.notified().await;
                tokio::time::sleep(CLOSE_LIMIT).await;
            };
            let ended = tokio::select! {
                carried = carry(&client, order, from, &tell, &wrap) => carried,
                // Who does not read, or never takes the upgrade, does not hold a call's end up.
                () = too_long => Ok(()),
            };
            let last = match ended {
                Ok(()) => Told::Stopped,
                Err(fault) => Told::Failed(fault),
            };
            let _ = tell.send(wrap(last)).await;
        });
        Stream { to: Some(to), closing, task: task.abort_handle() }
    }

    /// The next block of a track. An error: the server has not read for so long that the stream is to be given up.
    pub fn block(&self, track: usize, block: &Block) -> Result<(), Fault> {
        self.send(ToServer::Sound(track, *block))
    }

    /// The caller pressed a key.
    pub fn key(&self, key: u8) -> Result<(), Fault> {
        self.send(ToServer::Key(key))
    }

    /// All before a mark was heard, or dropped.
    pub fn mark(&self, name: String) -> Result<(), Fault> {
        self.send(ToServer::Mark(name))
    }

    /// It is over: what waits still goes out, and then `stop`. The last word comes within [`CLOSE_LIMIT`], whether the
    /// server reads or not.
    pub fn close(&mut self) {
        if self.to.take().is_some() {
            self.closing.notify_one();
        }
    }

    fn send(&self, word: ToServer) -> Result<(), Fault> {
        match self.to.as_ref().map(|to| to.try_send(word)) {
            Some(Err(mpsc::error::TrySendError::Full(_))) => {
                Err(Fault::Slack(u32::try_from(TO_SERVER * 10).unwrap_or(0)))
            }
            // It is over already, and told; or nothing is said after the close.
            Some(Ok(()) | Err(mpsc::error::TrySendError::Closed(_))) | None => Ok(()),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry<T>(
    client: &Client,
    order: Order,
    mut from: mpsc::Receiver<ToServer>,
    tell: &mpsc::Sender<T>,
    wrap: &(impl Fn(Told) -> T + Sync),
) -> Result<(), Fault> {
    let mut socket = upgraded(client, &order).await?;
    let mut talk = Talk::new(order.about);
    let sid = talk.sid().to_owned();
    for text in talk.begin() {
        socket.feed(Message::text(text)).await.map_err(|error| broken(&error))?;
    }
    socket.flush().await.map_err(|error| broken(&error))?;
    let _ = tell.send(wrap(Told::Started)).await;
    // The stream's time begins now: sound from before is nobody's.
    while from.try_recv().is_ok() {}
    let (mut sink, mut texts) = socket.split();
    let writing = async {
        write(&mut sink, &mut talk, &mut from).await?;
        put(&mut sink, Message::text(talk.end())).await?;
        put(&mut sink, Message::Close(None)).await
    };
    tokio::select! {
        read = read(&mut texts, &sid, tell, wrap) => return read,
        written = writing => written?,
    }
    // Ours is said: what the server still says is not heard any more, but its close is waited for.
    while let Some(Ok(_)) = texts.next().await {}
    Ok(())
}

async fn upgraded(client: &Client, order: &Order) -> Result<Socket, Fault> {
    let url = Url::parse(&order.url).ok().filter(Url::has_host);
    let url = url.ok_or_else(|| Fault::Url(shown(&hidden(&order.url))))?;
    let mut as_http = url.clone();
    let scheme = match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        other => return Err(Fault::Scheme(other.to_owned())),
    };
    as_http.set_scheme(scheme).map_err(|()| Fault::Url(shown(&hidden(&order.url))))?;
    let limits = Limits::default();
    let connection = client.dial(&as_http, limits).await.map_err(Fault::Connect)?;
    let place = format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path());
    let request = request(&url, order)?;
    let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    let shaken = tokio_tungstenite::client_async_with_config(request, connection, Some(config));
    match tokio::time::timeout(Duration::from_millis(UPGRADE_MS.into()), shaken).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(Fault::Handshake { place, cause: handshake(&error) }),
        Err(_) => Err(Fault::Slow { place, limit_ms: UPGRADE_MS }),
    }
}

fn request(url: &Url, order: &Order) -> Result<Request<()>, Fault> {
    let plain = redacted(url);
    let mut request = plain.as_str().into_client_request().map_err(|_| Fault::Url(plain.to_string()))?;
    let headers = request.headers_mut();
    let (name, signature) = &order.signature;
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Fault::Url(plain.to_string()));
    headers.insert(*name, value(signature)?);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("tipring/", env!("CARGO_PKG_VERSION"))));
    if let Some(who) = Credentials::of(url) {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", who.user, who.password));
        headers.insert(header::AUTHORIZATION, value(&format!("Basic {pair}"))?);
    }
    Ok(request)
}

/// Writes until it is to be closed.
async fn write(
    sink: &mut SplitSink<Socket, Message>,
    talk: &mut Talk,
    from: &mut mpsc::Receiver<ToServer>,
) -> Result<(), Fault> {
    while let Some(word) = from.recv().await {
        let text = match word {
            ToServer::Sound(track, block) => talk.block(track, &block),
            ToServer::Key(key) => Some(talk.key(key)),
            ToServer::Mark(name) => Some(talk.mark(&name)),
        };
        if let Some(text) = text {
            put(sink, Message::text(text)).await?;
        }
    }
    Ok(())
}

async fn put(sink: &mut SplitSink<Socket, Message>, message: Message) -> Result<(), Fault> {
    match sink.send(message).await {
        // The server's close came first: the reader has it, and its end is the stream's.
        Err(Error::Protocol(ProtocolError::SendAfterClosing)) => std::future::pending().await,
        other => other.map_err(|error| broken(&error)),
    }
}

/// Reads until the server closes.
async fn read<T>(
    texts: &mut SplitStream<Socket>,
    sid: &str,
    tell: &mpsc::Sender<T>,
    wrap: &(impl Fn(Told) -> T + Sync),
) -> Result<(), Fault> {
    let mut warnings = 0;
    loop {
        let heard = match texts.next().await {
            Some(Ok(Message::Text(text))) => Incoming::read(&text, sid),
            Some(Ok(Message::Binary(_))) => Err(malformed("a binary frame; send text frames with JSON")),
            Some(Ok(Message::Close(_))) => break,
            Some(Ok(_)) => continue,
            Some(Err(Error::ConnectionClosed)) => break,
            Some(Err(error)) => return Err(broken(&error)),
            None => return Err(Fault::Broken("it ended without a close".into())),
        };
        let told = match heard {
            Ok(heard) => Told::Heard(heard),
            Err(warning) => {
                warnings += 1;
                if warnings > MAX_WARNINGS {
                    continue;
                }
                Told::Warned(warning)
            }
        };
        if tell.send(wrap(told)).await.is_err() {
            return Ok(());
        }
    }
    // The answer to its close goes out with the next reading.
    let _ = tokio::time::timeout(CLOSE_LIMIT, texts.next()).await;
    Ok(())
}

fn broken(error: &Error) -> Fault {
    let text = shown(&error.to_string());
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_) | Error::Tls(_) => {
            Fault::Broken(text)
        }
        Error::ConnectionClosed | Error::AlreadyClosed => Fault::Broken(text),
        _ => Fault::Protocol(text),
    }
}

fn handshake(error: &Error) -> String {
    match error {
        Error::Http(answer) => format!("it answered {}", answer.status()),
        other => shown(&other.to_string()),
    }
}

/// Foreign words on one line and of bounded length.
fn shown(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(MAX_SHOWN).collect()
}

/// A line.
const MAX_SHOWN: usize = 160;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tipring_card::{BLOCK, Law};
    use tokio::net::TcpListener;

    use super::*;
    use crate::talk::Track;

    fn order(url: String) -> Order {
        let tracks = vec![Track { law: Law::Mu, outbound: false }];
        let (stream, account, call) = ("MZ1".into(), "AC1".into(), "CA1".into());
        Order {
            url,
            signature: ("x", "y".into()),
            about: Talking { stream, account, call, parameters: vec![], tracks },
        }
    }

    async fn opened(listener: &TcpListener) -> (Stream, mpsc::Receiver<Told>) {
        let url = format!("ws://{}/", listener.local_addr().expect("an address"));
        let (tell, told) = mpsc::channel(64);
        let client = Client::new(tipring_egress::Config::default()).expect("a client");
        (Stream::open(client, order(url), tell, |told| told), told)
    }

    async fn closes(mut stream: Stream, mut told: mpsc::Receiver<Told>) {
        let begun = Instant::now();
        stream.close();
        let last = tokio::time::timeout(3 * CLOSE_LIMIT, told.recv()).await.expect("it closes").expect("its last word");
        assert!(matches!(last, Told::Stopped), "{last:?}");
        assert!(begun.elapsed() < 2 * CLOSE_LIMIT, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_stream_is_closed_in_time_though_its_server_does_not_read() {
        // The sockets of both sides are full; the queue has room, or none.
        for left in [TO_SERVER / 2, 0] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let (stream, mut told) = opened(&listener).await;
            let (socket, _) = listener.accept().await.expect("a connection");
            let _unread = tokio_tungstenite::accept_async(socket).await.expect("an upgrade");
            assert!(matches!(told.recv().await, Some(Told::Started)));
            while stream.to.as_ref().is_some_and(|to| to.capacity() > left) {
                stream.block(0, &[0; BLOCK]).expect("there is room");
                tokio::task::yield_now().await;
            }
            closes(stream, told).await;
        }
    }

    #[tokio::test]
    async fn a_stream_is_closed_in_time_though_its_server_never_takes_the_upgrade() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (stream, told) = opened(&listener).await;
        let _silent = listener.accept().await.expect("a connection");
        closes(stream, told).await;
    }
}
