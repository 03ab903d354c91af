//! In which forms lines of this box have asked for sounds: what is brought in beforehand is made in these. What a box has is
//! learned from its calls, not from a setting: the law is what a channel reports. Until the first call, both laws.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use tipring_card::Law;

use super::file;
use crate::preset::Preset;

pub(crate) struct Forms {
    path: PathBuf,
    /// Two laws usually, one mostly.
    seen: RwLock<Vec<Preset>>,
}

impl Forms {
    pub fn open(dir: &Path) -> Self {
        let path = dir.join("forms.json");
        let held: Vec<String> = file::read(&path).unwrap_or_default();
        let seen = held.iter().filter_map(|it| Preset::parse(it)).take(MOST).collect();
        Self { path, seen: RwLock::new(seen) }
    }

    /// A line has asked for this one. It is written down when it is new, beside the call.
    pub fn asked(&self, preset: Preset) {
        let known = |seen: &Vec<Preset>| seen.contains(&preset) || seen.len() >= MOST;
        if known(&self.seen.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if known(&seen) {
            return;
        }
        seen.push(preset);
        let (path, held) = (self.path.clone(), seen.iter().map(Preset::to_string).collect::<Vec<_>>());
        drop(seen);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = file::write(&path, &held) {
                tracing::warn!(%error, "the forms that lines ask for could not be written down");
            }
        });
    }

    pub fn usual(&self) -> Vec<Preset> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        if seen.is_empty() { vec![Preset::telephone(Law::A), Preset::telephone(Law::Mu)] } else { seen.clone() }
    }
}

/// Forms that are remembered: two laws and what sound devices take.
const MOST: usize = 8;
