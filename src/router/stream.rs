//! Streams: what a call says or hears goes to a server over a WebSocket, and back if it is connected (twiml.md §4). A
//! stream beside the call is an errand; that of a Connect is the verb's own until it has no time to wait for its end.

use tipring_instructions::{Stream, StreamTrack};
use tipring_resources::{Call, Code, Method, Sid, SidKind};
use tipring_switch::{Command as SwitchCommand, PlayId, Port, TapId};

use crate::address;
use crate::beside::{StreamEar, StreamEvent, StreamOrder, StreamTap, StreamWish, Track3};
use crate::date::iso8601;
use crate::effects::{Effect, RequestId, StreamId, TraceKind};
use crate::errand::Errand;
use crate::fault::Fault;
use crate::fetch::{Page, method_of};
use crate::leg::Leg;
use crate::limits::{STREAM_END_LIMIT, STREAM_START_LIMIT};
use crate::params::param;
use crate::progress::{Thread, Told};
use crate::running::{Heard, Kind, Refused, Running};
use crate::world::{Input, TaskId, World};
use tipring_card::Micros;

/// What is to be streamed, and who is told.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) sid: Sid,
    /// Absolute, `ws` or `wss`.
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) track: Track3,
    /// Absolute; empty: nobody.
    pub(crate) callback: String,
    pub(crate) callback_method: Method,
    pub(crate) parameters: Vec<(String, String)>,
}

/// How far a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is emitted yet.
    Planned,
    /// The server has not taken it yet.
    Opening,
    Open,
    /// We have ended it, and wait for the last word.
    Closing,
    Ended,
}

/// A stream that is being carried out.
pub(crate) struct Wire {
    pub(crate) plan: Plan,
    heard: Heard,
    id: StreamId,
    taps: Vec<(TapId, Port)>,
    /// Where the server is heard.
    pub(crate) play: Option<PlayId>,
    state: State,
    /// When something must have happened.
    pub(crate) until: Micros,
}

/// A page's URL for a WebSocket: relative ones are resolved, and speak the page's kind of transport.
pub(crate) fn web_socket(page: &Page, url: &str) -> Option<String> {
    let url = page.resolve(url);
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        _ => return None,
    };
    let host = rest.split(['/', '#']).next().unwrap_or_default();
    (!host.is_empty()).then(|| format!("{scheme}://{rest}"))
}

/// The one word of two rooms.
pub(crate) fn track_of(track: StreamTrack) -> Track3 {
    match track {
        StreamTrack::Inbound => Track3::Inbound,
        StreamTrack::Outbound => Track3::Outbound,
        StreamTrack::Both => Track3::Both,
    }
}

/// The taps of tracks: which side, in order.
pub(crate) const fn sides(track: Track3) -> &'static [bool] {
    match track {
        Track3::Inbound => &[false],
        Track3::Outbound => &[true],
        Track3::Both => &[false, true],
    }
}

impl World {
    /// A tap on one side of a port, heard by `task`.
    pub(crate) fn tap_side(&mut self, task: TaskId, port: Port, outbound: bool) -> TapId {
        let tap = TapId(self.id());
        self.emit(Effect::Switch(match outbound {
            true => SwitchCommand::TapHeard { port, tap },
            false => SwitchCommand::Tap { port, tap, both: false, quiet_ms: 0 },
        }));
        self.routes.taps.insert(tap, task);
        tap
    }

    /// The plan of a document's stream; `None`: its URL leads nowhere.
    pub(crate) fn plan_of(&mut self, page: &Page, stream: &Stream) -> Option<Plan> {
        Some(Plan {
            sid: self.sid(SidKind::Stream),
            url: web_socket(page, &stream.url)?,
            name: stream.name.clone().unwrap_or_default(),
            track: track_of(stream.track),
            callback: stream.callback.as_deref().map(|url| page.resolve(url)).unwrap_or_default(),
            callback_method: method_of(stream.callback_method),
            parameters: stream.parameters.clone(),
        })
    }

    /// Begins a stream beside a call.
    pub(crate) fn start_stream(&mut self, heard: Heard, plan: Plan) -> Result<(Sid, String), Refused> {
        let running = Running {
            call: heard.call.sid,
            kind: Kind::Stream,
            sid: plan.sid,
            name: plan.name.clone(),
            tracks: sides(plan.track).len(),
            stop: false,
        };
        let begun = (plan.sid, plan.name.clone());
        self.run_beside(running, Errand::Stream(Box::new(Wire::planned(heard, plan)))).map(|_| begun)
    }

    /// The API begins a stream.
    pub(crate) fn stream_by_request(&mut self, id: RequestId, account: Sid, call: Sid, wish: StreamWish) {
        let heard = match self.audible_by_name(account, call) {
            Ok(heard) => heard,
            Err(reply) => return self.emit(Effect::Reply { id, reply }),
        };
        let plan = Plan {
            sid: self.sid(SidKind::Stream),
            url: wish.url,
            name: wish.name,
            track: wish.track,
            callback: wish.callback,
            callback_method: wish.callback_method,
            parameters: wish.parameters,
        };
        let begun = self.start_stream(heard, plan);
        self.reply_running(id, begun);
    }
}

impl Wire {
    pub(crate) fn planned(heard: Heard, plan: Plan) -> Wire {
        let (id, until) = (StreamId(0), Micros::FOREVER);
        Wire { plan, heard, id, taps: Vec::new(), play: None, state: State::Planned, until }
    }

    /// Opens it; `task` hears of it. `play`: the server is heard there.
    pub(crate) fn open(&mut self, world: &mut World, task: TaskId, play: Option<PlayId>) {
        let Heard { port, law, ref call, .. } = self.heard;
        self.id = StreamId(world.id());
        let mut tracks = Vec::new();
        for outbound in sides(self.plan.track) {
            let tap = world.tap_side(task, port, *outbound);
            self.taps.push((tap, port));
            tracks.push(StreamTap { tap, law, outbound: *outbound });
        }
        world.routes.streams.insert(self.id, task);
        let stream = StreamOrder {
            account: call.account,
            call: call.sid,
            sid: self.plan.sid,
            url: self.plan.url.clone(),
            parameters: self.plan.parameters.clone(),
            tracks,
            heard: play.map(|play| StreamEar { port, play, law }),
        };
        let text = format!("stream {} to {}", self.plan.sid, address::shown(&self.plan.url));
        world.trace(Some(call.sid), TraceKind::Media, text);
        world.emit(Effect::OpenStream { id: self.id, stream: Box::new(stream) });
        (self.play, self.state, self.until) = (play, State::Opening, world.now + STREAM_START_LIMIT);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// The server is told of a key.
    pub(crate) fn key(&self, world: &mut World, key: u8) {
        if matches!(self.state, State::Opening | State::Open) {
            world.emit(Effect::StreamKey { id: self.id, key });
        }
    }

    /// We end it: its last word is waited for.
    pub(crate) fn close(&mut self, world: &mut World) {
        if matches!(self.state, State::Opening | State::Open) {
            world.emit(Effect::CloseStream { id: self.id });
            self.untap(world);
            (self.state, self.until) = (State::Closing, world.now + STREAM_END_LIMIT);
        }
    }

    /// It goes on with another task.
    pub(crate) fn hand_over(self, world: &mut World) {
        let (id, call) = (self.id, self.heard.call.sid);
        if !self.has_ended()
            && let Some(task) = world.begin(call, Errand::Stream(Box::new(self)))
        {
            world.routes.streams.insert(id, task);
        }
    }

    fn untap(&mut self, world: &mut World) {
        for (tap, port) in self.taps.drain(..) {
            world.routes.taps.remove(&tap);
            world.emit(Effect::Switch(SwitchCommand::Untap { tap, port }));
        }
    }

    /// What an input means for it.
    pub(crate) fn input(&mut self, leg: &Leg, input: &Input) {
        match input {
            Input::TapEnded { tap, .. } => self.taps.retain(|(known, _)| known != tap),
            Input::Stream { id, event } if *id == self.id => self.event(leg, event),
            Input::Timeout if leg.now() >= self.until => match self.state {
                State::Opening => {
                    leg.world().emit(Effect::CloseStream { id: self.id });
                    let text = "the server has not taken the stream in time".to_owned();
                    self.event(leg, &StreamEvent::Failed { code: Code(31901), text });
                }
                State::Closing => self.event(leg, &StreamEvent::Stopped),
                State::Planned | State::Open | State::Ended => self.until = Micros::FOREVER,
            },
            _ => {}
        }
    }

    fn event(&mut self, leg: &Leg, event: &StreamEvent) {
        match event {
            StreamEvent::Started if self.state == State::Opening => {
                (self.state, self.until) = (State::Open, Micros::FOREVER);
                self.tell(&mut leg.world(), "stream-started", "");
            }
            StreamEvent::Started => {}
            StreamEvent::Warned { code, text } => self.fault(leg, Fault::warning(code.0, &self.plan.url, text)),
            StreamEvent::Stopped => self.ended(leg, "stream-stopped", ""),
            StreamEvent::Failed { code, text } => {
                self.fault(leg, Fault::error(code.0, &self.plan.url, text));
                self.ended(leg, "stream-error", text);
            }
        }
    }

    fn ended(&mut self, leg: &Leg, event: &str, why: &str) {
        let mut world = leg.world();
        self.untap(&mut world);
        world.routes.streams.remove(&self.id);
        self.state = State::Ended;
        let call: &Call = &self.heard.call;
        world.trace(Some(call.sid), TraceKind::Media, format!("{event}: {}", self.plan.sid));
        self.tell(&mut world, event, why);
    }

    fn fault(&self, leg: &Leg, fault: Fault) {
        let call = &self.heard.call;
        let mut world = leg.world();
        let (code, url) = (fault.code, fault.url.clone());
        world.fault(call.account, call.sid, fault);
        world.keep_failure(self.heard.task, code, url);
    }

    fn tell(&self, world: &mut World, event: &str, why: &str) {
        if self.plan.callback.is_empty() {
            return;
        }
        let call = &self.heard.call;
        let mut params = vec![
            param("AccountSid", call.account),
            param("CallSid", call.sid),
            param("StreamSid", self.plan.sid),
            param("StreamName", &self.plan.name),
            param("StreamEvent", event),
            param("Timestamp", iso8601(world.stamp())),
        ];
        if !why.is_empty() {
            params.push(param("StreamError", why));
        }
        let (url, method) = (self.plan.callback.clone(), self.plan.callback_method);
        world.tell_in(Thread(call.sid, self.id.0), Told { about: call.sid, call: call.clone(), url, method, params });
    }
}

/// The errand of a stream: until it is over.
pub(crate) async fn look_after(leg: &Leg, mut wire: Wire) {
    if wire.state == State::Planned {
        wire.open(&mut leg.world(), leg.task, None);
    }
    while !wire.has_ended() {
        if leg.is_stopped() {
            wire.close(&mut leg.world());
        }
        let input = leg.next_after_all(wire.until).await;
        wire.input(leg, &input);
    }
}
