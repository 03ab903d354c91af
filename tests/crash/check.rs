//! What has to be true of a dead box: of its store, its recordings, its cache, and of what a box that starts again on
//! them tells.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::Path;

use tipring::config::Config;
use tipring::daemon::media::start_media;
use tipring::daemon::serve::{client, now, open_store};
use tipring_media::{Cached, MediaClient, MediaRequest, Source};
use tipring_resources::{Call, CallStatus, Direction, Recording, RecordingStatus, Sid};
use tipring_store::{CallFilter, Page, PageStart, RecordingFilter, RepairReport, Store};

use crate::application::{Application, SOUNDS};
use crate::client::Api;
use crate::facts::Facts;
use crate::victim::Heard;

/// A recording that was cut may lack this much of what the line had said.
pub const SHORT_MS: u64 = 2_000;

/// Zeros in a row that a line in µ-law may lose of a tone: half of what the box keeps back before it writes.
const ZEROS_MAX: u64 = 1_000;

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What the repair had to do.
    pub repaired: RepairReport,
    /// The worst that a cut recording lacks.
    pub short_ms: u64,
    /// Recordings that were cut and are to be had.
    pub cut: u64,
    /// Sounds that the cache had kept.
    pub hits: u64,
    /// Sounds that had to be fetched again.
    pub misses: u64,
}

/// How the box below `home` is set up, as `tipring dev` does it.
fn config(home: &Path) -> Config {
    let mut config = Config::default();
    config.this.state_dir = home.join("tipring/dev");
    config.this.cache_dir = home.join("tipring/dev/cache");
    config.this.runtime_dir = home.join("check");
    config
}

/// Opens the store of a dead box, which repairs it, and judges it by what was told in all its lives.
pub async fn store(home: &Path, account: Sid, numbers: &[Sid], facts: &Facts) -> Result<(Store, Found), String> {
    let config = config(home);
    let store = open_store(&config, now()).await.map_err(|error| error.to_string())?;
    let found = Found { repaired: store.repaired().clone(), ..Found::default() };
    store.integrity_check().await.map_err(|error| error.to_string())?;
    let text = |error: tipring_store::StoreError| error.to_string();
    let accounts = store.accounts().await.map_err(text)?;
    if accounts.len() != 1 || accounts[0].sid != account {
        return Err(format!("one account was made, {account}, and there are {accounts:?}"));
    }
    if let Some(first) = facts.contradictions.first() {
        return Err(format!("told in two ways: {first}"));
    }
    let calls = calls(&store, account).await?;
    calls_are_as_told(&calls, facts)?;
    for (sid, told) in &facts.recordings {
        let recording = store.recording(account, *sid).await.map_err(text)?;
        let recording = recording.ok_or(format!("{sid} was seen and is gone"))?;
        let may = match recording.status {
            RecordingStatus::InProgress => false,
            RecordingStatus::Deleted => told.deletion_asked,
            status => !told.deleted && told.end.is_none_or(|end| end == status),
        };
        if !may || (told.seconds.is_some() && told.seconds != recording.duration_s()) {
            return Err(format!("{sid}: {told:?} was told, and now it is {recording:?}"));
        }
    }
    for number in numbers {
        let number = store.number(*number).await.map_err(text)?.ok_or("a number is gone")?;
        if !number.status_callback.ends_with("/status") {
            return Err(format!("the number's callback was set with 200 and is {:?}", number.status_callback));
        }
    }
    let recordings = recordings(&store, account).await?;
    nothing_is_under_way(&calls, &recordings)?;
    families_are_whole(&calls, facts)?;
    sound_is_whole(&store, home, &calls, &recordings)?;
    Ok((store, found))
}

/// Calls are there, and ended as it was told.
fn calls_are_as_told(calls: &BTreeMap<Sid, Call>, facts: &Facts) -> Result<(), String> {
    for (sid, told) in &facts.calls {
        let call = calls.get(sid);
        let may = match call {
            None => told.deletion_asked,
            Some(call) => {
                let seconds = call.duration_s().and_then(|seconds| u32::try_from(seconds).ok());
                !told.deleted
                    && told.end.is_none_or(|end| end == call.status)
                    && (told.seconds.is_none() || told.seconds == seconds)
                    && (told.parent.is_none() || told.parent == call.parent)
                    && (!told.made || call.direction == Direction::OutboundApi)
            }
        };
        if !may {
            return Err(format!("{sid} was seen ({told:?}), and now it is {call:?}"));
        }
    }
    Ok(())
}

/// Every call and every recording of the box has a final status, told to anybody or not.
fn nothing_is_under_way(calls: &BTreeMap<Sid, Call>, recordings: &[Recording]) -> Result<(), String> {
    if let Some(call) = calls.values().find(|call| !call.status.is_final() || call.ended.is_none()) {
        return Err(format!("a call has not ended in a dead box: {call:?}"));
    }
    match recordings.iter().find(|it| it.status == RecordingStatus::InProgress) {
        Some(recording) => Err(format!("{} is being made in a dead box", recording.sid)),
        None => Ok(()),
    }
}

/// Who was dialled by a document has the call that dialled, which is there unless somebody wanted it deleted; nobody
/// else has one.
fn families_are_whole(calls: &BTreeMap<Sid, Call>, facts: &Facts) -> Result<(), String> {
    for call in calls.values() {
        let whole = match (call.direction, call.parent) {
            (Direction::OutboundDial, Some(parent)) => {
                let wanted_gone = || facts.calls.get(&parent).is_some_and(|told| told.deletion_asked);
                calls.get(&parent).map_or_else(wanted_gone, |parent| parent.created <= call.created)
            }
            (Direction::OutboundDial, None) => false,
            (_, parent) => parent.is_none(),
        };
        if !whole {
            let parent = call.parent.and_then(|parent| calls.get(&parent));
            return Err(format!("a call has not the parent it should have: {call:?}, {parent:?}"));
        }
    }
    Ok(())
}

async fn calls(store: &Store, account: Sid) -> Result<BTreeMap<Sid, Call>, String> {
    let mut all = BTreeMap::new();
    loop {
        let skip = u32::try_from(all.len()).map_err(|error| error.to_string())?;
        let page = Page { size: 1_000, start: PageStart::Skip(skip) };
        let listing = store.calls(account, &CallFilter::default(), page).await.map_err(|error| error.to_string())?;
        all.extend(listing.items.into_iter().map(|call| (call.sid, call)));
        if !listing.older {
            return Ok(all);
        }
    }
}

async fn recordings(store: &Store, account: Sid) -> Result<Vec<Recording>, String> {
    let filter = RecordingFilter { with_deleted: true, ..RecordingFilter::default() };
    let mut all = Vec::new();
    loop {
        let skip = u32::try_from(all.len()).map_err(|error| error.to_string())?;
        let page = Page { size: 1_000, start: PageStart::Skip(skip) };
        let listing = store.recordings(account, &filter, page).await.map_err(|error| error.to_string())?;
        all.extend(listing.items);
        if !listing.older {
            return Ok(all);
        }
    }
}

/// Every completed recording can be opened and is as long as header and record say; no other file is left.
fn sound_is_whole(
    store: &Store,
    home: &Path,
    calls: &BTreeMap<Sid, Call>,
    recordings: &[Recording],
) -> Result<(), String> {
    let mut completed = BTreeSet::new();
    for recording in recordings {
        let sid = recording.sid;
        let blob = store.blobs().open(sid).map_err(|error| error.to_string())?;
        match (recording.status, blob) {
            (RecordingStatus::Completed, Some(blob)) => {
                completed.insert(sid.to_string());
                let silence = Silence::of(recording, calls.get(&recording.call));
                let ms = wave_ms(blob.file, blob.length, silence).map_err(|why| format!("{sid}: {why}"))?;
                if recording.duration_ms.map(u64::from) != Some(ms) {
                    return Err(format!("{sid} has {ms} ms and its record says {:?}", recording.duration_ms));
                }
            }
            (RecordingStatus::Completed, None) => return Err(format!("{sid} is completed and has no file")),
            (_, Some(_)) => return Err(format!("{sid} is {:?} and has a file", recording.status)),
            (_, None) => {}
        }
    }
    let dir = home.join("tipring/dev/recordings");
    for entry in std::fs::read_dir(&dir).map_err(|error| error.to_string())? {
        let name = entry.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned();
        if name != "lost" && !name.strip_suffix(".wav").is_some_and(|sid| completed.contains(sid)) {
            return Err(format!("recordings/{name} belongs to no completed recording"));
        }
    }
    Ok(())
}

/// Which samples of zero a recording may have. What was never written reads as zero.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// None: A-law has no zero.
    None,
    /// None in a row, once the caller's tone has begun: silence in µ-law is zero.
    BeforeTheTone,
    /// Any: two legs and their laws are mixed, or there are two channels.
    Any,
}

impl Silence {
    fn of(recording: &Recording, call: Option<&Call>) -> Silence {
        match call {
            Some(call) if recording.channels == 1 && recording.source == "RecordVerb" => {
                if call.line.starts_with("sim 1/") { Silence::None } else { Silence::BeforeTheTone }
            }
            _ => Silence::Any,
        }
    }
}

/// Length of a WAVE whose header is true and which has no hole.
fn wave_ms(file: impl std::io::Read, length: u64, silence: Silence) -> Result<u64, String> {
    let mut wave = hound::WavReader::new(BufReader::new(file)).map_err(|error| error.to_string())?;
    let (spec, samples) = (wave.spec(), u64::from(wave.len()));
    if !matches!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1 | 2, 8_000, 16)) {
        return Err(format!("an unexpected form: {spec:?}"));
    }
    if length != 44 + samples * 2 {
        return Err(format!("the header promises {samples} samples, the file has {length} octets"));
    }
    let (mut zeros, mut begun) = (0, silence == Silence::None);
    for (at, sample) in wave.samples::<i16>().enumerate() {
        let sample = sample.map_err(|error| error.to_string())?;
        zeros = if sample == 0 { zeros + 1 } else { 0 };
        begun |= sample != 0;
        let most = if silence == Silence::None { 0 } else { ZEROS_MAX };
        if begun && zeros > most && silence != Silence::Any {
            return Err(format!("a hole at sample {at} of {samples}"));
        }
    }
    Ok(samples / u64::from(spec.channels) * 1_000 / 8_000)
}

/// Recordings that were being made when the box died have nearly all that the line had said.
pub async fn cut_recordings(store: &Store, account: Sid, heard: &Heard, found: &mut Found) -> Result<(), String> {
    for (sid, said_ms) in heard.cut_takes() {
        let recording = store.recording(account, sid).await.map_err(|error| error.to_string())?;
        let kept_ms = recording.as_ref().and_then(|it| it.duration_ms).map_or(0, u64::from);
        let short_ms = said_ms.saturating_sub(kept_ms);
        if short_ms > SHORT_MS {
            return Err(format!("{sid} has {kept_ms} ms of {said_ms} ms: {short_ms} ms are lost ({recording:?})"));
        }
        found.short_ms = found.short_ms.max(short_ms);
        found.cut += u64::from(kept_ms > 0);
    }
    Ok(())
}

/// What a sound is when it comes through a cache that never died.
pub async fn reference(home: &Path) -> Result<BTreeMap<u64, Vec<u8>>, String> {
    let application = Application::start().await.map_err(|error| error.to_string())?;
    application.shared().sounds_at_once(true);
    let media = Media::open(home).await?;
    let mut sounds = BTreeMap::new();
    for sound in 0..SOUNDS {
        sounds.insert(sound, media.fetch("AC0", application.sound_url(sound)).await?.0);
    }
    media.close().await;
    Ok(sounds)
}

/// Sounds that the dead box was fetching or had kept are whole, from its cache or anew.
pub async fn cache(
    home: &Path,
    account: Sid,
    application: &Application,
    sounds: &[u64],
    reference: &BTreeMap<u64, Vec<u8>>,
    found: &mut Found,
) -> Result<(), String> {
    application.shared().sounds_at_once(true);
    let media = Media::open(home).await?;
    for sound in sounds {
        let (octets, cached) = media.fetch(&account.to_string(), application.sound_url(*sound)).await?;
        if reference.get(&(sound % SOUNDS)) != Some(&octets) {
            return Err(format!("sound {sound} came as {} octets ({cached:?}), not as it is", octets.len()));
        }
        match cached {
            Cached::Miss => found.misses += 1,
            _ => found.hits += 1,
        }
    }
    media.close().await;
    application.shared().sounds_at_once(false);
    Ok(())
}

/// A media layer on the cache of a box that is not running.
struct Media {
    handle: tipring_media::Handle,
    client: MediaClient,
}

impl Media {
    async fn open(home: &Path) -> Result<Media, String> {
        let config = config(home);
        for dir in [&config.this.cache_dir, &config.this.runtime_dir] {
            std::fs::create_dir_all(dir).map_err(|error| error.to_string())?;
        }
        let egress = client(&config, Vec::new()).map_err(|error| error.to_string())?;
        let handle = start_media(&config, egress).await.map_err(|error| error.to_string())?;
        Ok(Media { handle, client: MediaClient::new(config.this.runtime_dir.join("media.sock")) })
    }

    async fn fetch(&self, account: &str, url: String) -> Result<(Vec<u8>, Cached), String> {
        let source = Source::Url(url.clone());
        let request = MediaRequest { account: account.into(), source, law: tipring_card::Law::A };
        let mut stream = self.client.fetch(request).await.map_err(|fault| format!("{url}: {}", fault.text))?;
        let mut octets = Vec::new();
        while let Some(piece) = stream.next().await {
            octets.extend_from_slice(&piece.map_err(|fault| format!("{url}: {}", fault.text))?);
        }
        Ok((octets, stream.cache))
    }

    async fn close(self) {
        self.handle.idle().await;
        self.handle.shutdown().await;
    }
}

/// What a box that has started again tells of the life before.
pub async fn api(api: &Api, facts: &Facts) -> Result<(), String> {
    for (sid, told) in facts.calls.iter().filter(|(_, told)| !told.deletion_asked) {
        let shown = api.show(&format!("Calls/{sid}.json")).await?;
        let status = shown["status"].as_str().and_then(CallStatus::from_wire);
        let parent = shown["parent_call_sid"].as_str().and_then(|sid| sid.parse().ok());
        let good = status.is_some_and(CallStatus::is_final)
            && told.end.is_none_or(|end| status == Some(end))
            && (told.parent.is_none() || told.parent == parent);
        if !good {
            return Err(format!("after the restart {sid} is shown as {shown} and {told:?} was told"));
        }
    }
    for (sid, told) in facts.recordings.iter().filter(|(_, told)| !told.deletion_asked) {
        let shown = api.show(&format!("Recordings/{sid}.json")).await?;
        match shown["status"].as_str().and_then(RecordingStatus::from_wire) {
            Some(RecordingStatus::Completed) => {
                let sound = api.sound(*sid).await?;
                let length = sound.len() as u64;
                wave_ms(std::io::Cursor::new(sound), length, Silence::Any).map_err(|why| format!("{sid}: {why}"))?;
            }
            Some(RecordingStatus::Absent) if told.end != Some(RecordingStatus::Completed) => {}
            status => return Err(format!("after the restart {sid} is {status:?} and {told:?} was told")),
        }
    }
    Ok(())
}

/// A restarted box had nothing left to be repaired, but for sound that no record knows.
pub fn was_repaired_before(found: &Found) -> Result<(), String> {
    let known = RepairReport { lost_files: 0, ..found.repaired.clone() };
    if known != RepairReport::default() {
        return Err(format!("the restarted box left work: {:?}", found.repaired));
    }
    Ok(())
}
