//! The faces over a real listener, with a store and a card, and a conductor that can be stopped.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tipring_lines::{Engine, EngineConfig, LinesConfig};
use tipring_sim::{Wire, WireConfig};

use super::*;
use crate::observe::face;

/// A conductor that answers, or does not.
#[derive(Default)]
struct Conductor {
    hangs: AtomicBool,
    asked: AtomicUsize,
}

impl Calls for Conductor {
    fn snapshot(&self) -> Later<'_, Option<Snapshot>> {
        self.asked.fetch_add(1, Relaxed);
        Box::pin(async {
            if self.hangs.load(Relaxed) {
                std::future::pending::<()>().await;
            }
            let call = LiveCall { sid: "CA1".into(), line: "sim 1/2".into(), ..LiveCall::default() };
            Some(Snapshot { calls: vec![call], active: [1, 0], ..Snapshot::default() })
        })
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn folder() -> Folder {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let n = NEXT.fetch_add(1, Relaxed);
    Folder(std::env::temp_dir().join(format!("tipring-observe-{}-{n}", std::process::id())))
}

async fn observer(dir: &Folder, conductor: &Arc<Conductor>, card: Option<CardFace>) -> Observer {
    let now = tipring_resources::Stamp(unix_now_s() * 1_000_000);
    let config = tipring_store::Config { url: None, box_name: "box".into(), data_dir: dir.0.clone(), now };
    Observer::start(Parts {
        meters: Meters::default(),
        calls: conductor.clone(),
        store: Store::open(config).await.expect("a store"),
        media: MediaClient::new(dir.0.join("nobody.sock")),
        card,
        areas: vec![("state", dir.0.clone())],
        board: None,
    })
}

async fn listens(router: axum::Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it has one");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn get(address: SocketAddr, path: &str, accept: &str) -> (u16, String, String) {
    let request = format!("GET {path} HTTP/1.0\r\nHost: box\r\nAccept: {accept}\r\n\r\n");
    let asked = move || {
        let mut stream = std::net::TcpStream::connect(address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    };
    let answer = tokio::task::spawn_blocking(asked).await.expect("asked");
    let (head, body) = answer.split_once("\r\n\r\n").expect("HTTP");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_ascii_lowercase(), body.to_owned())
}

#[tokio::test]
async fn the_routes_answer_and_only_the_control_face_shows_calls() {
    let (dir, conductor) = (folder(), Arc::new(Conductor::default()));
    let observer = observer(&dir, &conductor, None).await;
    let (public, control) = (listens(face::public(observer.clone())).await, listens(face::control(observer)).await);
    for path in ["/livez", "/readyz", "/healthz"] {
        let (status, head, body) = get(public, path, "*/*").await;
        assert_eq!((status, body.as_str()), (200, "ok\n"), "{path}: a box without a card is ready");
        assert!(head.contains("cache-control: no-store"));
    }
    let (status, head, body) = get(public, "/metrics", "application/openmetrics-text; version=1.0.0").await;
    assert!(status == 200 && head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(body.ends_with("# EOF\n") && body.contains("tipring_calls_active{direction=\"inbound\"} 1\n"), "{body}");
    assert!(!body.contains("tipring_cache_requests"), "a media layer that does not answer tells nothing");
    let (_, head, body) = get(public, "/metrics/bounds", "*/*").await;
    assert!(head.contains("text/plain; version=0.0.4") && !body.contains("# EOF"), "{head}");
    assert!(body.contains("tipring_bounds_total{room=\"store\",counter=\"turned_away\"} 0\n"), "{body}");
    assert_eq!(get(public, "/state", "*/*").await.0, 404, "who may not log in learns nothing of calls");
    let (status, _, body) = get(control, "/state", "*/*").await;
    let state: State = serde_json::from_str(&body).expect("a state");
    assert_eq!((status, state.calls[0].sid.as_str(), state.ready), (200, "CA1", true));
    assert_eq!(get(control, "/metrics", "*/*").await.0, 200);
}

#[tokio::test]
async fn a_conductor_that_hangs_is_no_life_and_a_listener_that_stopped_is_no_readiness() {
    let (dir, conductor) = (folder(), Arc::new(Conductor::default()));
    let observer = observer(&dir, &conductor, None).await;
    observer.closed("api");
    conductor.hangs.store(true, Relaxed);
    let address = listens(face::health(observer)).await;
    let (status, _, body) = get(address, "/livez", "*/*").await;
    assert_eq!((status, body.as_str()), (503, "conductor: no answer within 1 s\n"));
    let (status, _, body) = get(address, "/readyz", "*/*").await;
    assert_eq!((status, body.as_str()), (503, "conductor: no answer within 1 s\nlistener: api has stopped\n"));
}

#[tokio::test]
async fn who_asks_a_hundred_times_costs_no_more_than_who_asks_once() {
    let (dir, conductor) = (folder(), Arc::new(Conductor::default()));
    let observer = observer(&dir, &conductor, None).await;
    let begin = Instant::now();
    for _ in 0..100 {
        assert!(observer.lives().await.is_good());
    }
    // On a host so busy that this takes seconds there are as many answers as seconds, and one more.
    let most = 1 + usize::try_from(begin.elapsed().as_secs()).unwrap_or(0);
    assert!(conductor.asked.load(Relaxed) <= most, "{} questions", conductor.asked.load(Relaxed));
}

#[tokio::test]
async fn a_card_shows_its_lines_and_one_whose_spans_are_down_is_not_ready() {
    let (dir, conductor) = (folder(), Arc::new(Conductor::default()));
    let wire = Wire::new(WireConfig { spans: 1, ..WireConfig::default() });
    // Nobody is at the far end: the link stays down.
    let clock = wire.run_wall(|_| {}).expect("a thread");
    let config = EngineConfig { lines: LinesConfig::default(), priority: 0, epoch: Instant::now() };
    let (engine, handle) = Engine::start(Box::new(wire.near()), config).expect("an engine");
    let gauges = handle.gauges();
    while gauges.spans().is_empty() || gauges.beat() == 0 {
        tokio::task::yield_now().await;
    }
    let real = observer(&dir, &conductor, Some(CardFace { gauges: gauges.clone(), simulated: false })).await;
    let state = real.state().await;
    assert_eq!((state.spans[0].name.as_str(), state.spans[0].lines.len(), state.ready), ("sim 1", 30, false));
    assert_eq!(state.spans[0].lines[1].call.as_deref(), Some("CA1"), "the call is shown on its line");
    let verdict = real.is_ready().await;
    assert!(verdict.text().starts_with("lines: none is up (sim 1: "), "{verdict:?}");
    assert!(real.lives().await.is_good(), "a line that is down is no reason to restart");
    let metrics = real.metrics(Form::Plain).await;
    assert!(metrics.contains("tipring_lines{kind=\"isdn\",state=\"down\"} 30\n"), "{metrics}");
    let other = folder();
    let simulated = observer(&other, &conductor, Some(CardFace { gauges, simulated: true })).await;
    assert!(simulated.is_ready().await.is_good(), "the simulator rings nobody's telephone");
    drop(clock);
    drop(engine);
}
