//! A recording, whoever wished it: tap, file, record, and only after its commit anybody is told of it. It may be brought
//! to its end by the verb that began it, or by an errand of its own when that verb has no time to wait.

mod control;
mod end;
mod text;

use tipring_card::Law;
use tipring_instructions::RecordingEvents;
use tipring_resources::{Call, Code, Method, Record as Stored, Recording, RecordingStatus, Sid, SidKind};
use tipring_switch::{Command as SwitchCommand, Port, TapId};

use crate::config::Config;
use crate::date::rfc2822;
use crate::effects::{Effect, TraceKind, Track, WriteId};
use crate::errand::Errand;
use crate::fault::Fault;
use crate::leg::{Leg, Stop};
use crate::params::{Params, param};
use crate::world::{Input, TaskId, World};
use end::Closing;

pub(crate) use control::{LiveTake, ears};
pub(crate) use text::{Text, TextWish, write_down};

/// What is to be recorded, and who is told of it.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// As records and callbacks name it.
    pub(crate) source: &'static str,
    /// Whose voices; two make a file of two channels.
    pub(crate) ears: Vec<Ear>,
    /// Of the first ear; 0: never.
    pub(crate) quiet_ms: u32,
    /// It is kept even if nobody speaks.
    pub(crate) silent_too: bool,
    pub(crate) track: Track,
    pub(crate) trim: bool,
    /// Absolute; empty: nobody.
    pub(crate) callback: String,
    pub(crate) callback_method: Method,
    pub(crate) events: RecordingEvents,
    /// The document that wished it, for people.
    pub(crate) url: String,
    /// The room that is recorded.
    pub(crate) conference: Option<Sid>,
    /// What is said is to be written down.
    pub(crate) text: Option<TextWish>,
}

/// Where a recording listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ear {
    pub(crate) port: Port,
    pub(crate) law: Law,
    pub(crate) side: Side,
}

/// Which side of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// What its channel says.
    Said,
    /// What it hears.
    Heard,
    /// Both, mixed.
    Both,
}

/// A recording that is being made.
pub(crate) struct Take {
    pub(crate) recording: Recording,
    call: Box<Call>,
    wish: Wish,
    taps: Vec<Tapped>,
    spoken: bool,
    lost: u32,
    /// The disk took no more of it, and that was told.
    broken: bool,
    /// How far its end is.
    end: Closing,
}

struct Tapped {
    tap: TapId,
    port: Port,
    /// It has said its last word.
    ended: bool,
}

/// Who is told of a recording, in one word for callbacks.
const fn track(track: Track) -> &'static str {
    match track {
        Track::Both => "both",
        Track::Inbound => "inbound",
        Track::Outbound => "outbound",
    }
}

impl Take {
    /// Tap, file and record. `task` gets what is told of it.
    pub(crate) fn begin(world: &mut World, task: TaskId, call: &Call, wish: Wish) -> Option<Take> {
        let first = *wish.ears.first()?;
        let names: Vec<TapId> = wish.ears.iter().take(2).map(|_| TapId(world.id())).collect();
        let tap = *names.first()?;
        let sid = world.sid(SidKind::Recording);
        let now = world.stamp();
        let recording = Recording {
            sid,
            account: call.account,
            call: call.sid,
            status: RecordingStatus::InProgress,
            channels: if names.len() > 1 { 2 } else { 1 },
            source: wish.source.to_owned(),
            duration_ms: None,
            error_code: None,
            started: now,
            created: now,
            updated: now,
            conference: wish.conference,
            track: track(wish.track).to_owned(),
        };
        let second = names.get(1).copied().zip(wish.ears.get(1).map(|ear| ear.law));
        world.emit(Effect::OpenRecording { sid, tap, law: first.law, second });
        let mut taps = Vec::new();
        for (at, (tap, ear)) in names.into_iter().zip(&wish.ears).enumerate() {
            let quiet_ms = if at == 0 { wish.quiet_ms } else { 0 };
            let port = ear.port;
            world.emit(Effect::Switch(match ear.side {
                Side::Heard => SwitchCommand::TapHeard { port, tap },
                side => SwitchCommand::Tap { port, tap, both: side == Side::Both, quiet_ms },
            }));
            world.routes.taps.insert(tap, task);
            taps.push(Tapped { tap, port: ear.port, ended: false });
        }
        let write = world.write(Stored::Recording(recording.clone()));
        world.trace(Some(call.sid), TraceKind::File, format!("recording {sid} begins"));
        let live = LiveTake {
            recording: recording.clone(),
            call: call.sid,
            task,
            taps: taps.iter().map(|tapped| (tapped.tap, tapped.port)).collect(),
            stopped: false,
            broken: false,
        };
        world.takes.insert(sid, live);
        let (call, end) = (Box::new(call.clone()), Closing::Open);
        let take = Take { recording, call, wish, taps, spoken: false, lost: 0, broken: false, end };
        if take.wish.events.in_progress {
            take.tell(world, Some(write));
        }
        Some(take)
    }

    /// Whether it is the tap that hears silence.
    pub(crate) fn is_tap(&self, tap: TapId) -> bool {
        self.taps.first().is_some_and(|tapped| tapped.tap == tap)
    }

    /// What an input means for it: true when a tap of its has ended.
    pub(crate) fn input(&mut self, input: &Input) -> bool {
        let Input::TapEnded { tap, spoken, lost } = input else {
            return false;
        };
        let Some(tapped) = self.taps.iter_mut().find(|tapped| tapped.tap == *tap && !tapped.ended) else {
            return false;
        };
        tapped.ended = true;
        self.spoken |= *spoken;
        self.lost = self.lost.saturating_add(*lost);
        true
    }

    /// Whether no sound comes any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.taps.iter().all(|tapped| tapped.ended)
    }

    /// An errand goes on: with its end at once (`now`), or when it is told of the call's end or the taps end.
    pub(crate) fn run_beside(self, world: &mut World, now: bool) -> Option<TaskId> {
        let (sid, end) = (self.recording.sid, self.end);
        let taps: Vec<TapId> = self.taps.iter().filter(|tapped| !tapped.ended).map(|tapped| tapped.tap).collect();
        let errand = world.begin(self.recording.call, Errand::Recording { take: Box::new(self), now })?;
        world.routes.taps.extend(taps.into_iter().map(|tap| (tap, errand)));
        if let Some(live) = world.takes.get_mut(&sid) {
            live.task = errand;
        }
        match end {
            Closing::Open | Closing::Taps => {}
            Closing::File => drop(world.routes.recordings.insert(sid, errand)),
            Closing::Commit(write) => world.routes.await_write(write, errand),
        }
        Some(errand)
    }

    /// Whether the API, or a Stop, has ended it.
    pub(crate) fn is_stopped(&self, leg: &Leg) -> bool {
        leg.world().takes.get(&self.recording.sid).is_some_and(|live| live.stopped)
    }

    fn fault(&self, leg: &Leg, text: String) {
        let fault = Fault::error(12400, &self.wish.url, text);
        let mut world = leg.world();
        let url = fault.url.clone();
        world.fault(self.recording.account, self.recording.call, fault);
        world.keep_failure(leg.task, Code(12400), url);
    }

    /// What a verb's own request says of it.
    pub(crate) fn told(&self, config: &Config) -> Params {
        vec![
            param("RecordingUrl", recording_url(config, self.recording.account, self.recording.sid)),
            param("RecordingSid", self.recording.sid),
            param("RecordingDuration", seconds(&self.recording)),
        ]
    }

    /// Tells the callback, beside the call; `write`: once that is committed.
    fn tell(&self, world: &mut World, write: Option<WriteId>) {
        if self.wish.callback.is_empty() {
            return;
        }
        let recording = &self.recording;
        let mut params = vec![
            param("AccountSid", recording.account),
            param("CallSid", recording.call),
            param("RecordingSid", recording.sid),
            param("RecordingUrl", recording_url(&world.config, recording.account, recording.sid)),
            param("RecordingStatus", recording.status.as_str()),
            param("RecordingChannels", recording.channels),
            param("RecordingStartTime", rfc2822(recording.started)),
            param("RecordingSource", &recording.source),
            param("RecordingTrack", track(self.wish.track)),
        ];
        if let Some(conference) = recording.conference {
            params.push(param("ConferenceSid", conference));
        }
        if recording.duration_ms.is_some() {
            params.push(param("RecordingDuration", seconds(recording)));
        }
        if let Some(code) = recording.error_code {
            params.push(param("ErrorCode", code));
        }
        let errand = Errand::Callback {
            call: self.call.clone(),
            url: self.wish.callback.clone(),
            method: self.wish.callback_method,
            params,
            write,
        };
        if let Some(task) = world.begin(recording.call, errand)
            && let Some(write) = write
        {
            world.routes.await_write(write, task);
        }
    }
}

/// A recording that an errand looks after: until its call is over, or it can hear nothing more.
pub(crate) async fn look_after(leg: &Leg, mut take: Take, now: bool) {
    // Nothing redirects an errand.
    while !now && !take.has_ended() {
        let input = leg.next_after_all(tipring_card::Micros::FOREVER).await;
        take.input(&input);
        if let Input::Line = input {
            break;
        }
    }
    let _: Result<Option<Take>, Stop> = take.finish(leg, 0).await;
}

/// Where the API shows it; the sound is there with `.wav` appended.
pub(crate) fn recording_url(config: &Config, account: Sid, recording: Sid) -> String {
    let (base, version) = (config.public_base.trim_end_matches('/'), &config.api_version);
    format!("{base}/{version}/Accounts/{account}/Recordings/{recording}")
}

/// To the nearest second, but never nothing.
fn seconds(recording: &Recording) -> u32 {
    (recording.duration_ms.unwrap_or(0).saturating_add(500) / 1_000).max(1)
}
