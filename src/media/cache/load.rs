//! The index is read beside the first answers: until it is there a key is looked for under its own name on the disk. What belongs
//! to nothing is thrown away on the way. And the worth of entries, which is written down now and then.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::index::Worth;
use super::{Cache, disk};

impl Cache {
    /// Begins to read what is on the disk, on a thread of its own.
    pub fn load(self: &Arc<Self>) -> io::Result<()> {
        let cache = Arc::clone(self);
        let thread = std::thread::Builder::new().name("media-index".into()).spawn(move || {
            if let Err(error) = cache.read_all() {
                tracing::error!(%error, "the cache cannot be read in full; what was not seen is fetched anew");
            }
            let mut index = cache.index();
            index.loaded = true;
            cache.make_room(&mut index, 0);
            drop(index);
            cache.loaded.notify_all();
        })?;
        *self.loader.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Waits until all that is on the disk is known.
    pub(super) fn wait_loaded(&self) -> std::sync::MutexGuard<'_, super::Index> {
        let index = self.index();
        self.loaded.wait_while(index, |it| !it.loaded).unwrap_or_else(PoisonError::into_inner)
    }

    /// The end: nothing is read any more, and the worth of all is written down.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        let loader = self.loader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(loader) = loader {
            let _ = loader.join();
        }
        self.note_worth();
    }

    fn read_all(&self) -> io::Result<()> {
        let worths = self.worths();
        self.index().grown(worths.age);
        let mut foreign = 0;
        for place in self.disk.places()? {
            let found = self.disk.look(&place)?;
            foreign += found.foreign.len() + self.take_in_all(&found.heads, &worths.of);
            found.foreign.iter().for_each(|it| disk::remove(it));
            self.throw_away(found.bodies);
            if self.closing.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        if foreign > 0 {
            tracing::warn!(
                foreign,
                "entries of the cache were thrown away: they are damaged, or were written with another media.seal_key_file \
                 or none; they are fetched anew"
            );
        }
        Ok(())
    }

    /// Takes entries in; how many could not be.
    fn take_in_all(&self, names: &[String], worths: &HashMap<String, Worth>) -> usize {
        let mut bad = 0;
        for name in names {
            if self.index().get(name).is_some() {
                continue;
            }
            match self.disk.read(name) {
                Some(entry) => {
                    self.take_in(name, entry, worths.get(name).copied());
                }
                None => {
                    // Somebody may have replaced it just now.
                    let index = self.index();
                    if index.get(name).is_none() && self.disk.has(name) && self.disk.read(name).is_none() {
                        self.disk.remove_head(name);
                        bad += 1;
                    }
                }
            }
        }
        bad
    }

    /// Bodies of earlier starts that no entry names.
    fn throw_away(&self, bodies: Vec<PathBuf>) {
        if bodies.is_empty() {
            return;
        }
        let index = self.index();
        for body in bodies {
            let file = body.file_name().unwrap_or_default().to_string_lossy();
            let owner = file.split('-').next().and_then(|name| index.get(name));
            if owner.is_none_or(|it| it.body != file) {
                disk::remove(&body);
            }
        }
    }

    /// Writes the worth of all entries down, if any was used. Losing it costs an eviction at most.
    pub fn note_worth(&self) {
        let (worths, age) = {
            let mut index = self.index();
            if !index.loaded || !std::mem::take(&mut index.changed) {
                return;
            }
            (index.worths(), index.age())
        };
        let mut text = format!("{:x}\n", age.to_bits());
        for (name, worth) in worths {
            text += &format!("{name} {:x} {}\n", worth.worth.to_bits(), worth.uses);
        }
        let temporary = self.disk.temporary();
        let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, self.disk.dir().join(WORTH)));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
    }

    fn worths(&self) -> Worths {
        let path = self.disk.dir().join(WORTH);
        let whole = fs::metadata(&path).is_ok_and(|it| it.len() <= MAX_WORTH_FILE);
        let text = if whole { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        read_worths(&text)
    }
}

/// What was written down about worth.
#[derive(Default)]
struct Worths {
    age: f64,
    of: HashMap<String, Worth>,
}

/// A line that cannot be read counts for nothing.
fn read_worths(text: &str) -> Worths {
    let number = |word: &str| {
        let value = f64::from_bits(u64::from_str_radix(word, 16).ok()?);
        (value.is_finite() && value >= 0.0).then_some(value)
    };
    let mut lines = text.lines();
    let age = lines.next().and_then(number).unwrap_or(0.0);
    let mut of = HashMap::new();
    for line in lines {
        let mut words = line.split(' ');
        let (Some(name), Some(worth), Some(uses)) = (words.next(), words.next(), words.next()) else { continue };
        if let (Some(worth), Ok(uses)) = (number(worth), uses.parse()) {
            of.insert(name.to_owned(), Worth { worth, uses });
        }
    }
    Worths { age, of }
}

/// Beside the entries.
const WORTH: &str = "worth";
/// A hundred octets an entry; a million of them.
const MAX_WORTH_FILE: u64 = 100 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_badly_counts_for_nothing() {
        let good = format!("{:x}\nab {:x} 3\n", 0.5f64.to_bits(), 2.0f64.to_bits());
        let read = read_worths(&good);
        assert_eq!((read.age, read.of["ab"]), (0.5, Worth { worth: 2.0, uses: 3 }));
        for bad in ["", "x", "ffffffffffffffff\nab zz 1\nab", "\u{0}\n  \n"] {
            let read = read_worths(bad);
            assert!(read.age == 0.0 && read.of.is_empty(), "{bad}");
        }
    }
}
