//! The machine: takes events apart, hands them to the tasks that wait for them, and polls those. Its executor is a list
//! of tasks that have an input or a timer that is due; nothing is woken from elsewhere.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use tipring_card::Micros;
use tipring_resources::{Call, Sid, SidKind};

use crate::config::Config;
use crate::effects::{DirectoryChange, Effect, Event, LineCommand, SwitchEvent, TraceKind};
use crate::errand;
use crate::leg::Leg;
use crate::limits::Counters;
use crate::recording::TextWish;
use crate::requests::{Reply, Request};
use crate::running::Kind;
use crate::sources::Sources;
use crate::world::{Input, Shared, TaskId, World, lock};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The call router.
pub struct Router {
    world: Shared,
    tasks: BTreeMap<TaskId, Task>,
    live: BTreeMap<Sid, Call>,
}

impl Router {
    /// A router without calls, accounts and numbers.
    pub fn new(config: Config) -> Self {
        let world = Arc::new(Mutex::new(World::new(config)));
        Router { world, tasks: BTreeMap::new(), live: BTreeMap::new() }
    }

    /// Places of the switch without a channel: voices of the box. Said once, before the first call.
    pub fn has_voices(&mut self, places: std::ops::Range<u16>) {
        lock(&self.world).sources = Sources::new(places);
    }

    /// How many lines the box has. Said once, before the first call.
    pub fn has_lines(&mut self, lines: u32) {
        lock(&self.world).lines = lines;
    }

    /// Minutes of calls out that this day has had before the start: all, and those abroad. Said once, before the first call.
    pub fn has_spent(&mut self, all: u32, abroad: u32) {
        let mut world = lock(&self.world);
        let now = world.now;
        world.spending.was_spent(now, all, abroad);
    }

    /// What happened. Timers that are due come first. Time never goes back.
    pub fn handle(&mut self, now: Micros, event: Event) {
        {
            let mut world = lock(&self.world);
            world.now = world.now.max(now);
            world.fire_timers();
        }
        self.run();
        lock(&self.world).event(event);
        self.run();
    }

    /// What is to be done, until `None`.
    pub fn poll(&mut self) -> Option<Effect> {
        lock(&self.world).take_effect()
    }

    /// When to handle [`Event::Timer`] if nothing happens before.
    pub fn deadline(&self) -> Option<Micros> {
        lock(&self.world).first_timer()
    }

    /// Calls that are not over, as they are now.
    pub fn live_calls(&self) -> impl Iterator<Item = &Call> {
        self.live.values()
    }

    /// Calls, and what is done beside and after them: callbacks, recordings that are being completed.
    pub fn busy(&self) -> usize {
        self.tasks.len()
    }

    /// What happened how often.
    pub fn counters(&self) -> Counters {
        lock(&self.world).counters
    }

    fn run(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let (begun, ready) = {
                let mut world = lock(&self.world);
                (std::mem::take(&mut world.begun), world.take_ready())
            };
            let idle = begun.is_empty() && ready.is_none();
            let new: Vec<TaskId> = begun.iter().map(|(task, _)| *task).collect();
            for (task, errand) in begun {
                let leg = Leg::new(self.world.clone(), task);
                self.tasks.insert(task, Box::pin(errand::run(leg, errand)));
            }
            for task in new.into_iter().chain(ready) {
                let Some(future) = self.tasks.get_mut(&task) else {
                    continue;
                };
                if future.as_mut().poll(&mut context).is_ready() {
                    self.tasks.remove(&task);
                    lock(&self.world).end_task(task);
                }
            }
            if idle {
                break;
            }
        }
        for call in std::mem::take(&mut lock(&self.world).changed) {
            match call.status.is_final() {
                true => drop(self.live.remove(&call.sid)),
                false => drop(self.live.insert(call.sid, call)),
            }
        }
    }
}

impl World {
    /// Takes one event apart.
    fn event(&mut self, event: Event) {
        match event {
            Event::Timer => {}
            Event::Line(event) => self.line_event(event),
            Event::Switch(event) => self.switch_event(event),
            Event::Http { id, answer } => {
                let task = self.routes.http.remove(&id);
                self.to(task, Input::Http { id, answer });
            }
            Event::MediaFailed { id, code, text } => {
                let task = self.routes.media.remove(&id);
                self.to(task, Input::MediaFailed { id, code, text });
            }
            Event::MediaNoted { id, text } => {
                let task = self.routes.media.get(&id).copied();
                self.to(task, Input::MediaNoted { id, text });
            }
            Event::RecordingBroken { sid, text } => self.recording_breaks(sid, &text),
            Event::RecordingClosed { sid, duration_ms, text } => {
                let task = self.routes.recordings.remove(&sid);
                self.to(task, Input::RecordingClosed { sid, duration_ms, text });
            }
            Event::Written { id, result } => {
                if let Err(why) = &result {
                    self.counters.writes_failed += 1;
                    self.trace(None, TraceKind::Fault, format!("a record could not be kept: {why}"));
                }
                // Most writes have nobody waiting for them.
                for task in self.routes.writes.remove(&id).unwrap_or_default() {
                    self.deliver(task, Input::Written { id, result: result.clone() });
                }
            }
            Event::Request { id, request } => match request {
                Request::MessagesWait { line, waiting } => {
                    self.emit(Effect::Line(LineCommand::MessagesWait { line, waiting }));
                    self.emit(Effect::Reply { id, reply: Reply::Done });
                }
                Request::Lift { line, lifted } => {
                    self.emit(Effect::Line(LineCommand::Lift { line, lifted }));
                    self.emit(Effect::Reply { id, reply: Reply::Done });
                }
                Request::EndCall { account, call, only_unanswered } => {
                    self.end_by_request(id, account, call, only_unanswered);
                }
                Request::CreateCall(new) => self.create_by_request(id, *new),
                Request::ChangeCall(change) => self.change_by_request(id, *change),
                Request::CreateParticipant(new) => self.create_participant(id, *new),
                Request::Gather(wanted) => self.gather_calls(id, *wanted),
                Request::ChangeParticipant(change) => self.change_participant(id, *change),
                Request::RemoveParticipant { account, conference, call } => {
                    self.remove_participant(id, account, &conference, &call);
                }
                Request::ChangeConference { account, conference, end, announce } => {
                    self.change_conference(id, account, &conference, end, announce);
                }
                Request::VerifyCallerId(wanted) => self.verify_caller_id(id, *wanted),
                Request::CreateQueue { account, name, max_size } => self.create_queue(id, account, &name, max_size),
                Request::ChangeQueue { account, queue, name, max_size } => {
                    self.change_queue(id, account, queue, name, max_size);
                }
                Request::DeleteQueue { account, queue } => self.delete_queue(id, account, queue),
                Request::MoveMember { account, queue, call, instructions } => {
                    self.move_member(id, account, &queue, call, instructions);
                }
                Request::Notice { account, call, announce } => self.notice_by_request(id, account, call, announce),
                Request::StartRecording { account, of, record } if of.kind == SidKind::Call => {
                    self.record_by_request(id, account, of, record);
                }
                Request::StartRecording { account, of, record } => self.record_room_by_request(id, account, of, record),
                Request::ChangeRecording { account, of, recording, change } => {
                    self.change_recording(id, (account, of, recording), change);
                }
                Request::StartStream { account, call, wish } => self.stream_by_request(id, account, call, *wish),
                Request::StopStream { account, call, stream } => {
                    self.stop_by_request(id, account, call, (Kind::Stream, &stream));
                }
                Request::StartTranscription { account, call, wish } => {
                    self.dictation_by_request(id, account, call, *wish);
                }
                Request::StopTranscription { account, call, transcription } => {
                    self.stop_by_request(id, account, call, (Kind::Transcription, &transcription));
                }
                Request::Transcribe { recording, language, callback, callback_method } => {
                    let wish = TextWish { language, callback, callback_method };
                    self.write_down_by_request(id, &recording, wish);
                }
                Request::SendMessage(new) => self.message_by_request(id, *new),
            },
            Event::Heard { id, heard } => {
                let task = self.routes.listens.get(&id).copied();
                self.to(task, Input::Heard { id, heard });
            }
            Event::Classified { tap, verdict, after_ms } => {
                let task = self.routes.taps.get(&tap).copied();
                self.to(task, Input::Classified { tap, verdict, after_ms });
            }
            Event::Transcribed { sid, result } => {
                let task = self.routes.transcriptions.remove(&sid);
                self.to(task, Input::Transcribed { sid, result });
            }
            Event::Stream { id, event } => {
                let task = self.routes.streams.get(&id).copied();
                self.to(task, Input::Stream { id, event });
            }
            Event::MessageSent { sid, status, fault } => match self.routes.messages.get(&sid).copied() {
                Some(task) => self.deliver(task, Input::MessageSent { sid, status, fault }),
                None => self.message_report(sid, status, fault),
            },
            Event::MessageIn(message) => self.message_in(*message),
            Event::Directory(DirectoryChange::Queue(queue)) => self.queues.learn(queue),
            Event::Directory(change) => self.directory.change(change),
            Event::Configure(new) => self.configure(*new),
            Event::Drain => self.drain(),
            Event::Notice(text) => self.notice_all(&text),
            Event::EndAll => self.end_all(),
        }
    }

    fn switch_event(&mut self, event: SwitchEvent) {
        match event {
            SwitchEvent::Key { port, key } => {
                let task = self.routes.leases.get(&port).copied();
                if let Some(call) = task.and_then(|task| self.sessions.get(&task)).map(|s| s.call.sid) {
                    self.trace(Some(call), TraceKind::Key, char::from(key).to_string());
                }
                self.to(task, Input::Key(key));
            }
            SwitchEvent::Started { play, .. } if self.routes.beeps.contains(&play) => {}
            SwitchEvent::Played { play, .. } if self.routes.beeps.remove(&play) => {}
            SwitchEvent::Started { play, .. } => {
                let task = self.routes.plays.get(&play).copied();
                self.to(task, Input::Started(play));
            }
            SwitchEvent::Played { play, whole, .. } => {
                let task = self.routes.plays.remove(&play);
                self.to(task, Input::Played { play, whole });
            }
            SwitchEvent::Starved { play, .. } => {
                let task = self.routes.plays.get(&play).copied();
                if let Some(call) = task.and_then(|task| self.sessions.get(&task)).map(|s| s.call.sid) {
                    self.trace(Some(call), TraceKind::Media, "a gap: the sound came too slowly");
                }
            }
            SwitchEvent::Quiet { tap, .. } => {
                let task = self.routes.taps.get(&tap).copied();
                self.to(task, Input::Quiet(tap));
            }
            SwitchEvent::Speaks { tap, .. } => {
                let task = self.routes.taps.get(&tap).copied();
                self.to(task, Input::Speaks(tap));
            }
            SwitchEvent::TapEnded { tap, spoken, lost, .. } => {
                let task = self.routes.taps.remove(&tap);
                self.to(task, Input::TapEnded { tap, spoken, lost });
            }
            // Audio and Room are between the switch and whoever feeds it.
            _ => {}
        }
    }

    /// To the task that waits, if one does.
    fn to(&mut self, task: Option<TaskId>, input: Input) {
        match task {
            Some(task) => self.deliver(task, input),
            None => self.counters.stale_events += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use tipring_card::{Cause, Law};
    use tipring_resources::{Account, AccountStatus, Stamp};
    use tipring_switch::Port;

    use super::*;
    use crate::effects::{DirectoryChange, LineCommand, LineEvent, LineNumber};

    fn account() -> Account {
        Account {
            sid: Sid::new(SidKind::Account, 1),
            friendly_name: String::new(),
            status: AccountStatus::Active,
            token: String::new(),
            created: Stamp(0),
            updated: Stamp(0),
            parent: None,
            contact: String::new(),
            voice: tipring_resources::VoiceSettings::default(),
            public_media: false,
        }
    }

    fn is_send<T: Send>(_: &T) {}

    #[test]
    fn a_router_may_move_to_another_thread() {
        is_send(&Router::new(Config::default()));
    }

    /// A thousand calls leave nothing behind but the counters.
    #[test]
    fn nothing_is_kept_of_calls_that_are_over() {
        let mut router = Router::new(Config::default());
        router.handle(Micros::ZERO, Event::Directory(DirectoryChange::Account(account())));
        for generation in 0..1_000 {
            let lease = Port { index: 1, generation };
            let now = Micros::from_ms(u64::from(generation) * 100);
            let incoming = LineEvent::Incoming {
                lease,
                line: "sim 1/1".into(),
                law: Law::A,
                kind: crate::effects::LineKind::Isdn,
                called: LineNumber { digits: "1".into(), ..LineNumber::default() },
                calling: None,
                caller_name: None,
                redirecting: None,
            };
            router.handle(now, Event::Line(incoming));
            let cleared = LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: generation % 2 == 0 };
            router.handle(now, Event::Line(cleared));
            while router.poll().is_some() {}
        }
        assert!(router.tasks.is_empty() && router.live.is_empty() && router.deadline().is_none());
        let world = lock(&router.world);
        assert!(
            world.sessions.is_empty()
                && world.routes.is_empty()
                && world.notified.is_empty()
                && world.children.is_empty()
                && world.rooms.live.is_empty()
                && world.queues.is_idle()
                && world.voices.is_empty()
                && world.is_idle()
        );
        assert_eq!(world.counters.calls, 1_000);
    }

    /// Calls that are made leave nothing behind either, however their line ends.
    #[test]
    fn nothing_is_kept_of_calls_that_were_made() {
        let class = tipring_numbering::Class::National;
        let plan = tipring_numbering::Plan { country: "1".into(), ..tipring_numbering::Plan::default() };
        let caller_ids = vec!["+12025550199".to_owned()];
        let outbound = crate::config::Outbound { open: [class].into(), caller_ids, ..Default::default() };
        let mut router = Router::new(Config { plan, outbound, ..Config::default() });
        let owner = account();
        router.handle(Micros::ZERO, Event::Directory(DirectoryChange::Account(owner.clone())));
        for generation in 0..300_u32 {
            let now = Micros::from_s(u64::from(generation) * 200);
            let id = crate::effects::RequestId(u64::from(generation));
            router.handle(now, Event::Request { id, request: Request::CreateCall(Box::new(order(&owner))) });
            let lease = Port { index: 1, generation };
            while let Some(effect) = router.poll() {
                match effect {
                    Effect::Write { id, .. } => router.handle(now, Event::Written { id, result: Ok(()) }),
                    Effect::Line(LineCommand::Dial { attempt, .. }) if generation % 3 > 0 => {
                        let (line, law, kind) = (String::new(), Law::A, crate::effects::LineKind::Isdn);
                        router.handle(now, Event::Line(LineEvent::Seized { attempt, lease, line, law, kind }));
                    }
                    Effect::Line(LineCommand::Clear { lease, cause }) if generation % 3 > 1 => {
                        router.handle(now, Event::Line(LineEvent::Cleared { lease, cause, by_far_end: false }));
                    }
                    _ => {}
                }
            }
            while let Some(at) = router.deadline().filter(|at| *at < now + Micros::from_s(199)) {
                router.handle(at, Event::Timer);
                while router.poll().is_some() {}
            }
        }
        assert!(router.tasks.is_empty() && router.live.is_empty() && router.deadline().is_none());
        let world = lock(&router.world);
        assert!(world.sessions.is_empty() && world.routes.is_empty() && world.notified.is_empty());
        assert!(world.queue.is_empty() && world.children.is_empty() && world.is_idle());
        assert_eq!(world.counters.calls_out, 300);
    }

    /// What runs beside calls leaves nothing behind either, whether anybody answers for it or not.
    #[test]
    fn nothing_is_kept_of_what_ran_beside_calls() {
        let document = "<Response><Start><Stream url='wss://s.test/'/></Start><Start><Recording/></Start>\
            <Start><Transcription statusCallbackUrl='http://a.test/'/></Start><Sms to='+12025550123'>x</Sms>\
            <Gather input='speech'/><Record transcribe='true'/></Response>";
        let mut router = Router::new(Config::default());
        router.handle(Micros::ZERO, Event::Directory(DirectoryChange::Account(account())));
        let lease = Port { index: 1, generation: 1 };
        let incoming = LineEvent::Incoming {
            lease,
            line: "sim 1/1".into(),
            law: Law::A,
            kind: crate::effects::LineKind::Isdn,
            called: LineNumber { digits: "1".into(), ..LineNumber::default() },
            calling: None,
            caller_name: None,
            redirecting: None,
        };
        let number = tipring_resources::Number {
            phone_number: "1".into(),
            voice_url: "http://a.test/".into(),
            ..crate::messages::tests::number(account().sid)
        };
        router.handle(Micros::ZERO, Event::Directory(DirectoryChange::Number(number)));
        router.handle(Micros::ZERO, Event::Line(incoming));
        let (mut seen, mut ms) = ([0_usize; 4], 0);
        for step in 0..400_u32 {
            ms += 50;
            let now = Micros::from_ms(ms);
            while let Some(effect) = router.poll() {
                match effect {
                    Effect::Write { id, .. } => router.handle(now, Event::Written { id, result: Ok(()) }),
                    Effect::Http { id, request } if request.purpose == crate::effects::Purpose::Document => {
                        let answer = crate::effects::HttpAnswer::Document {
                            url: request.url,
                            content_type: Some("text/xml".into()),
                            body: document.into(),
                            exchange: crate::effects::Exchange::default(),
                        };
                        router.handle(now, Event::Http { id, answer });
                    }
                    Effect::Line(LineCommand::Answer { lease }) => {
                        let by = tipring_card::Supervision::Connect;
                        router.handle(now, Event::Line(LineEvent::Answered { lease, by }));
                    }
                    Effect::OpenStream { .. } => seen[0] += 1,
                    Effect::Listen { .. } => seen[1] += 1,
                    Effect::OpenRecording { .. } => seen[2] += 1,
                    _ => {}
                }
            }
            if step == 200 {
                seen[3] = lock(&router.world).running.len();
                let cleared = LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: true };
                router.handle(now, Event::Line(cleared));
            }
            router.handle(now, Event::Timer);
        }
        while let Some(at) = router.deadline() {
            router.handle(at, Event::Timer);
            while let Some(effect) = router.poll() {
                if let Effect::Write { id, .. } = effect {
                    router.handle(at, Event::Written { id, result: Ok(()) });
                }
            }
        }
        assert!(seen.iter().all(|count| *count > 0), "it was worth something: {seen:?}");
        let world = lock(&router.world);
        assert!(router.tasks.is_empty() && router.live.is_empty());
        assert!(world.sessions.is_empty() && world.routes.is_empty() && world.notified.is_empty() && world.is_idle());
    }

    fn order(owner: &Account) -> crate::requests::NewCall {
        crate::requests::NewCall {
            account: owner.sid,
            to: "+12025550123".into(),
            from: "+12025550199".into(),
            group: String::new(),
            instructions: crate::requests::Instructions::Document("<Response/>".into()),
            fallback_url: String::new(),
            fallback_method: tipring_resources::Method::Post,
            callback: None,
            timeout_s: 5,
            time_limit_s: 60,
            send_digits: String::new(),
            record: None,
            machine: None,
        }
    }
}
