//! Start>Transcription: what is said is written down while the call goes on, a recognizer for each track. Its callback
//! is told in order, beside the call.

use tipring_instructions::Transcription;
use tipring_resources::{Code, Method, Sid, SidKind};
use tipring_switch::{Command as SwitchCommand, Port, TapId};

use crate::beside::{Listen, ListenHeard, TranscriptionWish};
use crate::date::iso8601;
use crate::effects::{Effect, ListenId, RequestId, TraceKind};
use crate::errand::Errand;
use crate::fault::Fault;
use crate::fetch::{Page, method_of};
use crate::leg::Leg;
use crate::limits::FINAL_LIMIT;
use crate::params::{Params, param};
use crate::progress::{Thread, Told};
use crate::running::{Heard, Kind, Refused, Running};
use crate::stream::{sides, track_of};
use crate::world::{Input, World};
use tipring_card::Micros;

/// What is written down, and who is told.
pub(crate) struct Dictation {
    heard: Heard,
    sid: Sid,
    wish: TranscriptionWish,
    model: String,
    /// Told with every result.
    parameters: Vec<(String, String)>,
    /// The document that wished it, for people.
    page: String,
    ears: Vec<Ear>,
    /// Callbacks so far.
    told: u32,
    thread: u64,
}

/// One track and its recognizer.
struct Ear {
    id: ListenId,
    tap: Option<(TapId, Port)>,
    label: String,
    ended: bool,
}

impl World {
    /// Begins to write a call down.
    pub(crate) fn start_dictation(&mut self, dictation: Dictation) -> Result<(Sid, String), Refused> {
        let running = Running {
            call: dictation.heard.call.sid,
            kind: Kind::Transcription,
            sid: dictation.sid,
            name: dictation.wish.name.clone(),
            tracks: 0,
            stop: false,
        };
        let begun = (dictation.sid, dictation.wish.name.clone());
        self.run_beside(running, Errand::Dictation(Box::new(dictation))).map(|_| begun)
    }

    /// The API begins to write a call down.
    pub(crate) fn dictation_by_request(&mut self, id: RequestId, account: Sid, call: Sid, wish: TranscriptionWish) {
        let heard = match self.audible_by_name(account, call) {
            Ok(heard) => heard,
            Err(reply) => return self.emit(Effect::Reply { id, reply }),
        };
        let dictation = Dictation::new(self, heard, wish);
        let begun = self.start_dictation(dictation);
        self.reply_running(id, begun);
    }
}

impl Dictation {
    fn new(world: &mut World, heard: Heard, wish: TranscriptionWish) -> Dictation {
        let sid = world.sid(SidKind::Realtime);
        let (model, page) = (String::new(), String::new());
        Dictation { heard, sid, wish, model, parameters: Vec::new(), page, ears: Vec::new(), told: 0, thread: 0 }
    }

    /// As a document wishes it.
    pub(crate) fn of_noun(world: &mut World, heard: Heard, page: &Page, noun: &Transcription) -> Dictation {
        let wish = TranscriptionWish {
            name: noun.name.clone().unwrap_or_default(),
            track: track_of(noun.track),
            callback: noun.callback.as_deref().map(|url| page.resolve(url)).unwrap_or_default(),
            callback_method: method_of(noun.callback_method),
            language: noun.language.clone(),
            partial: noun.partial_results,
            hints: noun.hints.clone(),
            inbound_label: noun.inbound_label.clone().unwrap_or_default(),
            outbound_label: noun.outbound_label.clone().unwrap_or_default(),
        };
        let (model, parameters, page) = (noun.speech_model.clone(), noun.parameters.clone(), page.url.clone());
        Dictation { model, parameters, page, ..Dictation::new(world, heard, wish) }
    }

    fn open(&mut self, leg: &Leg) {
        let mut world = leg.world();
        self.thread = world.id();
        for outbound in sides(self.wish.track) {
            let tap = world.tap_side(leg.task, self.heard.port, *outbound);
            let id = ListenId(world.id());
            world.routes.listens.insert(id, leg.task);
            let listen = Listen {
                account: self.heard.call.account,
                law: self.heard.law,
                language: self.wish.language.clone(),
                hints: self.wish.hints.clone(),
                model: self.model.clone(),
                partial: self.wish.partial,
                continuous: true,
            };
            world.emit(Effect::Listen { id, tap, listen: Box::new(listen) });
            let (label, usual) = match outbound {
                false => (&self.wish.inbound_label, "inbound_track"),
                true => (&self.wish.outbound_label, "outbound_track"),
            };
            let label = if label.is_empty() { usual.to_owned() } else { label.clone() };
            self.ears.push(Ear { id, tap: Some((tap, self.heard.port)), label, ended: false });
        }
        let text = format!("transcription {} begins", self.sid);
        world.trace(Some(self.heard.call.sid), TraceKind::Media, text);
        self.tell(&mut world, "transcription-started", vec![param("LanguageCode", &self.wish.language)]);
    }

    /// The taps end; the recognizers' last words are waited for.
    fn close(&mut self, leg: &Leg) {
        let mut world = leg.world();
        for ear in &mut self.ears {
            let Some((tap, port)) = ear.tap.take() else { continue };
            world.routes.taps.remove(&tap);
            world.emit(Effect::Switch(SwitchCommand::Untap { tap, port }));
            if !ear.ended {
                world.emit(Effect::EndListen { id: ear.id, dropped: false });
            }
        }
    }

    /// A recognizer has said something.
    fn hears(&mut self, leg: &Leg, id: ListenId, heard: &ListenHeard) {
        let Some(at) = self.ears.iter().position(|ear| ear.id == id && !ear.ended) else {
            return;
        };
        let mut world = leg.world();
        let label = self.ears[at].label.clone();
        match heard {
            ListenHeard::Partial { text, stability } => {
                let mut params = vec![param("Final", false)];
                params.extend(stability.map(|stability| param("Stability", stability.clamp(0.0, 1.0))));
                self.content(&mut world, &label, (text, None), params);
            }
            ListenHeard::Final { text, .. } if text.is_empty() => {}
            ListenHeard::Final { text, confidence } => {
                self.content(&mut world, &label, (text, *confidence), vec![param("Final", true)]);
            }
            ListenHeard::Failed { code, text } => {
                let call = &self.heard.call;
                world.fault(call.account, call.sid, Fault::warning(code.0, &self.page, text));
                let params = vec![param("TranscriptionErrorCode", code.0), param("TranscriptionError", text)];
                self.tell(&mut world, "transcription-error", params);
                self.end(&mut world, at);
            }
            ListenHeard::Ended => self.end(&mut world, at),
        }
    }

    fn end(&mut self, world: &mut World, at: usize) {
        let ear = &mut self.ears[at];
        ear.ended = true;
        world.routes.listens.remove(&ear.id);
        if let Some((tap, port)) = ear.tap.take() {
            world.routes.taps.remove(&tap);
            world.emit(Effect::Switch(SwitchCommand::Untap { tap, port }));
        }
    }

    fn content(&mut self, world: &mut World, label: &str, (text, confidence): (&str, Option<f32>), more: Params) {
        let data = match confidence {
            Some(confidence) => {
                format!("{{\"transcript\":{},\"confidence\":{}}}", json(text), confidence.clamp(0.0, 1.0))
            }
            None => format!("{{\"transcript\":{}}}", json(text)),
        };
        let mut params =
            vec![param("LanguageCode", &self.wish.language), param("Track", label), param("TranscriptionData", data)];
        params.extend(more);
        let known = |params: &Params, name: &str| params.iter().any(|(known, _)| known == name);
        for (name, value) in &self.parameters {
            if !known(&params, name) {
                params.push((name.clone(), value.clone()));
            }
        }
        self.tell(world, "transcription-content", params);
    }

    fn tell(&mut self, world: &mut World, event: &str, more: Params) {
        if self.wish.callback.is_empty() {
            return;
        }
        self.told += 1;
        let call = &self.heard.call;
        let mut params = vec![
            param("AccountSid", call.account),
            param("CallSid", call.sid),
            param("TranscriptionSid", self.sid),
            param("TranscriptionName", &self.wish.name),
            param("TranscriptionEvent", event),
            param("SequenceId", self.told),
            param("Timestamp", iso8601(world.stamp())),
        ];
        let known: Vec<String> = params.iter().map(|(name, _)| name.clone()).collect();
        params.extend(more.into_iter().filter(|(name, _)| !known.contains(name)));
        let (url, method) = (self.wish.callback.clone(), self.wish.callback_method);
        world.tell_in(Thread(call.sid, self.thread), Told { about: call.sid, call: call.clone(), url, method, params });
    }
}

/// The errand: until it is stopped, the call is over, or no recognizer listens any more.
pub(crate) async fn run(leg: &Leg, mut dictation: Dictation) {
    dictation.open(leg);
    let mut until = Micros::FOREVER;
    while dictation.ears.iter().any(|ear| !ear.ended) {
        if until == Micros::FOREVER && leg.is_stopped() {
            dictation.close(leg);
            until = leg.now() + FINAL_LIMIT;
        }
        match leg.next_after_all(until).await {
            Input::Heard { id, heard } => dictation.hears(leg, id, &heard),
            Input::TapEnded { tap, .. } => {
                // The port is gone: what was heard is still understood to its end.
                for ear in &mut dictation.ears {
                    if ear.tap.is_some_and(|(known, _)| known == tap) {
                        ear.tap = None;
                        leg.world().emit(Effect::EndListen { id: ear.id, dropped: false });
                        until = until.min(leg.now() + FINAL_LIMIT);
                    }
                }
            }
            Input::Timeout => break,
            _ => {}
        }
    }
    let mut world = leg.world();
    for ear in dictation.ears.iter().filter(|ear| !ear.ended) {
        world.emit(Effect::EndListen { id: ear.id, dropped: true });
    }
    for at in 0..dictation.ears.len() {
        dictation.end(&mut world, at);
    }
    dictation.tell(&mut world, "transcription-stopped", Vec::new());
}

/// Text as JSON writes it.
pub(crate) fn json(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            c if c.is_control() => written.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => written.push(c),
        }
    }
    written.push('"');
    written
}

/// What a Siprec is told: there is no recording server on this box.
pub(crate) fn no_siprec(leg: &Leg, page: &Page, siprec: &tipring_instructions::Siprec) {
    let text = "<Start><Siprec>: there is no recording server on this box; use <Recording> or <Stream>";
    leg.failed(Fault::warning(14300, &page.url, text));
    let (Some(callback), Ok((call, _))) = (siprec.callback.as_deref(), leg.call()) else {
        return;
    };
    let mut world = leg.world();
    let params = vec![
        param("AccountSid", call.account),
        param("CallSid", call.sid),
        param("SiprecSid", world.sid(SidKind::Siprec)),
        param("SiprecName", siprec.name.as_deref().unwrap_or_default()),
        param("SiprecEvent", "siprec-error"),
        param("SiprecError", "there is no recording server on this box"),
        param("Timestamp", iso8601(world.stamp())),
    ];
    let (url, method): (String, Method) = (page.resolve(callback), method_of(siprec.callback_method));
    let thread = Thread(call.sid, world.id());
    world.tell_in(thread, Told { about: call.sid, call: Box::new(call), url, method, params });
}

/// A wrong end of a name: what is to be stopped does not run.
pub(crate) fn not_running(kind: &str, name: Option<&str>) -> (Code, String) {
    let text = match name {
        Some(name) => format!("<Stop><{kind}>: nothing runs under the name \"{name}\""),
        None => format!("<Stop><{kind}>: none runs beside the call"),
    };
    (Code(14300), text)
}
