//! The cache of sounds by itself: how soon a kept sound begins, and how soon after a start, with a hundred entries and with ten
//! thousand; and what it costs that they are sealed. Asked over the socket, as calls ask.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tipring_card::Law;
use tipring_media::{Config, Handle, MediaClient, MediaRequest, MediaService, Source};
use tokio::runtime::Runtime;

use super::figures::{Goal, Row, Sorted, round};
use crate::daemon::serve::StartError;

/// Entries of the small and of the large cache.
const FEW: usize = 100;
const MANY: usize = 10_000;
/// Look-ups that are measured.
const LOOKUPS: usize = 2_000;
/// Starts that are measured.
const STARTS: usize = 9;
/// Entries that are made at the same time.
const AT_ONCE: usize = 32;
/// A quarter of a second of sound, and two seconds.
const SHORT: usize = 2_000;
const PROMPT: usize = 16_000;
/// A hundred times the entries may cost so much more.
const FLAT: f64 = 1.5;

fn failed(why: &dyn std::fmt::Display) -> StartError {
    StartError { exit: 1, text: format!("bench: the cache of sounds: {why}") }
}

/// A cache in a folder of its own, which goes with it.
struct Kept {
    folder: PathBuf,
    runtime: Runtime,
    origin: String,
    seal_key: Option<[u8; 32]>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Kept {
    fn new(name: &str, octets: usize, seal_key: Option<[u8; 32]>) -> Result<Kept, StartError> {
        tipring_egress::install_provider();
        let folder = std::env::temp_dir().join(format!("tipring-bench-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
        let runtime = Runtime::new().map_err(|error| failed(&error))?;
        Ok(Kept { folder, runtime, origin: origin(octets)?, seal_key })
    }

    fn start(&self) -> Result<Handle, StartError> {
        let egress = tipring_egress::Client::new(tipring_egress::Config::default()).map_err(|fault| failed(&fault))?;
        let mut config = Config::new(self.socket(), self.folder.join("cache"), egress);
        config.engines = Vec::new();
        config.recognizers = Vec::new();
        config.seal_key = self.seal_key;
        self.runtime.block_on(MediaService::start(config)).map_err(|error| failed(&error))
    }

    fn socket(&self) -> PathBuf {
        Path::new(&self.folder).join("media.sock")
    }

    fn request(&self, number: usize) -> MediaRequest {
        let source = Source::Url(format!("{}/{number}.alaw", self.origin));
        MediaRequest { account: "AC1".into(), source, law: Law::A }
    }

    fn fill(&self, count: usize) -> Result<(), StartError> {
        let (handle, client) = (self.start()?, MediaClient::new(self.socket()));
        self.runtime.block_on(async {
            for first in (0..count).step_by(AT_ONCE) {
                let some = (first..count.min(first + AT_ONCE)).map(|number| heard(&client, self.request(number)));
                for heard in futures_util::future::join_all(some).await {
                    heard?;
                }
            }
            handle.shutdown().await;
            Ok(())
        })
    }

    /// Milliseconds from a start to the first answer.
    fn first_answer(&self, count: usize) -> Result<f64, StartError> {
        let client = MediaClient::new(self.socket());
        let begun = Instant::now();
        let handle = self.start()?;
        self.runtime.block_on(async {
            heard(&client, self.request(count / 2)).await?;
            let took = begun.elapsed().as_secs_f64() * 1e3;
            handle.shutdown().await;
            Ok(took)
        })
    }

    /// Milliseconds of look-ups, all entries in turn.
    fn lookups(&self, count: usize) -> Result<Sorted, StartError> {
        let (handle, client) = (self.start()?, MediaClient::new(self.socket()));
        self.runtime.block_on(async {
            while !handle.status().indexed {
                tokio::task::yield_now().await;
            }
            let mut took = Vec::with_capacity(LOOKUPS);
            for turn in 0..LOOKUPS {
                took.push(heard(&client, self.request(turn.wrapping_mul(7_919) % count)).await?);
            }
            let missed = handle.counters().fetches;
            handle.shutdown().await;
            if missed > 0 { Err(failed(&format!("{missed} kept sounds were fetched"))) } else { Ok(Sorted::new(took)) }
        })
    }
}

/// Hears a sound to its end: milliseconds to its first octets.
async fn heard(client: &MediaClient, request: MediaRequest) -> Result<f64, StartError> {
    let begun = Instant::now();
    let mut stream = client.fetch(request).await.map_err(|fault| failed(&fault))?;
    let first = stream.next().await.ok_or_else(|| failed(&"a sound is empty"))?;
    let took = begun.elapsed().as_secs_f64() * 1e3;
    first.map_err(|fault| failed(&fault))?;
    while let Some(piece) = stream.next().await {
        piece.map_err(|fault| failed(&fault))?;
    }
    Ok(took)
}

/// A server whose every file is so many octets of sound.
fn origin(octets: usize) -> Result<String, StartError> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| failed(&error))?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    std::thread::spawn(move || {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: audio/x-alaw\r\nCache-Control: max-age=360000\r\nContent-Length: {octets}\r\n\
             Connection: close\r\n\r\n"
        );
        let answer = [head.as_bytes(), &vec![0x55; octets]].concat();
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&answer);
        }
    });
    Ok(format!("http://{address}"))
}

/// Both rows of few and many entries.
pub(super) fn many() -> Result<Vec<Row>, StartError> {
    let mut found = Vec::new();
    for count in [FEW, MANY] {
        let kept = Kept::new(&format!("kept-{count}"), SHORT, None)?;
        kept.fill(count)?;
        let starts: Result<Vec<_>, _> = (0..STARTS).map(|_| kept.first_answer(count)).collect();
        found.push((kept.lookups(count)?, Sorted::new(starts?)));
    }
    let (few, many) = (&found[0], &found[1]);
    let find =
        Row::new("cache.find", many.0.at(0.5) / few.0.at(0.5), "times the p50 of 100 entries", Goal::AtMost(FLAT));
    let start =
        Row::new("cache.start", many.1.at(0.5) / few.1.at(0.5), "times that of 100 entries", Goal::AtMost(FLAT));
    let noted = |row: Row, few: &Sorted, many: &Sorted| {
        row.note("ms_p50_100", round(few.at(0.5)))
            .note("ms_p99_100", round(few.at(0.99)))
            .note("ms_p50_10000", round(many.at(0.5)))
            .note("ms_p99_10000", round(many.at(0.99)))
            .note("samples", many.count())
    };
    Ok(vec![noted(find, &few.0, &many.0), noted(start, &few.1, &many.1)])
}

/// A kept prompt of two seconds, sealed beside plain.
pub(super) fn seal() -> Result<Row, StartError> {
    let mut found = Vec::new();
    for (name, key) in [("plain", None), ("sealed", Some([1; 32]))] {
        let kept = Kept::new(name, PROMPT, key)?;
        kept.fill(FEW)?;
        found.push(kept.lookups(FEW)?);
    }
    let (plain, sealed) = (&found[0], &found[1]);
    Ok(Row::new("cache.seal", sealed.at(0.5) - plain.at(0.5), "ms more for a kept prompt, p50", Goal::Stated)
        .note("ms_p50_plain", round(plain.at(0.5)))
        .note("ms_p50_sealed", round(sealed.at(0.5)))
        .note("ms_p99_plain", round(plain.at(0.99)))
        .note("ms_p99_sealed", round(sealed.at(0.99)))
        .note("samples", sealed.count()))
}
