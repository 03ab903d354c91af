//! The router's effects on virtual time: carried out at once, or flying while the clock stands still.

use std::io::Write;

use tipring_card::Micros;
use tipring_doctor::{Effect as DoctorEffect, Order};
use tipring_resources::{Code, Sid};
use tipring_router::{Effect, Event, HttpId, HttpRequest, ListenHeard, ListenId};

use super::{Due, World};
use crate::daemon::app::Document;
use crate::daemon::beyond::Whole;
use crate::daemon::hands::Hands;
use crate::daemon::listening;
use crate::daemon::scenario::DoctorVisit;
use crate::daemon::telephones::LINE_READY;

impl<W: Write> World<'_, W> {
    /// Begins the visits of the doctor that are due, and does what is due of one.
    pub(super) fn send_for_doctor(&mut self) {
        self.doctor.timer(self.now);
        let due = self.orders.front().is_some_and(|visit| LINE_READY + Micros::from_ms(visit.at_ms) <= self.now);
        if due
            && !self.doctor.runs()
            && let Some(DoctorVisit { line, number, with, with_number, .. }) = self.orders.pop_front()
        {
            // None goes on: it begins.
            let _ = self.doctor.begin(self.now, Order { line, number, with, with_number });
        }
    }

    /// What the doctor wants, and what came of it.
    pub(super) fn of_doctor(&mut self) {
        let ran = self.doctor.runs();
        while let Some(effect) = self.doctor.poll() {
            match effect {
                DoctorEffect::Examine(examine) => {
                    let mut actions = std::mem::take(&mut self.actions);
                    self.signalling.examine(self.now, examine, &mut actions);
                    self.carry_out(&mut actions);
                    self.actions = actions;
                }
                DoctorEffect::Switch(command) => self.media.command(command),
                DoctorEffect::Progress(_) => {}
            }
        }
        if ran
            && !self.doctor.runs()
            && let Some(report) = &self.doctor.seen().report
        {
            self.timeline.note(self.now.0, &format!("the doctor has examined {}", report.line));
            self.examined.push(report.clone());
        }
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Http { id, request } => self.http(id, request),
            Effect::CancelHttp { id } => {
                self.gone_http.insert(id);
            }
            Effect::Media { id, port, play, law, account, source } => {
                self.feeder.begin(id, play, port);
                let hands = self.hands.clone();
                self.fly(self.now, async move { Due::Sound(id, whole(hands, account, source, law).await) });
            }
            Effect::CancelMedia { id } => {
                self.feeder.cancel(id);
                self.gone_media.insert(id);
            }
            Effect::Switch(command) => self.media.command(command),
            Effect::Line(command) => {
                let mut actions = std::mem::take(&mut self.actions);
                self.signalling.command(self.now, command, &mut actions);
                self.carry_out(&mut actions);
                self.actions = actions;
            }
            Effect::OpenRecording { sid, tap, law, second } => self.ears.record(sid, tap, law, second),
            Effect::PauseRecording { sid, paused, silence } => self.ears.pause(sid, paused, silence),
            Effect::CloseRecording { sid, trim, drop_tail_ms, discard } => {
                let closing = self.ears.close(sid, trim, drop_tail_ms, discard);
                self.fly(self.now, async move { Due::Event(closing.close()) });
            }
            Effect::Write { id, record } => {
                self.notice(&record);
                let written = self.hands.write(id, *record);
                self.fly(self.now, async move { Due::Event(written.await) });
            }
            Effect::Reply { id, reply } => {
                if let Some(reply) = self.visits.answered(id, reply) {
                    self.programs.answered(id, &reply);
                }
            }
            Effect::ForgetSession { session } => self.hands.forget(session),
            Effect::Classify { tap, law, how } => self.ears.classify(tap, law, &how),
            beside @ (Effect::Listen { .. }
            | Effect::EndListen { .. }
            | Effect::Transcribe { .. }
            | Effect::OpenStream { .. }
            | Effect::StreamKey { .. }
            | Effect::CloseStream { .. }
            | Effect::SendMessage(_)) => self.beside(beside),
            Effect::Trace(trace) => self.timeline.trace(&trace),
        }
    }

    /// What runs beside a call.
    fn beside(&mut self, effect: Effect) {
        let now = match effect {
            Effect::Listen { id, tap, listen } => {
                self.ears.listen(tap, id);
                self.beyond.listen(self.now, id, *listen)
            }
            Effect::EndListen { id, dropped } => match self.beyond.end_listen(id, dropped) {
                Some(Ok(event)) => Some(event),
                Some(Err(whole)) => {
                    let hands = self.hands.clone();
                    self.fly(self.now, async move { Due::Event(understood(hands, id, whole).await) });
                    None
                }
                None => None,
            },
            Effect::Transcribe { sid, recording, account, language } => match self.beyond.transcribe(&language) {
                Some(result) => Some(Event::Transcribed { sid, result }),
                None => {
                    let hands = self.hands.clone();
                    let written = async move { hands.transcribe(sid, recording, account, language).await };
                    self.fly(self.now, async move { Due::Event(written.await) });
                    None
                }
            },
            Effect::OpenStream { id, stream } => {
                for (track, tap) in stream.tracks.iter().enumerate() {
                    self.ears.stream(tap.tap, id, track);
                }
                let mut commands = Vec::new();
                let event = self.beyond.open(self.now, id, &stream);
                self.beyond.greet(id, &mut commands);
                self.switch(&mut commands);
                Some(event)
            }
            Effect::StreamKey { id, key } => self.beyond.key(id, key),
            Effect::CloseStream { id } => self.beyond.close(id),
            Effect::SendMessage(message) => {
                for (after, event) in self.beyond.send(&message) {
                    self.seq += 1;
                    self.due.insert((self.now + after, self.seq), Due::Event(event));
                }
                None
            }
            _ => None,
        };
        if let Some(event) = now {
            self.seq += 1;
            self.due.insert((self.now, self.seq), Due::Event(event));
        }
    }

    fn http(&mut self, id: HttpId, request: HttpRequest) {
        let document = {
            let path = url::Url::parse(&request.url).map(|url| url.path().to_string()).unwrap_or_default();
            let fits = |document: &&Document| document.fits(&path, &request.params);
            self.scenario.document.iter().find(fits)
        };
        if document.is_some_and(|document| document.never) {
            // It was asked, and never answers: only the router's own limit ends it.
            let hands = self.hands.clone();
            self.fly(Micros::FOREVER, async move { Due::Event(hands.http(id, request).await) });
            return;
        }
        let latency = Micros::from_ms(document.map_or(0, |document| document.latency_ms));
        let hands = self.hands.clone();
        self.fly(self.now + latency, async move {
            let mut event = hands.http(id, request).await;
            if let Event::Http { answer, .. } = &mut event {
                let (tipring_router::HttpAnswer::Document { exchange, .. }
                | tipring_router::HttpAnswer::Failed { exchange, .. }) = answer;
                // Virtual time is the only time there is.
                exchange.duration_ms = u32::try_from(latency.as_ms()).unwrap_or(u32::MAX);
            }
            Due::Event(event)
        });
    }
}

/// A sound as it came: all of it, or what came before it broke.
#[derive(Default)]
pub(super) struct Came {
    pub octets: Vec<u8>,
    /// What is to be known of it.
    pub notes: Vec<String>,
    pub broken: Option<(Code, String)>,
}

/// All of a sound.
async fn whole(hands: Hands, account: Sid, source: tipring_router::MediaSource, law: tipring_card::Law) -> Came {
    let mut came = Came::default();
    let mut stream = match hands.sound(account, source, law).await {
        Ok(stream) => stream,
        Err(fault) => return Came { broken: Some(fault), ..came },
    };
    came.notes.extend(stream.take_note());
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(octets) => came.octets.extend_from_slice(&octets),
            Err(fault) => came.broken = Some((Code(fault.code), fault.text)),
        }
    }
    came.notes.extend(stream.take_note());
    came
}

/// What the media layer's recognizer makes of a whole sound.
async fn understood(hands: Hands, id: ListenId, whole: Whole) -> Event {
    let listen = whole.listen;
    let heard = match hands.media.listen(&listening::request(&listen)).await {
        Ok((microphone, results)) => {
            let speak = async move { microphone.send(whole.octets.into()).await };
            let hear = listening::understand(&listen, results, async |_| true);
            tokio::join!(hear, speak).0
        }
        Err(fault) => ListenHeard::Failed { code: Code(fault.code), text: fault.text },
    };
    Event::Heard { id, heard }
}
