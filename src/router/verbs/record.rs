//! Record: a beep, then the caller's voice into a recording, until silence, a key, the longest time or the end of the
//! call. Order matters: tap, file, record, commit, and only then anybody is told of it.

use tipring_card::Micros;
use tipring_instructions::Record;
use tipring_resources::{Call, Record as Stored, Recording, RecordingStatus, Sid, SidKind};
use tipring_switch::{Command as SwitchCommand, Port, TapId, Tone};

use crate::effects::{Effect, TraceKind, WriteId};
use crate::errand::Errand;
use crate::fault::Fault;
use crate::fetch::{Page, method_of};
use crate::leg::{Leg, Over};
use crate::limits::{FILE_LIMIT, KEY_TAIL_MS, PORT_GONE_LIMIT, SHORTEST_RECORDING_MS, TAP_LIMIT, WRITE_LIMIT};
use crate::params::{Params, param};
use crate::sound::Noise;
use crate::verbs::Flow;
use crate::world::Input;
use crate::{address, params};

/// A recording that is being made.
struct Take {
    recording: Recording,
    tap: TapId,
    port: Port,
    ended: Ended,
    /// The tap has said its last word.
    tap_ended: bool,
    spoken: bool,
}

/// What ended a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Key(u8),
    Silence,
    TooLong,
    CallOver,
    Cut,
}

pub(super) async fn run(leg: &Leg, page: &Page, record: &Record) -> Result<Flow, Over> {
    leg.answer().await?;
    if record.play_beep {
        leg.hear(&Noise::Tones(vec![Tone::Beep])).await?;
    }
    let mut take = begin(leg, page, record)?;
    take.listen(leg, record).await;
    take.close(leg, record).await;
    let completed = take.keep(leg, page, record).await;
    let over = leg.is_over();
    if !completed {
        return if over { Err(Over) } else { Ok(Flow::Next) };
    }
    let ask = page.ask(record.action.as_deref(), record.method, take.told(leg));
    if over {
        // The application still hears of it; what it answers has no call any more.
        let call = leg.call()?.0;
        leg.world().begin(call.sid, Errand::Notice { call: Box::new(call), ask });
        return Err(Over);
    }
    Ok(Flow::Ask(ask))
}

/// Tap, file and record.
fn begin(leg: &Leg, page: &Page, record: &Record) -> Result<Take, Over> {
    let mut world = leg.world();
    let tap = TapId(world.id());
    let sid = world.sid(SidKind::Recording);
    let now = world.stamp();
    let session = world.sessions.get(&leg.task).filter(|session| !session.over).ok_or(Over)?;
    let (port, law, call) = (session.lease, session.law, session.call.clone());
    let recording = Recording {
        sid,
        account: call.account,
        call: call.sid,
        status: RecordingStatus::InProgress,
        channels: 1,
        source: "RecordVerb".to_owned(),
        duration_ms: None,
        error_code: None,
        started: now,
        created: now,
        updated: now,
    };
    let quiet_ms = record.timeout_s.saturating_mul(1_000);
    world.emit(Effect::OpenRecording { sid, tap, law, second: None });
    world.emit(Effect::Switch(SwitchCommand::Tap { port, tap, both: false, quiet_ms }));
    world.routes.taps.insert(tap, leg.task);
    let write = world.write(Stored::Recording(recording.clone()));
    world.trace(Some(call.sid), TraceKind::File, format!("recording {sid} begins"));
    drop(world);
    if record.callback_events.in_progress {
        tell(leg, page, record, &call, &recording, Some(write));
    }
    Ok(Take { recording, tap, port, ended: Ended::CallOver, tap_ended: false, spoken: false })
}

impl Take {
    /// Until something ends it.
    async fn listen(&mut self, leg: &Leg, record: &Record) {
        let mut until = leg.now() + Micros::from_s(u64::from(record.max_length_s));
        self.ended = loop {
            match leg.next(until).await {
                Err(Over) => break Ended::CallOver,
                Ok(Input::Timeout) if self.tap_ended => break Ended::Cut,
                Ok(Input::Timeout) => break Ended::TooLong,
                Ok(Input::Quiet(tap)) if tap == self.tap && record.timeout_s > 0 => {
                    break Ended::Silence;
                }
                Ok(Input::Key(key)) if record.finish_on_key.contains(char::from(key)) => {
                    break Ended::Key(key);
                }
                // Not by us: the port is gone, and with it most likely the call.
                Ok(Input::TapEnded { tap, spoken, .. }) if tap == self.tap => {
                    (self.tap_ended, self.spoken) = (true, spoken);
                    until = leg.now() + PORT_GONE_LIMIT;
                }
                Ok(_) => {}
            }
        };
        let text = match self.ended {
            Ended::Key(key) => format!("key {}", char::from(key)),
            Ended::Silence => "silence".to_owned(),
            Ended::TooLong => "maxLength".to_owned(),
            Ended::CallOver => "the call is over".to_owned(),
            Ended::Cut => "the switch ended it".to_owned(),
        };
        leg.trace(TraceKind::Verb, format!("Record ended: {text}"));
    }

    /// The tap ends, then the file.
    async fn close(&mut self, leg: &Leg, record: &Record) {
        if !self.tap_ended {
            leg.world().emit(Effect::Switch(SwitchCommand::Untap { tap: self.tap, port: self.port }));
        }
        let until = leg.now() + TAP_LIMIT;
        while !self.tap_ended {
            match leg.next_after_all(until).await {
                Input::TapEnded { tap, spoken, lost } if tap == self.tap => {
                    (self.tap_ended, self.spoken) = (true, spoken);
                    if lost > 0 {
                        leg.trace(TraceKind::File, format!("{} ms of sound were lost", lost * 10));
                    }
                }
                // It may have been spoken: rather a silent recording than none.
                Input::Timeout => (self.tap_ended, self.spoken) = (true, true),
                _ => {}
            }
        }
        let drop_tail_ms = if matches!(self.ended, Ended::Key(_)) { KEY_TAIL_MS } else { 0 };
        let mut world = leg.world();
        world.routes.taps.remove(&self.tap);
        world.routes.recordings.insert(self.recording.sid, leg.task);
        let (sid, discard) = (self.recording.sid, !self.spoken);
        world.emit(Effect::CloseRecording { sid, trim: record.trim, drop_tail_ms, discard });
    }

    /// Waits for the file, keeps the record and waits for its commit. Returns whether there is a recording.
    async fn keep(&mut self, leg: &Leg, page: &Page, record: &Record) -> bool {
        let until = leg.now() + FILE_LIMIT;
        let closed = loop {
            match leg.next_after_all(until).await {
                Input::RecordingClosed { sid, duration_ms, text } if sid == self.recording.sid => {
                    break duration_ms.ok_or(text);
                }
                Input::Timeout => break Err("the file was not closed in time".to_owned()),
                _ => {}
            }
        };
        leg.world().routes.recordings.remove(&self.recording.sid);
        let failure = match closed {
            _ if !self.spoken => Some((16102, "nobody spoke".to_owned())),
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
            if code == 12400 {
                leg.fault(Fault::error(code, &page.url, text));
            } else {
                leg.trace(TraceKind::File, text);
            }
        }
        self.commit(leg, page, record).await
    }

    async fn commit(&mut self, leg: &Leg, page: &Page, record: &Record) -> bool {
        let write = {
            let mut world = leg.world();
            self.recording.updated = world.stamp();
            let write = world.write(Stored::Recording(self.recording.clone()));
            world.routes.await_write(write, leg.task);
            write
        };
        let completed = self.recording.status == RecordingStatus::Completed;
        let sid = self.recording.sid;
        if let Err(why) = leg.committed(write, WRITE_LIMIT).await {
            leg.fault(Fault::error(12400, &page.url, format!("recording {sid} could not be kept: {why}")));
            return false;
        }
        if completed {
            leg.world().counters.recordings += 1;
            leg.trace(TraceKind::File, format!("recording {sid} is kept: {} s", seconds(&self.recording)));
        }
        let events = record.callback_events;
        if (completed && events.completed || !completed && events.absent)
            && let Ok((call, _)) = leg.call()
        {
            tell(leg, page, record, &call, &self.recording, None);
        }
        completed
    }

    /// The verb's own parameters.
    fn told(&self, leg: &Leg) -> Params {
        let mut params = vec![
            param("RecordingUrl", recording_url(leg, &self.recording)),
            param("RecordingSid", self.recording.sid),
            param("RecordingDuration", seconds(&self.recording)),
        ];
        match self.ended {
            Ended::Key(key) => params.push(param("Digits", char::from(key))),
            Ended::CallOver => params.push(param("Digits", "hangup")),
            Ended::Silence | Ended::TooLong | Ended::Cut => {}
        }
        params
    }
}

/// Tells the recording's callback, beside the call; `write`: once that is committed.
fn tell(leg: &Leg, page: &Page, record: &Record, call: &Call, recording: &Recording, write: Option<WriteId>) {
    let Some(callback) = &record.callback else {
        return;
    };
    let url = address::resolve(&page.url, callback);
    let mut told = vec![
        param("RecordingSid", recording.sid),
        param("RecordingUrl", recording_url(leg, recording)),
        param("RecordingStatus", recording.status.as_str()),
        param("RecordingChannels", recording.channels),
        param("RecordingStartTime", crate::date::rfc2822(recording.started)),
        param("RecordingSource", &recording.source),
        param("RecordingTrack", "inbound"),
    ];
    if recording.duration_ms.is_some() {
        told.push(param("RecordingDuration", seconds(recording)));
    }
    if let Some(code) = recording.error_code {
        told.push(param("ErrorCode", code));
    }
    let params = [ids(call.account, call.sid), told].concat();
    let mut world = leg.world();
    let errand = Errand::Callback {
        call: Box::new(call.clone()),
        url,
        method: method_of(record.callback_method),
        params,
        write,
    };
    if let Some(task) = world.begin(call.sid, errand)
        && let Some(write) = write
    {
        world.routes.await_write(write, task);
    }
}

fn ids(account: Sid, call: Sid) -> params::Params {
    vec![param("AccountSid", account), param("CallSid", call)]
}

/// Where the API shows it; the sound is there with `.wav` appended.
fn recording_url(leg: &Leg, recording: &Recording) -> String {
    let world = leg.world();
    let config = &world.config;
    let (base, version) = (config.public_base.trim_end_matches('/'), &config.api_version);
    format!("{base}/{version}/Accounts/{}/Recordings/{}", recording.account, recording.sid)
}

/// To the nearest second, but never nothing.
fn seconds(recording: &Recording) -> u32 {
    (recording.duration_ms.unwrap_or(0).saturating_add(500) / 1_000).max(1)
}
