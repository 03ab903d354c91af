//! The files of running recordings: blocks of a tap go in as they come, the file is closed when the router says so.

use std::collections::HashMap;

use tipring_card::{Block, Law};
use tipring_resources::Sid;
use tipring_router::Event;
use tipring_store::{Blobs, RecordingWriter};
use tipring_switch::TapId;

/// All recordings that are being made.
pub struct Recorder {
    blobs: Blobs,
    open: HashMap<Sid, Open>,
    /// Which recording, and whether it is its right channel.
    taps: HashMap<TapId, (Sid, bool)>,
}

struct Open {
    writer: Result<RecordingWriter, String>,
    /// The first block that the disk did not take; what was written before it is kept.
    broken: Option<String>,
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
        Recorder { blobs, open: HashMap::new(), taps: HashMap::new() }
    }

    /// A file for the blocks of a tap; with a second one it has two channels, and that is the right one.
    pub fn open(&mut self, sid: Sid, tap: TapId, law: Law, second: Option<(TapId, Law)>) {
        let writer = match second {
            None => self.blobs.create(sid, law),
            Some((_, right)) => self.blobs.create2(sid, law, right),
        };
        self.taps.insert(tap, (sid, false));
        if let Some((right, _)) = second {
            self.taps.insert(right, (sid, true));
        }
        self.open.insert(sid, Open { writer: writer.map_err(|error| error.to_string()), broken: None });
    }

    /// A block of a tap. A full disk ends the file, not the call: the error comes out when it is closed.
    pub fn block(&mut self, tap: TapId, block: &Block) {
        let Some(&(sid, right)) = self.taps.get(&tap) else {
            return;
        };
        let Some(open) = self.open.get_mut(&sid) else {
            return;
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
            Some(open) => {
                self.taps.retain(|_, (of, _)| *of != sid);
                open.writer
            }
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
