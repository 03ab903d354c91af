//! A media layer that is killed at moments nobody chose, in fills, confirmations and evictions: what it answers afterwards is whole
//! and of one piece, and nothing is left over. The seed is printed; `TIPRING_SEED` takes it again, `MEDIA_KILLS` says how many.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tipring_card::Law;
use tipring_media::{Config, MediaClient, MediaRequest, MediaService, Source};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::origin::{Origin, Reply};

const FOLDER: &str = "TIPRING_TEST_VICTIM";
const SEALED: &str = "TIPRING_TEST_VICTIM_SEALED";
const PATHS: u64 = 14;

/// The process that is killed: this test by itself, where a folder is named.
#[tokio::test]
async fn victim() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    tipring_egress::install_provider();
    let egress = tipring_egress::Client::new(tipring_egress::Config::default()).unwrap();
    let mut config = Config::new(folder.join("media.sock"), folder.join("cache"), egress);
    config.engines = Vec::new();
    config.limits.cache_bytes = 400_000;
    config.seal_key = std::env::var_os(SEALED).map(|_| [6; 32]);
    let _service = MediaService::start(config).await.unwrap();
    println!("ready");
    std::future::pending().await
}

async fn started(folder: &Path, sealed: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["kills::victim", "--exact", "--nocapture"]).env(FOLDER, folder).env_remove("TIPRING_TEST_SHARED");
    if sealed {
        command.env(SEALED, "1");
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.ends_with("ready") {
            return child;
        }
    }
    panic!("it does not start");
}

/// The sound of a path and a version: all of it tells which.
fn sound(path: u64, version: u64) -> Vec<u8> {
    let octets = 3_000 + path * path * 1_200;
    (0..octets).map(|n| ((n + 1).wrapping_mul(path * 7 + version * 131 + 11) >> 3) as u8).collect()
}

struct Chance(u64);

/// Looks at the folder until a file that is just being written must be in its place.
const SETTLED_WITHIN: usize = 10_000;

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What lies in the cache's folder: heads and bodies by name, and temporary files.
fn on_disk(folder: &Path) -> (HashSet<String>, HashSet<String>, usize) {
    let (mut heads, mut bodies, mut temporary) = (HashSet::new(), HashSet::new(), 0);
    let mut open = vec![folder.join("cache")];
    while let Some(dir) = open.pop() {
        for it in std::fs::read_dir(dir).unwrap() {
            let path = it.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            match path.extension().and_then(|it| it.to_str()) {
                _ if path.is_dir() => open.push(path),
                Some("json" | "head") => drop(heads.insert(name.split('.').next().unwrap().to_owned())),
                Some("body") => assert!(bodies.insert(name.split('-').next().unwrap().to_owned()), "two of {name}"),
                _ => temporary += usize::from(name != "worth"),
            }
        }
    }
    (heads, bodies, temporary)
}

async fn plays(client: &MediaClient, url: String) -> Option<Vec<u8>> {
    let request = MediaRequest { account: "AC1".into(), source: Source::Url(url), law: Law::A };
    let mut stream = client.fetch(request).await.ok()?;
    let mut heard = Vec::new();
    while let Some(piece) = stream.next().await {
        heard.extend_from_slice(&piece.ok()?);
    }
    Some(heard)
}

async fn rounds(
    folder: &Path,
    origin: &Origin,
    version: &AtomicU64,
    chance: &mut Chance,
    sealed: bool,
    rounds: u64,
) -> u64 {
    let client = MediaClient::new(folder.join("media.sock"));
    let answers = Arc::new(AtomicU64::new(0));
    for round in 0..rounds {
        let mut victim = started(folder, sealed).await;
        while !client.status().await.unwrap().indexed {
            tokio::task::yield_now().await;
        }
        // The worth of entries is written at the start too, by way of a temporary file.
        let mut found = on_disk(folder);
        for _ in 0..SETTLED_WITHIN {
            if found.2 == 0 {
                break;
            }
            tokio::task::yield_now().await;
            found = on_disk(folder);
        }
        let (heads, bodies, temporary) = found;
        let known = client.status().await.unwrap().entries;
        assert_eq!((heads.len(), &heads, temporary), (known, &bodies, 0), "round {round}");
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..3 + chance.below(10) {
            let path = chance.below(PATHS);
            if chance.below(4) == 0 {
                version.fetch_add(1, Ordering::Relaxed);
            }
            let (client, url, answers) = (client.clone(), origin.url(&format!("/{path}")), Arc::clone(&answers));
            let newest = version.load(Ordering::Relaxed);
            asking.spawn(async move {
                let Some(heard) = plays(&client, url).await else { return };
                let good = (0..=newest + 20).rev().any(|it| heard == sound(path, it));
                assert!(good, "round {round}: {} octets of /{path} are of no version", heard.len());
                answers.fetch_add(1, Ordering::Relaxed);
            });
        }
        let moment = Duration::from_micros(chance.below(40_000));
        let _ = tokio::time::timeout(moment, async { while asking.join_next().await.is_some_and(|it| it.is_ok()) {} })
            .await;
        victim.kill().await.unwrap();
        while let Some(ended) = asking.join_next().await {
            ended.unwrap();
        }
    }
    answers.load(Ordering::Relaxed)
}

#[tokio::test]
async fn d19_killed_at_any_moment_it_never_serves_what_is_cut_or_mixed_and_leaves_nothing_behind() {
    let seed = std::env::var("TIPRING_SEED").ok().and_then(|it| it.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64);
    let kills: u64 = std::env::var("MEDIA_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(200);
    println!("seed {seed}, {kills} kills");
    let version = Arc::new(AtomicU64::new(0));
    let said = Arc::clone(&version);
    let origin = Origin::start(move |asked| {
        let path: u64 = asked.path[1..].parse().unwrap();
        // A third of them changes, and has to be checked each time.
        let version = if path.is_multiple_of(3) { said.load(Ordering::Relaxed) } else { 0 };
        let tag = format!("\"{version}\"");
        let reply = if asked.headers.get("if-none-match") == Some(&tag) {
            Reply::status(304)
        } else {
            Reply::ok("audio/x-alaw", sound(path, version))
        };
        reply
            .with("Cache-Control", if path.is_multiple_of(3) { "max-age=0" } else { "max-age=36000" })
            .with("ETag", tag)
    })
    .await;
    let both = [false, true].map(|sealed| {
        let (origin, version) = (&origin, Arc::clone(&version));
        async move {
            let folder = std::env::temp_dir().join(format!("tipring-media-kills-{}-{sealed}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).unwrap();
            let mut chance = Chance(seed ^ u64::from(sealed));
            let answered = rounds(&folder, origin, &version, &mut chance, sealed, kills / 2).await;
            std::fs::remove_dir_all(&folder).unwrap();
            answered
        }
    });
    let answered: u64 = futures_util::future::join_all(both).await.into_iter().sum();
    println!("seed {seed}: {answered} answers compared");
    assert!(answered > kills, "{answered}");
}
