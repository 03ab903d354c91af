//! A running media layer in a folder of its own, with a clock that the test turns; and what tests ask about sound.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tipring_card::Law;
use tipring_media::{
    Cached, Config, Engine, Handle, MediaClient, MediaFault, MediaRequest, MediaService, Source, StoreConfig,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

pub struct Room {
    pub dir: PathBuf,
    pub handle: Running,
    pub client: MediaClient,
    seconds: Arc<AtomicU64>,
}

/// The running media layer; only [`Room::restart`] takes it away.
pub struct Running(Option<Handle>);

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Handle {
        self.0.as_mut().unwrap()
    }
}

impl std::ops::Deref for Running {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        self.0.as_ref().unwrap()
    }
}

/// A store that boxes share: on the S3 server that `TIPRING_TEST_S3` names, or in a folder.
#[derive(Clone)]
pub struct Shared {
    pub url: String,
    pub endpoint: String,
}

impl Shared {
    /// On the S3 server if there is one, else in the folder.
    pub fn at(name: &str, folder: &Path) -> Self {
        Self::on_s3(name)
            .unwrap_or_else(|| Self { url: format!("file://{}", folder.display()), endpoint: String::new() })
    }

    /// `http://127.0.0.1:<port>/<bucket>`
    pub fn on_s3(name: &str) -> Option<Self> {
        let named = std::env::var("TIPRING_TEST_S3").ok()?;
        let (endpoint, bucket) = named.rsplit_once('/').unwrap();
        Some(Self { url: format!("s3://{bucket}/{name}"), endpoint: endpoint.into() })
    }

    pub fn config(&self) -> StoreConfig {
        let mut config = StoreConfig::new(&self.url);
        config.endpoint.clone_from(&self.endpoint);
        config.credentials = ("tipring".into(), "secret".into());
        config.plain = true;
        // A server of the test on a busy machine.
        config.patience = Duration::from_secs(20);
        config
    }
}

/// A medium that came whole.
#[derive(Debug)]
pub struct Heard {
    pub octets: Vec<u8>,
    pub cache: Cached,
}

static SERIAL: AtomicU64 = AtomicU64::new(0);

impl Room {
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// The fake engine only, unless the test says otherwise.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("tipring-media-{}-{serial}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        Self::reopened(dir, change).await
    }

    pub async fn reopened(dir: PathBuf, change: impl FnOnce(&mut Config)) -> Self {
        tipring_egress::install_provider();
        let seconds = Arc::new(AtomicU64::new(1_700_000_000));
        let egress = tipring_egress::Client::new(tipring_egress::Config::default()).unwrap();
        let mut config = Config::new(dir.join("media.sock"), dir.join("cache"), egress);
        config.engines = vec![Engine::Fake];
        config.own_decoder = Some((env!("CARGO_BIN_EXE_tipring-decode").into(), Vec::new()));
        // The second pass of the suite: all rooms have a shared store behind their disk, and seal what they keep.
        if std::env::var_os("TIPRING_TEST_SHARED").is_some() {
            config.store = Some(Shared::at(dir.file_name().unwrap().to_str().unwrap(), &dir.join("store")).config());
            config.seal_key = Some([5; 32]);
        }
        let now = Arc::clone(&seconds);
        config.clock = Arc::new(move || SystemTime::UNIX_EPOCH + Duration::from_secs(now.load(Ordering::Relaxed)));
        change(&mut config);
        let handle = Running(Some(MediaService::start(config).await.unwrap()));
        let client = MediaClient::new(dir.join("media.sock"));
        Self { dir, handle, client, seconds }
    }

    /// Stops the media layer and starts it anew on the same folder, at the same hour.
    pub async fn restart(&mut self, change: impl FnOnce(&mut Config)) {
        if let Some(handle) = self.handle.0.take() {
            handle.shutdown().await;
        }
        assert!(!self.dir.join("media.sock").exists());
        let again = Self::reopened(self.dir.clone(), change).await;
        again.seconds.store(self.seconds.load(Ordering::Relaxed), Ordering::Relaxed);
        let dir = std::mem::take(&mut self.dir);
        *self = again;
        drop(dir);
    }

    /// What time it is, for whoever makes it pass.
    pub fn clock(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.seconds)
    }

    /// Bodies of entries, or their heads, in order.
    pub fn bodies(&self) -> Vec<PathBuf> {
        self.ending(&["body"])
    }

    pub fn heads(&self) -> Vec<PathBuf> {
        self.ending(&["json", "head"])
    }

    fn ending(&self, ends: &[&str]) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|it| it.extension().is_some_and(|it| ends.iter().any(|end| it == *end)));
        files.sort();
        files
    }

    pub fn later(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    pub async fn plays(&self, url: &str) -> Result<Heard, MediaFault> {
        self.hears("AC1", Source::Url(url.to_owned()), Law::A).await
    }

    pub async fn says(&self, text: &str, voice: &str, language: &str) -> Result<Heard, MediaFault> {
        self.says_marked(text, voice, language, None).await
    }

    pub async fn says_marked(
        &self,
        text: &str,
        voice: &str,
        language: &str,
        markup: Option<&str>,
    ) -> Result<Heard, MediaFault> {
        let source = Source::Speech {
            text: text.into(),
            voice: voice.into(),
            language: language.into(),
            markup: markup.map(Into::into),
        };
        self.hears("AC1", source, Law::A).await
    }

    /// Hears it to the end, and waits until it is stored.
    pub async fn hears(&self, account: &str, source: Source, law: Law) -> Result<Heard, MediaFault> {
        let mut stream = self.client.fetch(MediaRequest { account: account.into(), source, law }).await?;
        assert_eq!(stream.content_type, tipring_media::Preset::telephone(law).to_string());
        let mut octets = Vec::new();
        while let Some(piece) = stream.next().await {
            octets.extend_from_slice(&piece?);
        }
        self.handle.idle().await;
        Ok(Heard { octets, cache: stream.cache })
    }

    /// Asks the layer about itself: the status, and what it answers as JSON.
    pub async fn desk(&self, method: &str, path: &str, body: serde_json::Value) -> (u16, serde_json::Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let target = format!("http://media.tipring{path}");
        let (head, answer) = self.raw_with(method, &target, &[("X-Tipring-Account", "AC1")], &body).await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_slice(&answer).unwrap())
    }

    /// Has a job done and answers what became of it.
    pub async fn job(&self, wish: serde_json::Value) -> tipring_media::JobState {
        let (status, job) = self.desk("POST", "/jobs", wish).await;
        assert_eq!(status, 202, "{job}");
        self.job_over(job["id"].as_str().unwrap()).await
    }

    pub async fn job_over(&self, id: &str) -> tipring_media::JobState {
        loop {
            let (_, job) = self.desk("GET", &format!("/jobs/{id}"), serde_json::Value::Null).await;
            let job: tipring_media::JobState = serde_json::from_value(job).unwrap();
            if job.ended_ms > 0 {
                return job;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Files below the cache's entries, and temporary ones; not what the cache notes for itself.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.dir.join("cache")];
        while let Some(dir) = open.pop() {
            for it in std::fs::read_dir(dir).unwrap() {
                let Ok(it) = it else { continue };
                let path = it.path();
                if path.is_dir() {
                    open.push(path)
                } else if !path.ends_with("worth") {
                    found.push(path)
                }
            }
        }
        found
    }

    /// One raw request over the socket; head and body as they came. Waits until it is stored.
    pub async fn raw(&self, target: &str, headers: &[(&str, &str)]) -> (String, Vec<u8>) {
        self.raw_method("GET", target, headers).await
    }

    pub async fn raw_method(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> (String, Vec<u8>) {
        self.raw_with(method, target, headers, &[]).await
    }

    pub async fn raw_with(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (String, Vec<u8>) {
        let mut stream = UnixStream::connect(self.dir.join("media.sock")).await.unwrap();
        let mut text = format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        stream.write_all(&[(text + "\r\n").as_bytes(), body].concat()).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        self.handle.idle().await;
        let end = all.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&all[..end]).to_ascii_lowercase();
        let body = all.split_off(end + 4);
        (head.clone(), if head.contains("chunked") { joined(&body) } else { body })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // A restarted room has handed its folder on.
        if !std::thread::panicking() && !self.dir.as_os_str().is_empty() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// Chunks put together; what is cut off stays off.
fn joined(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = body.windows(2).position(|it| it == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        out.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
    out
}

/// A-law octets as samples.
pub fn linear(octets: &[u8]) -> Vec<i16> {
    octets.iter().map(|&it| tipring_dsp::alaw_decode(it)).collect()
}

/// The share of the power at 8 kHz that lies at `hz`, in dB below the whole; 0 is a pure tone.
pub fn purity_db(samples: &[i16], hz: f64) -> f64 {
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let (x, phase) = (f64::from(sample), n as f64 * hz / 8_000.0 * std::f64::consts::TAU);
        re += x * phase.cos();
        im += x * phase.sin();
        all += x * x;
    }
    10.0 * (2.0 * (re * re + im * im) / (samples.len() as f64 * all)).log10()
}

/// A WAVE of a tone: 16 bits.
pub fn wave(rate_hz: u32, channels: u16, hz: f64, seconds: f64) -> Vec<u8> {
    let spec =
        hound::WavSpec { channels, sample_rate: rate_hz, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    wave_of(spec, hz, seconds, |it| (it * 32_767.0) as i32)
}

/// A WAVE of a tone in any integer form.
pub fn wave_of(spec: hound::WavSpec, hz: f64, seconds: f64, scaled: impl Fn(f64) -> i32) -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut out, spec).unwrap();
    for n in 0..(f64::from(spec.sample_rate) * seconds) as usize {
        let sample = 0.25 * (n as f64 * hz / f64::from(spec.sample_rate) * std::f64::consts::TAU).sin();
        for _ in 0..spec.channels {
            match spec.sample_format {
                hound::SampleFormat::Int => writer.write_sample(scaled(sample)).unwrap(),
                hound::SampleFormat::Float => writer.write_sample(sample as f32).unwrap(),
            }
        }
    }
    writer.finalize().unwrap();
    out.into_inner()
}

pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
