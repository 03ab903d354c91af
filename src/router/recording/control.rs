//! Recordings while they are made: begun, paused, ended from outside, by the API or by Start and Stop (row C7). A pause
//! leaves the file open and changes the record at once; an end takes the taps away, and whoever made the recording brings
//! it to its end.

use tipring_resources::{Code, Record as Stored, Recording, RecordingStatus, Sid};
use tipring_switch::{Command as SwitchCommand, Port, TapId};

use super::{Ear, Side, Take, Wish};
use crate::effects::{Effect, RequestId, TraceKind, Track, WriteId};
use crate::fault::Fault;
use crate::outgoing::TOO_MUCH;
use crate::requests::{CallRecord, RecordingChange, Reply};
use crate::running::{Heard, Refused};
use crate::world::{TaskId, World};

/// A recording that is being made, as others may see and change it.
#[derive(Clone, Debug)]
pub(crate) struct LiveTake {
    pub(crate) recording: Recording,
    pub(crate) call: Sid,
    /// Who looks after it.
    pub(crate) task: TaskId,
    pub(crate) taps: Vec<(TapId, Port)>,
    /// It was ended from outside.
    pub(crate) stopped: bool,
    /// The disk takes no more of it, and that was told.
    pub(crate) broken: bool,
}

/// What begins on a call by the API, or by Start.
const STARTED: &str = "StartCallRecordingAPI";
/// What of a whole call there is once at a time.
const WHOLE_CALL: [&str; 2] = [STARTED, "OutboundAPI"];

/// Where a recording of a leg listens.
pub(crate) fn ears(port: Port, law: tipring_card::Law, track: Track, dual: bool) -> Vec<Ear> {
    let ear = |side| Ear { port, law, side };
    match track {
        Track::Inbound => vec![ear(Side::Said)],
        Track::Outbound => vec![ear(Side::Heard)],
        Track::Both if dual => vec![ear(Side::Said), ear(Side::Heard)],
        Track::Both => vec![ear(Side::Both)],
    }
}

impl World {
    /// Begins to record a leg, beside whatever it does.
    pub(crate) fn record_beside(
        &mut self,
        heard: &Heard,
        record: CallRecord,
        url: &str,
    ) -> Result<(Recording, WriteId), Refused> {
        let whole =
            |live: &LiveTake| live.call == heard.call.sid && WHOLE_CALL.contains(&live.recording.source.as_str());
        if self.takes.values().any(|live| whole(live) && !live.stopped) {
            return Err(Refused(
                Code(16108),
                "the call is being recorded already; stop that recording first".to_owned(),
            ));
        }
        let wish = Wish {
            source: STARTED,
            ears: ears(heard.port, heard.law, record.track, record.dual),
            quiet_ms: 0,
            silent_too: true,
            track: record.track,
            trim: record.trim,
            callback: record.callback,
            callback_method: record.callback_method,
            events: record.events,
            url: url.to_owned(),
            conference: None,
            text: None,
        };
        let crowded = || Refused(Code(20503), TOO_MUCH.to_owned());
        if self.is_crowded() {
            return Err(crowded());
        }
        let take = Take::begin(self, heard.task, &heard.call, wish).ok_or_else(crowded)?;
        let recording = take.recording.clone();
        let write = self.write(Stored::Recording(recording.clone()));
        take.run_beside(self, false);
        if let Some(session) = self.sessions.get_mut(&heard.task) {
            session.is_recorded(recording.sid);
        }
        Ok((recording, write))
    }

    /// The API records a live call.
    pub(crate) fn record_by_request(&mut self, id: RequestId, account: Sid, of: Sid, record: CallRecord) {
        let heard = match self.audible_by_name(account, of) {
            Ok(heard) => heard,
            Err(reply) => return self.emit(Effect::Reply { id, reply }),
        };
        match self.record_beside(&heard, record, "") {
            Ok((recording, write)) => self.reply_with(id, of, Reply::Recording(Box::new(recording)), write),
            Err(Refused(code, text)) => self.refuse(id, code.0, text),
        }
    }

    /// The disk takes no more of a recording: its call's owner learns it now, and not when somebody misses the rest.
    pub(crate) fn recording_breaks(&mut self, sid: Sid, why: &str) {
        let Some(live) = self.takes.get_mut(&sid).filter(|live| !live.broken) else {
            return;
        };
        live.broken = true;
        let (account, call) = (live.recording.account, live.call);
        let text = format!("recording {sid} breaks off, what was written before is kept: {why}");
        self.fault(account, call, Fault::error(12400, "", text));
    }

    /// The recording of a call or a room that is meant: the one with that SID, else the newest.
    fn live_take(&self, account: Sid, of: Option<Sid>, recording: Option<Sid>) -> Option<Sid> {
        let of_it = |live: &LiveTake| {
            of.is_none_or(|of| match live.recording.conference {
                Some(room) => room == of,
                None => live.call == of,
            })
        };
        let mine = self.takes.values().filter(|live| live.recording.account == account && !live.stopped && of_it(live));
        let meant = mine.filter(|live| recording.is_none_or(|sid| live.recording.sid == sid));
        // The tap's name tells the order: SIDs are random.
        meant.max_by_key(|live| live.taps.iter().map(|(tap, _)| tap.0).max()).map(|live| live.recording.sid)
    }

    /// The API changes a recording that is being made.
    pub(crate) fn change_recording(
        &mut self,
        id: RequestId,
        (account, of, recording): (Sid, Option<Sid>, Option<Sid>),
        change: RecordingChange,
    ) {
        let Some(sid) = self.live_take(account, of, recording) else {
            let live = of.is_some_and(|of| self.audible_by_name(account, of).is_ok());
            let reply = match recording {
                None if live => Reply::refused(16109, "no recording of the call is under way; begin one first"),
                _ => Reply::NotLive,
            };
            return self.emit(Effect::Reply { id, reply });
        };
        if let Some((changed, write)) = self.change_take(sid, change) {
            let session = changed.call;
            self.reply_with(id, session, Reply::Recording(Box::new(changed)), write);
        }
    }

    /// Pauses, resumes or ends a recording that is being made.
    pub(crate) fn change_take(&mut self, sid: Sid, change: RecordingChange) -> Option<(Recording, WriteId)> {
        let now = self.stamp();
        let live = self.takes.get_mut(&sid)?;
        live.recording.updated = now;
        live.recording.status = match change {
            RecordingChange::Pause { .. } => RecordingStatus::Paused,
            RecordingChange::Resume => RecordingStatus::InProgress,
            RecordingChange::Stop => RecordingStatus::Stopped,
        };
        live.stopped = change == RecordingChange::Stop;
        let (recording, taps) = (live.recording.clone(), live.taps.clone());
        self.trace(Some(recording.call), TraceKind::File, format!("recording {sid} is {}", recording.status.as_str()));
        match change {
            RecordingChange::Pause { silence } => self.emit(Effect::PauseRecording { sid, paused: true, silence }),
            RecordingChange::Resume => self.emit(Effect::PauseRecording { sid, paused: false, silence: false }),
            RecordingChange::Stop => {
                for (tap, port) in taps {
                    self.emit(Effect::Switch(SwitchCommand::Untap { tap, port }));
                }
            }
        }
        let write = self.write(Stored::Recording(recording.clone()));
        Some((recording, write))
    }

    /// Ends the newest recording of a call that was begun beside it. `None`: there is none.
    pub(crate) fn stop_recording_of(&mut self, account: Sid, call: Sid) -> Option<Recording> {
        let sid = self.live_take(account, Some(call), None)?;
        self.change_take(sid, RecordingChange::Stop).map(|(recording, _)| recording)
    }
}
