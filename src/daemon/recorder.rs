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
    /// The first block that the disk did not take; what was written before it is kept.
    broken: Option<String>,
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
        let laws = [law, right.unwrap_or(law)];
        let change = (Keeps::Sound, 0, Keeps::Sound);
        self.open.insert(sid, Open { laws, blocks: [0; 2], change, writer, broken: None });
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

    /// A block of a channel. A full disk ends the file, not the call: the error comes out when it is closed.
    pub fn block(&mut self, sid: Sid, right: bool, block: &Block) {
        let Some(open) = self.open.get_mut(&sid) else {
            return;
        };
        let at = open.blocks[usize::from(right)];
        open.blocks[usize::from(right)] += 1;
        let (before, change, after) = open.change;
        let silence = [open.laws[usize::from(right)].silence(); BLOCK];
        let block = match if at < change { before } else { after } {
            Keeps::Sound => block,
            Keeps::Silence => &silence,
            Keeps::Nothing => return,
        };
        if open.broken.is_none()
            && let Ok(writer) = &mut open.writer
            && let Err(error) = if right { writer.write_right(block) } else { writer.write(block) }
        {
            tracing::error!(%error, "a recording ends here: its disk takes no more");
            open.broken = Some(error.to_string());
        }
    }

    /// No more blocks: what is left is [`Closing::close`], on a thread that may wait.
    pub fn close(&mut self, sid: Sid, trim: bool, drop_tail_ms: u32, discard: bool) -> Closing {
        let writer = match self.open.remove(&sid) {
            Some(open) => open.writer,
            None => Err("the recording was never opened".to_string()),
        };
        Closing { sid, writer, trim, drop_tail_ms, discard }
    }
}

impl Closing {
    /// Trims, makes safe and closes the file.
    pub fn close(self) -> Event {
        let done = self.writer.and_then(|writer| {
            if self.discard {
                return writer.discard().map(|()| 0).map_err(|error| error.to_string());
            }
            writer.finish(self.trim, self.drop_tail_ms).map_err(|error| error.to_string())
        });
        match done {
            Ok(duration_ms) => {
                Event::RecordingClosed { sid: self.sid, duration_ms: Some(duration_ms), text: String::new() }
            }
            Err(text) => Event::RecordingClosed { sid: self.sid, duration_ms: None, text },
        }
    }
}
