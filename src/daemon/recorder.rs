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
    taps: HashMap<TapId, Sid>,
}

struct Open {
    tap: TapId,
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

    /// A file for the blocks of a tap.
    pub fn open(&mut self, sid: Sid, tap: TapId, law: Law) {
        let writer = self.blobs.create(sid, law).map_err(|error| error.to_string());
        self.taps.insert(tap, sid);
        self.open.insert(sid, Open { tap, writer, broken: None });
    }

    /// A block of a tap. A full disk ends the file, not the call: the error comes out when it is closed.
    pub fn block(&mut self, tap: TapId, block: &Block) {
        let Some(open) = self.taps.get(&tap).and_then(|sid| self.open.get_mut(sid)) else {
            return;
        };
        if open.broken.is_none()
            && let Ok(writer) = &mut open.writer
            && let Err(error) = writer.write(block)
        {
            tracing::error!(%error, "a recording ends here: its disk takes no more");
            open.broken = Some(error.to_string());
        }
    }

    /// No more blocks: what is left is [`Closing::close`], on a thread that may wait.
    pub fn close(&mut self, sid: Sid, trim: bool, drop_tail_ms: u32, discard: bool) -> Closing {
        let writer = match self.open.remove(&sid) {
            Some(open) => {
                self.taps.remove(&open.tap);
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
