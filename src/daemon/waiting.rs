//! For which telephones messages wait: kept in the state directory before whoever says so has his answer, so that lamps and
//! stuttering dial tones are after a restart what they were before it.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::run::write_secret;

/// The file in the state directory, its most octets, and the most lines in it.
const FILE: &str = "messages.json";
const OCTETS: u64 = 256 * 1024;
const MOST: usize = 4096;

/// The lines by name.
#[derive(Clone)]
pub struct Waiting {
    file: PathBuf,
    lines: Arc<Mutex<BTreeSet<String>>>,
}

impl Waiting {
    /// As they were kept. What cannot be read is nothing, and said.
    pub fn of(state_dir: &Path) -> Waiting {
        let file = state_dir.join(FILE);
        let lines = read(&file).unwrap_or_else(|error| {
            tracing::warn!("{}: {error}; no telephone has messages until it is told anew", file.display());
            BTreeSet::new()
        });
        Waiting { file, lines: Arc::new(Mutex::new(lines)) }
    }

    /// Those for which messages wait.
    pub fn lines(&self) -> Vec<String> {
        self.known().iter().cloned().collect()
    }

    /// Messages wait there, or wait no more. Once begun it is done, whoever asked goes away meanwhile.
    pub async fn keep(&self, line: &str, waiting: bool) {
        let (of, line) = (self.clone(), line.to_owned());
        if let Err(error) = tokio::task::spawn_blocking(move || of.write(line, waiting)).await {
            tracing::error!("{}: {error}", self.file.display());
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known is what the file has: what could not be written is tried again when it is said again.
    fn write(&self, line: String, waiting: bool) {
        let mut known = self.known();
        if known.contains(&line) == waiting {
            return;
        }
        if waiting && known.len() >= MOST {
            tracing::warn!("messages wait for {MOST} telephones: {line} does not know of its own after a restart");
            return;
        }
        let mut lines = known.clone();
        if waiting {
            lines.insert(line.clone())
        } else {
            lines.remove(&line)
        };
        let text = serde_json::to_string(&lines).map_err(std::io::Error::from);
        match text.and_then(|text| write_secret(&self.file, &text)) {
            Ok(()) => *known = lines,
            Err(error) => tracing::warn!(
                "{}: {error}; after a restart the telephone of {line} is what it was before this",
                self.file.display()
            ),
        }
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
            assert_eq!(Waiting::of(&dir.path).lines(), waiting.lines(), "{line} {waits}");
        }
        assert_eq!(waiting.lines(), ["dahdi 4/1"]);
        // No file can be written where a folder is: what is known stays what is kept, and the next try is one.
        let (file, aside) = (dir.path.join(FILE), dir.path.join("aside"));
        std::fs::rename(&file, &aside).expect("moved");
        std::fs::create_dir(&file).expect("a folder");
        waiting.keep("dahdi 4/3", true).await;
        assert_eq!(waiting.lines(), ["dahdi 4/1"]);
        std::fs::remove_dir(&file).expect("removed");
        waiting.keep("dahdi 4/3", true).await;
        assert_eq!(Waiting::of(&dir.path).lines(), ["dahdi 4/1", "dahdi 4/3"]);
        for rubbish in ["", "{", "[7]", "\u{0}"] {
            std::fs::write(dir.path.join(FILE), rubbish).expect("written");
            assert_eq!(Waiting::of(&dir.path).lines(), [""; 0], "{rubbish:?}");
        }
    }
}
