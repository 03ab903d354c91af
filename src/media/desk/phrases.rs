//! Phrases: which texts are spoken often, and the sounds that take the place of an engine's voice.
//!
//! A text is known by a hash of account, text, voice, language, speed and markup. Texts that were said seldom are counted by
//! that name alone: what a caller is told once (a name, a balance) is written down nowhere. Past the threshold, or when
//! somebody chooses it, the text itself is kept; a recording of it is heard from the next call on.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::file;
use super::wish::{Phrase, bad};
use crate::fault::MediaFault;
use crate::rules::millis;
use crate::wire::{Speech, hex};

/// A phrase as it is listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PhraseState {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// What is said.
    pub phrase: Phrase,
    /// How often it was asked for.
    pub count: u64,
    /// Somebody chose it.
    pub chosen: bool,
    /// The sound that is heard in its place.
    pub recording: Option<Recording>,
}

/// A recording that takes the place of an engine's voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Its kind, as its data shows.
    pub content_type: String,
    /// Its octets.
    pub octets: u64,
    /// When it came, in milliseconds since 1970.
    pub date_ms: u64,
    /// Its SHA-256: another one has another place in the cache.
    pub sha256: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Known {
    /// How often each was asked for, by its name.
    counts: HashMap<String, u64>,
    /// Those whose text is known.
    phrases: HashMap<String, PhraseState>,
}

pub(crate) struct Phrases {
    dir: PathBuf,
    threshold: u64,
    known: Mutex<Held>,
    /// Held while the file is written.
    writing: Mutex<()>,
}

struct Held {
    known: Known,
    /// Counts are not on the disk yet.
    unwritten: bool,
}

impl Phrases {
    pub fn open(dir: &Path, threshold: u64) -> Self {
        let dir = dir.join("phrases");
        let known = file::read(&dir.join(FILE)).unwrap_or_default();
        Self { dir, threshold, known: Mutex::new(Held { known, unwritten: false }), writing: Mutex::default() }
    }

    /// A call has asked for it.
    pub fn said(&self, account: &str, speech: &Speech) {
        let id = id_of(account, speech);
        let mut held = self.lock();
        if let Some(phrase) = held.known.phrases.get_mut(&id) {
            phrase.count += 1;
            held.unwritten = true;
            return;
        }
        if self.threshold == 0 {
            return;
        }
        held.unwritten = true;
        if held.known.counts.len() >= MAX_COUNTED && !held.known.counts.contains_key(&id) {
            // Those who were said once make room; who is said often comes again.
            held.known.counts.retain(|_, count| *count > 1);
            let full = held.known.counts.len() >= MAX_COUNTED;
            if full {
                held.known.counts.clear();
            }
        }
        let count = held.known.counts.entry(id.clone()).or_default();
        *count += 1;
        let count = *count;
        if count >= self.threshold && held.known.phrases.len() < MAX_PHRASES {
            held.known.counts.remove(&id);
            held.known.phrases.insert(id.clone(), state(id, account, speech, count));
        }
    }

    /// What is heard in place of an engine's voice; `None`: nothing, or it is gone.
    pub fn recorded(&self, account: &str, speech: &Speech) -> Option<(PathBuf, Recording)> {
        let held = self.lock();
        // Most boxes have none: no hash for each text then.
        if held.known.phrases.is_empty() {
            return None;
        }
        let id = id_of(account, speech);
        let recording = held.known.phrases.get(&id)?.recording.clone()?;
        let path = self.sound(&id, &recording);
        drop(held);
        let there = fs::metadata(&path).is_ok_and(|it| it.len() == recording.octets);
        if !there {
            tracing::warn!(path = %path.display(), "the recording of a phrase is gone; it is spoken by an engine");
        }
        there.then_some((path, recording))
    }

    /// By how often they are said.
    pub fn list(&self, account: Option<&str>) -> Vec<PhraseState> {
        let held = self.lock();
        let own = held.known.phrases.values().filter(|it| account.is_none_or(|own| own == it.account));
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
        own
    }

    pub fn find(&self, account: Option<&str>, id: &str) -> Option<PhraseState> {
        let held = self.lock();
        held.known.phrases.get(id).filter(|it| account.is_none_or(|own| own == it.account)).cloned()
    }

    /// Somebody chooses a phrase, be it said often or never.
    pub fn choose(&self, account: &str, speech: &Speech) -> Result<PhraseState, MediaFault> {
        let id = id_of(account, speech);
        self.change(&id, |known| {
            let count = known.counts.remove(&id).unwrap_or(0);
            if known.phrases.len() >= MAX_PHRASES && !known.phrases.contains_key(&id) {
                return Err(bad(format!("phrases: there are {MAX_PHRASES} already; remove some")));
            }
            let phrase = known.phrases.entry(id.clone()).or_insert_with(|| state(id.clone(), account, speech, count));
            phrase.chosen = true;
            Ok(phrase.clone())
        })
    }

    /// A recording takes its place. It has been heard by the caller of this: it is a sound.
    pub fn record(&self, id: &str, sound: &Bytes, kind: &str, now: SystemTime) -> Result<PhraseState, MediaFault> {
        let recording = Recording {
            content_type: kind.to_owned(),
            octets: sound.len() as u64,
            date_ms: millis(now),
            sha256: hex(&Sha256::digest(sound)),
        };
        let path = self.sound(id, &recording);
        file::put(&path, sound).map_err(|error| MediaFault::local("keeping a recording", &error))?;
        // The file before the list, the old one after it: whenever this is cut off, one of the two is heard.
        let changed = self.change(id, |known| {
            let phrase = known.phrases.get_mut(id).ok_or_else(|| bad(format!("phrase {id}: it was removed")))?;
            let old = phrase.recording.replace(recording.clone());
            Ok((phrase.clone(), old))
        });
        match changed {
            Ok((phrase, old)) => {
                if let Some(old) = old.filter(|old| old.sha256 != recording.sha256) {
                    remove(&self.sound(id, &old))?;
                }
                Ok(phrase)
            }
            Err(fault) => {
                let _ = remove(&path);
                Err(fault)
            }
        }
    }

    /// The recording itself.
    pub fn sound_of(&self, account: Option<&str>, id: &str) -> Option<(File, Recording)> {
        let recording = self.find(account, id)?.recording?;
        Some((File::open(self.sound(id, &recording)).ok()?, recording))
    }

    /// An engine speaks it again.
    pub fn unrecord(&self, id: &str) -> Result<(), MediaFault> {
        let old = self.change(id, |known| Ok(known.phrases.get_mut(id).and_then(|phrase| phrase.recording.take())))?;
        old.map_or(Ok(()), |old| remove(&self.sound(id, &old)))
    }

    /// It is forgotten, and counted anew when it is said.
    pub fn forget(&self, id: &str) -> Result<(), MediaFault> {
        let old = self.change(id, |known| Ok(known.phrases.remove(id).and_then(|phrase| phrase.recording)))?;
        old.map_or(Ok(()), |old| remove(&self.sound(id, &old)))
    }

    /// Writes the counts down, if they have changed. Blocks.
    pub fn save(&self) {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = {
            let mut held = self.lock();
            if !std::mem::take(&mut held.unwritten) {
                return;
            }
            held.known.clone()
        };
        if let Err(error) = file::write(&self.dir.join(FILE), &known) {
            self.lock().unwritten = true;
            tracing::warn!(%error, "how often phrases are said could not be written down");
        }
    }

    /// Changes a phrase, on the disk first. Calls that count meanwhile do not wait for the disk.
    fn change<T>(&self, id: &str, change: impl FnOnce(&mut Known) -> Result<T, MediaFault>) -> Result<T, MediaFault> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = self.lock().known.clone();
        let changed = change(&mut known)?;
        file::write(&self.dir.join(FILE), &known).map_err(|error| MediaFault::local("writing the phrases", &error))?;
        let mut held = self.lock();
        held.known.counts.remove(id);
        match known.phrases.remove(id) {
            Some(mut phrase) => {
                phrase.count = held.known.phrases.get(id).map_or(phrase.count, |it| it.count.max(phrase.count));
                held.known.phrases.insert(id.to_owned(), phrase);
            }
            None => {
                held.known.phrases.remove(id);
            }
        }
        Ok(changed)
    }

    /// Each recording has a file of its own.
    fn sound(&self, id: &str, recording: &Recording) -> PathBuf {
        self.dir.join(format!("{id}-{}.sound", recording.sha256))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn state(id: String, account: &str, speech: &Speech, count: u64) -> PhraseState {
    PhraseState { id, account: account.to_owned(), phrase: speech.into(), count, chosen: false, recording: None }
}

/// 128 bits: enough to tell phrases apart.
fn id_of(account: &str, speech: &Speech) -> String {
    let hash = Sha256::digest(format!("{account}\0{}", speech.hash()));
    hex(hash.get(..16).unwrap_or_default())
}

fn remove(path: &Path) -> Result<(), MediaFault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(MediaFault::local("removing a recording", &error)),
        _ => Ok(()),
    }
}

const FILE: &str = "phrases.json";
/// Texts that are counted without being known.
const MAX_COUNTED: usize = 20_000;
/// Texts that are known: more than anybody will have recorded.
const MAX_PHRASES: usize = 2_000;
