//! A recording is written down (rows B10, C24): a record in progress, the recognizer, the record with the text, and only
//! after its commit the callback.

use tipring_resources::{
    Call, Code, Method, Record as Stored, Recording, RecordingStatus, Sid, SidKind, Transcription, TranscriptionStatus,
};

use super::recording_url;
use crate::effects::{Effect, RequestId, TraceKind, WriteId};
use crate::errand::{Errand, Whose, callback};
use crate::fault::Fault;
use crate::leg::Leg;
use crate::limits::{LATE_WRITE_LIMIT, TEXT_LIMIT, WRITE_LIMIT};
use crate::outgoing::TOO_MUCH;
use crate::params::{Params, param};
use crate::requests::Reply;
use crate::world::{Input, TaskId, World};

/// What can be written down, as twiml allows.
const LENGTH_MS: std::ops::RangeInclusive<u32> = 2_000..=120_000;

/// How a recording is to be written down.
#[derive(Clone, Debug)]
pub(crate) struct TextWish {
    /// Empty: the default.
    pub(crate) language: String,
    /// Absolute; empty: nobody is told.
    pub(crate) callback: String,
    pub(crate) callback_method: Method,
}

/// A text that is being made.
pub(crate) struct Text {
    transcription: Transcription,
    /// The call, if it is known here.
    call: Option<Box<Call>>,
    wish: TextWish,
    /// The document that wished it, for people.
    url: String,
    write: WriteId,
    reply: Option<RequestId>,
    /// Cookies are kept by it: the call, or the transcription itself where the call is long over.
    session: Sid,
}

impl World {
    /// A verb's recording is complete and is to be written down, if it can be.
    pub(super) fn write_down_after(
        &mut self,
        task: TaskId,
        recording: &Recording,
        call: &Call,
        url: &str,
        wish: TextWish,
    ) {
        let length_ms = recording.duration_ms.unwrap_or(0);
        if !LENGTH_MS.contains(&length_ms) {
            let code = if length_ms < *LENGTH_MS.start() { 13617 } else { 13615 };
            let text = format!("a recording of {} s is not written down: 2 to 120 s can be", length_ms / 1_000);
            self.fault(recording.account, recording.call, Fault::warning(code, url, text));
            self.keep_failure(task, Code(code), crate::address::shown(url));
            return;
        }
        self.write_down_now(recording, Some(Box::new(call.clone())), url, wish, None);
    }

    /// The API wants a recording written down.
    pub(crate) fn write_down_by_request(&mut self, id: RequestId, recording: &Recording, wish: TextWish) {
        let reply = if recording.status != RecordingStatus::Completed {
            Reply::refused(16106, "the recording is not complete; ask again when its status is completed")
        } else if !LENGTH_MS.contains(&recording.duration_ms.unwrap_or(0)) {
            Reply::refused(94104, "2 to 120 seconds of sound can be written down")
        } else if self.is_crowded() {
            Reply::refused(20503, TOO_MUCH)
        } else {
            let call = self.call_now(recording.call).map(Box::new);
            return self.write_down_now(recording, call, "", wish, Some(id));
        };
        self.emit(Effect::Reply { id, reply });
    }

    fn write_down_now(
        &mut self,
        recording: &Recording,
        call: Option<Box<Call>>,
        url: &str,
        wish: TextWish,
        reply: Option<RequestId>,
    ) {
        let (sid, now) = (self.sid(SidKind::Transcription), self.stamp());
        let default = &self.config.default_language;
        let language = if wish.language.is_empty() { default.clone() } else { wish.language.clone() };
        let transcription = Transcription {
            sid,
            account: recording.account,
            recording: recording.sid,
            call: recording.call,
            status: TranscriptionStatus::InProgress,
            text: String::new(),
            duration_ms: recording.duration_ms,
            language,
            created: now,
            updated: now,
        };
        let write = self.write(Stored::Transcription(transcription.clone()));
        self.trace(
            Some(recording.call),
            TraceKind::File,
            format!("recording {} is written down: {sid}", recording.sid),
        );
        let session = if self.is_alive(recording.call) { recording.call } else { sid };
        let text = Text { transcription, call, wish, url: url.to_owned(), write, reply, session };
        if let Some(task) = self.begin(session, Errand::Text(Box::new(text))) {
            self.routes.await_write(write, task);
        }
    }

    /// A call as it is now, as long as its line is not clear.
    pub(crate) fn call_now(&self, call: Sid) -> Option<Call> {
        self.sessions.values().find(|session| session.call.sid == call).map(|session| session.call.clone())
    }
}

/// The errand: from the first commit to the callback.
pub(crate) async fn write_down(leg: &Leg, mut text: Text) {
    let kept = leg.committed(text.write, WRITE_LIMIT).await;
    if let Some(id) = text.reply {
        let reply = match &kept {
            Ok(()) => Reply::Transcription(Box::new(text.transcription.clone())),
            Err(why) => Reply::refused(20503, why),
        };
        leg.world().emit(Effect::Reply { id, reply });
    }
    if kept.is_err() {
        return;
    }
    let (sid, result) = (text.transcription.sid, text.listen(leg).await);
    let transcription = &mut text.transcription;
    match result {
        Ok(words) => (transcription.status, transcription.text) = (TranscriptionStatus::Completed, words),
        Err((code, why)) => {
            transcription.status = TranscriptionStatus::Failed;
            let fault = Fault::warning(code.0, &text.url, format!("transcription {sid} failed: {why}"));
            leg.world().fault_in(transcription.account, text.session, Some(transcription.call), fault);
        }
    }
    let write = {
        let mut world = leg.world();
        transcription.updated = world.stamp();
        let write = world.write(Stored::Transcription(transcription.clone()));
        world.routes.await_write(write, leg.task);
        write
    };
    if leg.committed(write, LATE_WRITE_LIMIT).await.is_ok() && !text.wish.callback.is_empty() {
        let params = text.told(leg);
        let whose = Whose { account: text.transcription.account, session: text.session };
        callback(leg, whose, &text.wish.callback, text.wish.callback_method, params).await;
    }
}

impl Text {
    /// Lets the recognizer hear it.
    async fn listen(&self, leg: &Leg) -> Result<String, (Code, String)> {
        let Transcription { sid, recording, account, .. } = self.transcription;
        {
            let mut world = leg.world();
            world.routes.transcriptions.insert(sid, leg.task);
            let language = self.transcription.language.clone();
            world.emit(Effect::Transcribe { sid, recording, account, language });
        }
        let until = leg.now() + TEXT_LIMIT;
        loop {
            match leg.next_after_all(until).await {
                Input::Transcribed { sid: ended, result } if ended == sid => return result,
                Input::Timeout => {
                    leg.world().routes.transcriptions.remove(&sid);
                    return Err((Code(94101), "the recognizer did not answer in time".to_owned()));
                }
                _ => {}
            }
        }
    }

    fn told(&self, leg: &Leg) -> Params {
        let world = leg.world();
        let text = &self.transcription;
        let (base, version) = (world.config.public_base.trim_end_matches('/'), &world.config.api_version);
        let url = format!("{base}/{version}/Accounts/{}/Transcriptions/{}", text.account, text.sid);
        let mut params = vec![
            param("TranscriptionSid", text.sid),
            param("TranscriptionText", &text.text),
            param("TranscriptionStatus", text.status.as_str()),
            param("TranscriptionUrl", url),
            param("RecordingSid", text.recording),
            param("RecordingUrl", recording_url(&world.config, text.account, text.recording)),
            param("CallSid", text.call),
            param("AccountSid", text.account),
        ];
        // As it is now; the call that the recording knew may have ended meanwhile.
        if let Some(call) = world.call_now(text.call).or(self.call.as_deref().cloned()) {
            params.push(param("From", &call.from));
            params.push(param("To", &call.to));
            params.push(param("CallStatus", call.status.as_str()));
            params.push(param("Direction", call.direction.as_str()));
        }
        params.push(param("ApiVersion", version));
        params
    }
}
