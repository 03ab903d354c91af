//! The files of running recordings: blocks go in as they come, what is paused is left out or silent, the file is closed
//! when the router says so. Which tap is whose is not known here.

use std::collections::HashMap;

use tipring_card::{BLOCK, Block, Law};
use tipring_resources::Sid;
use tipring_router::Event;
use tipring_store::{Blobs, RecordingWriter};

/// All recordings that are being made.
pub struct Recorder {
    blobs: Blobs,
    open: HashMap<Sid, Open>,
}

struct Open {
    laws: [Law; 2],
    /// Blocks of each channel so far.
    blocks: [u64; 2],
    /// What becomes of blocks before this one, and from it on: so that both channels change at the same moment.
    change: (Keeps, u64, Keeps),
    writer: Result<RecordingWriter, String>,
    /// Why the disk took no more; what was written before is kept.
    broken: Option<String>,
    /// The router has heard of it.
    told: bool,
}

/// What becomes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    Sound,
    Silence,
    Nothing,
}

/// A recording to be closed; may take as long as the disk does.
pub struct Closing {
    sid: Sid,
    writer: Result<RecordingWriter, String>,
    broken: Option<String>,
    trim: bool,
    drop_tail_ms: u32,
    discard: bool,
}

impl Recorder {
    /// Recordings that go to `blobs`.
    pub fn new(blobs: Blobs) -> Self {
        Recorder { blobs, open: HashMap::new() }
    }

    /// A file of one channel, or of two.
    pub fn open(&mut self, sid: Sid, law: Law, right: Option<Law>) {
        let writer = match right {
            None => self.blobs.create(sid, law),
            Some(right) => self.blobs.create2(sid, law, right),
        };
        let writer = writer.map_err(|error| error.to_string());
        let broken = writer.as_ref().err().cloned();
        let laws = [law, right.unwrap_or(law)];
        let change = (Keeps::Sound, 0, Keeps::Sound);
        self.open.insert(sid, Open { laws, blocks: [0; 2], change, writer, broken, told: false });
    }

    /// Leaves out what comes, or puts silence in its place; or goes on.
    pub fn pause(&mut self, sid: Sid, paused: bool, silence: bool) {
        let Some(open) = self.open.get_mut(&sid) else {
            return;
        };
        let now = match (paused, silence) {
            (false, _) => Keeps::Sound,
            (true, true) => Keeps::Silence,
            (true, false) => Keeps::Nothing,
        };
        // The channel that is behind gets the block that the other one has had already.
        let ahead = open.blocks[0].max(open.blocks[1]);
        let (from, at, to) = open.change;
        let waits = at == ahead && open.blocks != [ahead; 2];
        open.change = (if waits { from } else { to }, ahead, now);
    }

    /// A block of a channel. A full disk ends the file, not the call: the event, once, says so.
    pub fn block(&mut self, sid: Sid, right: bool, block: &Block) -> Option<Event> {
        let open = self.open.get_mut(&sid)?;
        let at = open.blocks[usize::from(right)];
        open.blocks[usize::from(right)] += 1;
        let (before, change, after) = open.change;
        let silence = [open.laws[usize::from(right)].silence(); BLOCK];
        let block = match if at < change { before } else { after } {
            Keeps::Sound => Some(block),
            Keeps::Silence => Some(&silence),
            Keeps::Nothing => None,
        };
        if let (Some(block), Ok(writer), None) = (block, &mut open.writer, &open.broken) {
            let written = if right { writer.write_right(block) } else { writer.write(block) };
            open.broken = written.err().map(|error| error.to_string());
        }
        open.breaks().map(|text| Event::RecordingBroken { sid, text })
    }

    /// No more blocks: what is left is [`Closing::close`], on a thread that may wait.
    pub fn close(&mut self, sid: Sid, trim: bool, drop_tail_ms: u32, discard: bool) -> Closing {
        let (writer, broken) = match self.open.remove(&sid) {
            Some(open) => (open.writer, open.broken),
            None => (Err("the recording was never opened".to_string()), None),
        };
        Closing { sid, writer, broken, trim, drop_tail_ms, discard }
    }
}

impl Open {
    /// Why it takes no more, for whoever has not heard it yet.
    fn breaks(&mut self) -> Option<String> {
        if self.told {
            return None;
        }
        let text = self.broken.clone()?;
        tracing::error!("a recording ends here: {text}");
        self.told = true;
        Some(text)
    }
}

impl Closing {
    /// Trims, makes safe and closes the file.
    pub fn close(self) -> Event {
        let done = self.writer.and_then(|writer| {
            if self.discard {
                return writer.discard().map(|()| 0).map_err(|error| error.to_string());
            }
            let kept = writer.finish(self.trim, self.drop_tail_ms).map_err(|error| error.to_string())?;
            // Where nothing was kept, the disk is why.
            if kept == 0 { self.broken.map_or(Ok(kept), Err) } else { Ok(kept) }
        });
        match done {
            Ok(duration_ms) => {
                Event::RecordingClosed { sid: self.sid, duration_ms: Some(duration_ms), text: String::new() }
            }
            Err(text) => Event::RecordingClosed { sid: self.sid, duration_ms: None, text },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::outcome::ScratchDir;
    use tipring_resources::SidKind;

    #[test]
    fn a_file_that_cannot_be_opened_is_told_once_with_its_first_block_and_at_its_end() {
        let dir = ScratchDir::new().expect("a folder");
        let mut recorder = Recorder::new(Blobs::new(dir.path.join("blobs")).expect("a folder"));
        std::fs::remove_dir_all(dir.path.join("blobs")).expect("removed");
        let sid = Sid::new(SidKind::Recording, 1);
        recorder.open(sid, Law::A, None);
        let told: Vec<Event> = (0..50).filter_map(|_| recorder.block(sid, false, &[0xd5; BLOCK])).collect();
        assert!(
            matches!(&told[..], [Event::RecordingBroken { text, .. }] if text.contains("No such file")),
            "{told:?}"
        );
        let closed = recorder.close(sid, false, 0, false).close();
        assert!(matches!(&closed, Event::RecordingClosed { duration_ms: None, text, .. } if text.contains("No such")));
    }

    #[test]
    fn a_disk_that_takes_no_more_is_told_once_and_what_it_took_is_kept() {
        // A second before it breaks, and nothing before it.
        for (blocks, kept) in [(100, Some(1_000)), (0, None)] {
            let dir = ScratchDir::new().expect("a folder");
            let mut recorder = Recorder::new(Blobs::new(dir.path.clone()).expect("a folder"));
            let sid = Sid::new(SidKind::Recording, 1);
            recorder.open(sid, Law::A, None);
            let mut told = Vec::new();
            for at in 0..300 {
                if at == blocks {
                    recorder.open.get_mut(&sid).expect("open").broken = Some("the disk is full".into());
                }
                told.extend(recorder.block(sid, false, &[0x55; BLOCK]));
            }
            assert_eq!(told, [Event::RecordingBroken { sid, text: "the disk is full".into() }]);
            let text = if kept.is_none() { "the disk is full".to_owned() } else { String::new() };
            let closed = recorder.close(sid, false, 0, false).close();
            assert_eq!(closed, Event::RecordingClosed { sid, duration_ms: kept, text });
        }
    }
}
