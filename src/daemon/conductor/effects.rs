//! The router's effects in real time: given to the switch, the lines and the slow hands. Their ends come back as events.

use std::sync::Arc;

use tipring_card::Cause;
use tipring_resources::{Code, Record, Sid};
use tipring_router::{Effect, Event, LineCommand, LineEvent, MediaId, StreamEvent, StreamId, StreamOrder, WriteId};
use tokio::sync::mpsc;

use super::{Conductor, End, Sound, Stream};
use crate::daemon::gateway;
use crate::daemon::hands::Hands;
use crate::observe::events;

impl Conductor {
    /// What the doctor wants.
    pub(super) fn of_doctor(&mut self, effect: tipring_doctor::Effect) {
        match effect {
            tipring_doctor::Effect::Examine(examine) => {
                let sent = self.engine.as_ref().is_some_and(|engine| engine.examine(examine));
                if !sent {
                    // It fails by its own limit, and its lines come back with it.
                    tracing::error!("the card's thread takes no command of the doctor");
                }
            }
            tipring_doctor::Effect::Switch(command) => self.switch(&mut vec![command]),
            tipring_doctor::Effect::Progress(_) => {}
        }
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Http { id, request } => {
                let (hands, ends) = (self.hands.clone(), self.ends.clone());
                let task = tokio::spawn(async move {
                    let event = hands.http(id, request).await;
                    let _ = ends.send(End::Event(event)).await;
                });
                self.https.insert(id, task.abort_handle());
            }
            Effect::CancelHttp { id } => {
                if let Some(task) = self.https.remove(&id) {
                    task.abort();
                }
            }
            Effect::Media { id, port, play, law, account, source } => {
                self.feeder.begin(id, play, port);
                let more = Arc::new(tokio::sync::Semaphore::new(1));
                let fetch = fetch(self.hands.clone(), self.ends.clone(), more.clone(), id, account, source, law);
                let task = tokio::spawn(fetch).abort_handle();
                self.sounds.insert(id, Stream { task, more, paused: false });
            }
            Effect::CancelMedia { id } => {
                self.stop_sound(id);
                self.feeder.cancel(id);
            }
            Effect::Switch(command) => self.switch(&mut vec![command]),
            Effect::Line(command) => self.line_command(command),
            Effect::OpenRecording { sid, tap, law, second } => self.ears.record(sid, tap, law, second),
            Effect::PauseRecording { sid, paused, silence } => self.ears.pause(sid, paused, silence),
            Effect::CloseRecording { sid, trim, drop_tail_ms, discard } => {
                let closing = self.ears.close(sid, trim, drop_tail_ms, discard);
                let ends = self.ends.clone();
                tokio::task::spawn_blocking(move || {
                    let _ = ends.blocking_send(End::Event(closing.close()));
                });
            }
            Effect::Write { id, record } => self.write(id, *record),
            Effect::Reply { id, reply } => {
                if let Some(back) = self.replies.remove(&id) {
                    let _ = back.send(reply);
                }
            }
            Effect::ForgetSession { session } => self.hands.forget(session),
            Effect::Classify { tap, law, how } => self.ears.classify(tap, law, &how),
            Effect::Transcribe { sid, recording, account, language } => {
                let (hands, ends) = (self.hands.clone(), self.ends.clone());
                tokio::spawn(async move {
                    let _ = ends.send(End::Event(hands.transcribe(sid, recording, account, language).await)).await;
                });
            }
            beside @ (Effect::Listen { .. }
            | Effect::EndListen { .. }
            | Effect::OpenStream { .. }
            | Effect::StreamKey { .. }
            | Effect::CloseStream { .. }
            | Effect::SendMessage(_)) => self.beside(beside),
            Effect::Trace(trace) => {
                self.book.traced(&trace);
                let _ = self.traces.send(trace);
            }
        }
    }

    /// What runs beside a call: recognizers, streams, messages.
    fn beside(&mut self, effect: Effect) {
        match effect {
            Effect::Listen { id, tap, listen } => {
                self.ears.listen(tap, id);
                self.listening.begin(self.hands.media.clone(), id, *listen, self.ends.clone(), End::Event);
            }
            Effect::EndListen { id, dropped } => self.listening.end(id, dropped),
            Effect::OpenStream { id, stream } => self.open_stream(id, &stream),
            Effect::StreamKey { id, key } => {
                let last = self.streaming.key(id, key);
                self.tell_later(last);
            }
            Effect::CloseStream { id } => self.streaming.close(id),
            Effect::SendMessage(message) => {
                let (gateway, ends) = (self.gateway.clone(), self.ends.clone());
                tokio::spawn(async move { ends.send(End::Event(gateway::send(gateway, *message).await)).await });
            }
            _ => {}
        }
    }

    fn open_stream(&mut self, id: StreamId, order: &StreamOrder) {
        let Some(key) = self.hands.token(order.account) else {
            // What nobody could check is not sent.
            let text = format!("account {} has no key to sign with", order.account);
            let event = StreamEvent::Failed { code: Code(31900), text };
            return self.tell_later(Some(Event::Stream { id, event }));
        };
        for (track, tap) in order.tracks.iter().enumerate() {
            self.ears.stream(tap.tap, id, track);
        }
        let wrap = move |told| (id, told);
        self.streaming.open(self.hands.client.clone(), &key, id, order, self.words.clone(), wrap);
    }

    /// An end that came while its effect was carried out: the router hears of it as of any other.
    fn tell_later(&self, event: Option<Event>) {
        if let Some(event) = event {
            let ends = self.ends.clone();
            tokio::spawn(async move { ends.send(End::Event(event)).await });
        }
    }

    fn write(&mut self, id: WriteId, record: Record) {
        // Before anybody can see the SID, or hear of the end (a Dial's action tells that of its legs), so that a crash in
        // the next millisecond does not take it back.
        if let Record::Call(call) = &record {
            if let Err(error) = self.hands.store.journal(call) {
                let id = events::JOURNAL_FAILED.id;
                tracing::error!(message_id = id, call_sid = %call.sid, %error, "the journal cannot be written");
            }
            self.book.written(call, &self.hands.meters);
        }
        let taken = self.taking.write(&record);
        let (written, ends) = (self.hands.write(id, record), self.ends.clone());
        tokio::spawn(async move {
            let event = written.await;
            if let (Some(taken), Event::Written { result: Ok(()), .. }) = (taken, &event) {
                // Where the gateway has gone meanwhile, the message may come again.
                let _ = taken.send(());
            }
            let _ = ends.send(End::Event(event)).await;
        });
    }

    fn line_command(&mut self, command: LineCommand) {
        let Some(engine) = &self.engine else {
            if let LineCommand::Dial { attempt, .. } = command {
                let text = "the box has no card; name one as [[card]] in its configuration".to_owned();
                let none = LineEvent::NoLine { attempt, cause: Cause::OUT_OF_ORDER, may_wait: false, text };
                // Where there is no room for it, the router's own limit ends the call.
                let _ = self.ends.try_send(End::Event(Event::Line(none)));
            }
            return;
        };
        if !engine.line(command.clone()) {
            tracing::error!(?command, "a command for a line was lost: its queue is full or its engine has stopped");
        }
    }
}

/// Brings a sound chunk by chunk, each when the feeder has room.
async fn fetch(
    hands: Hands,
    ends: mpsc::Sender<End>,
    more: Arc<tokio::sync::Semaphore>,
    id: MediaId,
    account: Sid,
    source: tipring_router::MediaSource,
    law: tipring_card::Law,
) {
    let mut stream = match hands.sound(account, source, law).await {
        Ok(stream) => stream,
        Err((code, text)) => {
            let _ = ends.send(End::Sound(id, Sound::Fault(code, text))).await;
            return;
        }
    };
    loop {
        let Ok(permit) = more.acquire().await else {
            return;
        };
        permit.forget();
        let next = stream.next().await;
        if let Some(note) = stream.take_note()
            && ends.send(End::Sound(id, Sound::Note(note))).await.is_err()
        {
            return;
        }
        let sound = match next {
            Some(Ok(octets)) => Sound::Chunk(octets.to_vec()),
            Some(Err(fault)) => Sound::Fault(Code(fault.code), fault.text),
            None => Sound::End,
        };
        let last = !matches!(sound, Sound::Chunk(_));
        if ends.send(End::Sound(id, sound)).await.is_err() || last {
            return;
        }
    }
}
