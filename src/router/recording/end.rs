//! The end of a recording, step by step: taps, file, record, commit. Each step is remembered, so that an errand may go on
//! where a verb had to stop.

use tipring_resources::{Record as Stored, RecordingStatus};
use tipring_switch::Command as SwitchCommand;

use super::{Take, seconds};
use crate::effects::{Effect, TraceKind, WriteId};
use crate::leg::{Leg, Stop};
use crate::limits::{FILE_LIMIT, SHORTEST_RECORDING_MS, TAP_LIMIT, WRITE_LIMIT};
use crate::world::Input;

/// How far the end of a recording is: an errand may go on where a verb had to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// It still listens.
    Open,
    /// The taps are told to end.
    Taps,
    /// The file is told to close.
    File,
    /// The record waits for its commit.
    Commit(WriteId),
}

impl Take {
    /// The taps end, then the file, then the record. Returns whether there is a recording. Stops only for another
    /// document of the API; then it goes on beside the call.
    pub(crate) async fn finish(mut self, leg: &Leg, drop_tail_ms: u32) -> Result<Option<Take>, Stop> {
        match self.bring_to_end(leg, drop_tail_ms).await {
            Ok(true) => Ok(Some(self)),
            Ok(false) => Ok(None),
            Err(stop) => {
                self.run_beside(&mut leg.world(), true);
                Err(stop)
            }
        }
    }

    async fn bring_to_end(&mut self, leg: &Leg, drop_tail_ms: u32) -> Result<bool, Stop> {
        if matches!(self.end, Closing::Open | Closing::Taps) {
            self.close(leg, drop_tail_ms).await?;
        }
        if self.end == Closing::File {
            let closed = self.closed(leg).await?;
            self.keep(leg, closed);
        }
        let Closing::Commit(write) = self.end else {
            return Ok(false);
        };
        let until = leg.now() + WRITE_LIMIT;
        let result = loop {
            match leg.next_unless_redirected(until).await? {
                Input::Written { id, result } if id == write => break result,
                Input::Timeout => {
                    leg.world().counters.writes_failed += 1;
                    break Err("the store did not confirm it in time".to_owned());
                }
                _ => {}
            }
        };
        Ok(self.committed(leg, result))
    }

    async fn close(&mut self, leg: &Leg, drop_tail_ms: u32) -> Result<(), Stop> {
        if self.end == Closing::Open {
            for tapped in self.taps.iter().filter(|tapped| !tapped.ended) {
                leg.world().emit(Effect::Switch(SwitchCommand::Untap { tap: tapped.tap, port: tapped.port }));
            }
            self.end = Closing::Taps;
        }
        let until = leg.now() + TAP_LIMIT;
        while !self.has_ended() {
            let input = leg.next_unless_redirected(until).await?;
            self.input(&input);
            if let Input::Timeout = input {
                // It may have been spoken: rather a silent recording than none.
                self.spoken = true;
                self.taps.iter_mut().for_each(|tapped| tapped.ended = true);
            }
        }
        let mut world = leg.world();
        if self.lost > 0 {
            let text = format!("{} ms of sound were lost", u64::from(self.lost) * 10);
            world.trace(Some(self.recording.call), TraceKind::File, text);
        }
        for tapped in &self.taps {
            world.routes.taps.remove(&tapped.tap);
        }
        self.broken = world.takes.remove(&self.recording.sid).is_some_and(|live| live.broken);
        world.routes.recordings.insert(self.recording.sid, leg.task);
        let (sid, discard, trim) = (self.recording.sid, self.is_discarded(), self.wish.trim);
        world.emit(Effect::CloseRecording { sid, trim, drop_tail_ms, discard });
        self.end = Closing::File;
        Ok(())
    }

    fn is_discarded(&self) -> bool {
        !self.spoken && !self.wish.silent_too
    }

    /// Waits for the file: its length, or why there is none.
    async fn closed(&self, leg: &Leg) -> Result<Result<u32, String>, Stop> {
        let until = leg.now() + FILE_LIMIT;
        loop {
            match leg.next_unless_redirected(until).await? {
                Input::RecordingClosed { sid, duration_ms, text } if sid == self.recording.sid => {
                    return Ok(duration_ms.ok_or(text));
                }
                Input::Timeout => return Ok(Err("the file was not closed in time".to_owned())),
                _ => {}
            }
        }
    }

    /// Writes what became of it.
    fn keep(&mut self, leg: &Leg, closed: Result<u32, String>) {
        leg.world().routes.recordings.remove(&self.recording.sid);
        let failure = match closed {
            _ if self.is_discarded() => Some((16102, "nobody spoke".to_owned())),
            Err(why) => Some((12400, why)),
            Ok(ms) if ms < SHORTEST_RECORDING_MS => Some((16101, format!("{ms} ms"))),
            Ok(ms) => {
                self.recording.duration_ms = Some(ms);
                None
            }
        };
        self.recording.status = if failure.is_none() { RecordingStatus::Completed } else { RecordingStatus::Absent };
        if let Some((code, why)) = failure {
            self.recording.error_code = Some(code);
            let text = format!("recording {} is absent: {why}", self.recording.sid);
            if code == 12400 && !self.broken {
                self.fault(leg, text);
            } else {
                leg.world().trace(Some(self.recording.call), TraceKind::File, text);
            }
        }
        let mut world = leg.world();
        self.recording.updated = world.stamp();
        let write = world.write(Stored::Recording(self.recording.clone()));
        world.routes.await_write(write, leg.task);
        self.end = Closing::Commit(write);
    }

    /// Tells of it. Returns whether there is a recording.
    fn committed(&self, leg: &Leg, result: Result<(), String>) -> bool {
        let sid = self.recording.sid;
        if let Err(why) = result {
            self.fault(leg, format!("recording {sid} could not be kept: {why}"));
            return false;
        }
        let completed = self.recording.status == RecordingStatus::Completed;
        let mut world = leg.world();
        if completed {
            world.counters.recordings += 1;
            let text = format!("recording {sid} is kept: {} s", seconds(&self.recording));
            world.trace(Some(self.recording.call), TraceKind::File, text);
            if let Some(wish) = self.wish.text.clone() {
                world.write_down_after(leg.task, &self.recording, &self.call, &self.wish.url, wish);
            }
        }
        let events = self.wish.events;
        if completed && events.completed || !completed && events.absent {
            self.tell(&mut world, None);
        }
        completed
    }
}
