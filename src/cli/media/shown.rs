//! How answers of the media layer are shown: a line each, or JSON.

use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;
use tipring_card::Law;
use tipring_media::{EntryInfo, JobState, PhraseState, Plan, Verified};

/// All of them, as a list of JSON or a line each.
pub fn each<T: Serialize>(json: bool, all: &[T], line: impl Fn(&T) -> String) {
    let text = if json {
        serde_json::to_string_pretty(all).unwrap_or_default() + "\n"
    } else {
        all.iter().map(|it| line(it) + "\n").collect()
    };
    // A reader that went away has seen enough.
    let _ = io::stdout().write_all(text.as_bytes());
}

pub fn entry(it: &EntryInfo) -> String {
    format!("{}  {:>9}  {}  {}  {}", date(it.date_ms), it.size, it.preset, it.account, it.uri)
}

pub fn job(it: &JobState) -> String {
    let plan = if it.plan.is_empty() { String::new() } else { format!("  plan {}", it.plan) };
    format!("{}  {}  {:<7}  {:?}  {}{plan}", date(it.asked_ms), it.id, it.kind, it.status, counts(it))
}

/// With what became of each medium.
pub fn whole_job(json: bool, it: &JobState) {
    if json {
        return each(true, std::slice::from_ref(it), |_| String::new());
    }
    let items = it.items.iter().map(|item| {
        let word = match (&item.fault, item.cached.as_str()) {
            (Some(fault), _) => format!("{fault}"),
            (None, _) if it.kind == "transcribe" => item.text.clone(),
            (None, cached) if item.kept => format!("{cached}, {} octets", item.octets),
            (None, cached) => format!("{cached}, not kept: its origin forbids it"),
        };
        format!("{}  {}  {word}\n", item.uri, item.preset)
    });
    let fault = it.fault.as_ref().map(|fault| format!("{fault}\n")).unwrap_or_default();
    let text = items.collect::<String>() + &fault + &format!("{:?}: {}\n", it.status, counts(it));
    let _ = io::stdout().write_all(text.as_bytes());
}

fn counts(it: &JobState) -> String {
    format!(
        "{} asked for, {} there already, {} made, {} confirmed, {} failed, {} passed over",
        it.found, it.hits, it.made, it.confirmed, it.failed, it.passed_over
    )
}

pub fn plan(it: &Plan) -> String {
    let days = if it.days.is_empty() { "every day".to_owned() } else { it.days.join(",") };
    format!("{}  {} {days}  {}  next {}", it.name, it.at, it.job.kind(), date(it.next_ms))
}

pub fn phrase(it: &PhraseState) -> String {
    let recorded = match &it.recording {
        Some(recording) => format!("recorded {}", date(recording.date_ms)),
        None => "spoken".to_owned(),
    };
    let chosen = if it.chosen { ", chosen" } else { "" };
    let voice = [&it.phrase.voice, &it.phrase.language].map(|it| if it.is_empty() { "-" } else { it }).join("/");
    format!("{}  said {} times{chosen}, {recorded}  {voice}  {}", it.id, it.count, it.phrase.text)
}

pub fn verified(json: bool, it: &Verified) {
    if json {
        return each(true, std::slice::from_ref(it), |_| String::new());
    }
    let damaged = it.damaged.iter().map(|it| format!("damaged and removed: {}  {}\n", it.preset, it.uri));
    let text = damaged.collect::<String>() + &format!("{} entries, {} octets read\n", it.entries, it.octets);
    let _ = io::stdout().write_all(text.as_bytes());
}

/// A date in UTC.
fn date(ms: u64) -> String {
    let stamp = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    stamp.map_or_else(|| "-".to_owned(), |it| it.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Telephone sound as a WAVE file that any player opens.
pub fn write_wave(to: &Path, law: Law, sound: &[u8]) -> io::Result<()> {
    let octets = u32::try_from(sound.len()).map_err(|_| io::Error::other("longer than a WAVE file can be"))?;
    let tag: u16 = match law {
        Law::A => 6,
        Law::Mu => 7,
    };
    let mut file = Vec::with_capacity(sound.len() + 46);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&octets.saturating_add(38).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x12\0\0\0");
    file.extend_from_slice(&tag.to_le_bytes());
    // One channel, 8000 octets a second, 8 bits, no extension.
    file.extend_from_slice(b"\x01\0\x40\x1F\0\0\x40\x1F\0\0\x01\0\x08\0\0\0data");
    file.extend_from_slice(&octets.to_le_bytes());
    file.extend_from_slice(sound);
    if to == Path::new("-") { io::stdout().write_all(&file) } else { std::fs::write(to, file) }
}
