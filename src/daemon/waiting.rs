//! For which telephones messages wait: kept in the state directory before whoever says so has his answer, so that lamps and
//! stuttering dial tones are after a restart what they were before it.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use tokio::sync::Mutex;

use super::run::write_secret;

/// The file in the state directory, its most octets, and the most lines in it.
const FILE: &str = "messages.json";
const OCTETS: u64 = 256 * 1024;
const MOST: usize = 4096;

/// The lines by name.
pub struct Waiting {
    file: PathBuf,
    lines: Mutex<BTreeSet<String>>,
}

impl Waiting {
    /// As they were kept. What cannot be read is nothing, and said.
    pub fn of(state_dir: &Path) -> Waiting {
        let file = state_dir.join(FILE);
        let lines = read(&file).unwrap_or_else(|error| {
            tracing::warn!("{}: {error}; no telephone has messages until it is told anew", file.display());
            BTreeSet::new()
        });
        Waiting { file, lines: Mutex::new(lines) }
    }

    /// Those for which messages wait.
    pub async fn lines(&self) -> Vec<String> {
        self.lines.lock().await.iter().cloned().collect()
    }

    /// Messages wait there, or wait no more.
    pub async fn keep(&self, line: &str, waiting: bool) {
        let mut lines = self.lines.lock().await;
        let changed = match waiting {
            true if lines.len() >= MOST => {
                tracing::warn!("{line}: messages wait for {MOST} telephones: this one's lamp is dark after a restart");
                false
            }
            true => lines.insert(line.to_owned()),
            false => lines.remove(line),
        };
        if !changed {
            return;
        }
        let (file, text) = (self.file.clone(), serde_json::to_string(&*lines));
        let written = tokio::task::spawn_blocking(move || {
            text.map_err(std::io::Error::from).and_then(|text| write_secret(&file, &text))
        });
        let error = match written.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!("{}: {error}; after a restart {line} does not know of its messages", self.file.display());
    }
}

fn read(file: &Path) -> std::io::Result<BTreeSet<String>> {
    let mut text = String::new();
    match std::fs::File::open(file) {
        Ok(open) => open.take(OCTETS).read_to_string(&mut text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(error),
    };
    Ok(serde_json::from_str(&text)?)
}

#[cfg(test)]
mod tests {
    use super::super::outcome::ScratchDir;
    use super::*;

    #[tokio::test]
    async fn what_waits_is_kept_at_once_and_rubbish_is_nothing() {
        let dir = ScratchDir::new().expect("a folder");
        let waiting = Waiting::of(&dir.path);
        for (line, waits) in [("dahdi 4/2", true), ("dahdi 4/1", true), ("dahdi 4/2", false), ("dahdi 4/9", false)] {
            waiting.keep(line, waits).await;
            assert_eq!(Waiting::of(&dir.path).lines().await, waiting.lines().await, "{line} {waits}");
        }
        assert_eq!(waiting.lines().await, ["dahdi 4/1"]);
        for rubbish in ["", "{", "[7]", "\u{0}"] {
            std::fs::write(dir.path.join(FILE), rubbish).expect("written");
            assert_eq!(Waiting::of(&dir.path).lines().await, [""; 0], "{rubbish:?}");
        }
    }
}
