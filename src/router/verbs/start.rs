//! Start and Stop: something runs beside the call while the document goes on. What cannot be begun is told by a
//! notification, and the next verb follows.

use tipring_instructions::{Start, StartNoun, StartRecording, Stop, StopKind};

use crate::dictation::{self, Dictation};
use crate::fault::Fault;
use crate::fetch::{Page, method_of};
use crate::leg::{Leg, Stop as Ended};
use crate::requests::CallRecord;
use crate::running::{Kind, Refused};
use crate::verbs::Flow;

pub(super) async fn run(leg: &Leg, page: &Page, start: &Start) -> Result<Flow, Ended> {
    leg.answer().await?;
    let heard = leg.world().audible(leg.task).ok_or(Ended::Over)?;
    let begun = match &start.noun {
        StartNoun::Recording(recording) => {
            let record = of_noun(page, recording);
            leg.world().record_beside(&heard, record, &page.url).map(|_| ())
        }
        StartNoun::Stream(stream) => {
            let url = leg.fill(&stream.url, &[]);
            let mut world = leg.world();
            match world.plan_of(page, &tipring_instructions::Stream { url, ..stream.as_ref().clone() }) {
                Some(plan) => world.start_stream(heard, plan).map(|_| ()),
                None => Err(no_server(&stream.url)),
            }
        }
        StartNoun::Transcription(noun) => {
            let mut world = leg.world();
            let dictation = Dictation::of_noun(&mut world, heard, page, noun);
            world.start_dictation(dictation).map(|_| ())
        }
        StartNoun::Siprec(siprec) => {
            dictation::no_siprec(leg, page, siprec);
            Ok(())
        }
    };
    if let Err(Refused(code, text)) = begun {
        leg.failed(Fault::warning(code.0, &page.url, format!("<Start>: {text}")));
    }
    Ok(page.ask_action(start.action.as_deref(), start.method, Vec::new()).map_or(Flow::Next, Flow::Ask))
}

/// A URL that leads to no server.
pub(super) fn no_server(url: &str) -> Refused {
    let text = format!("{}: the stream needs a URL with a host, such as wss://host/path", crate::address::shown(url));
    Refused(tipring_resources::Code(31923), text)
}

fn of_noun(page: &Page, recording: &StartRecording) -> CallRecord {
    CallRecord {
        dual: recording.dual,
        track: recording.track,
        trim: recording.trim,
        callback: recording.callback.as_deref().map(|url| page.resolve(url)).unwrap_or_default(),
        callback_method: method_of(recording.callback_method),
        events: recording.callback_events,
    }
}

pub(super) fn stop(leg: &Leg, page: &Page, stop: &Stop) -> Result<Flow, Ended> {
    let call = leg.call()?.0;
    let name = stop.name.as_deref();
    let (kind, word) = match stop.kind {
        StopKind::Recording => {
            if leg.world().stop_recording_of(call.account, call.sid).is_none() {
                let text = "<Stop><Recording>: no recording of the call is under way";
                leg.failed(Fault::warning(16109, &page.url, text));
            }
            return Ok(Flow::Next);
        }
        StopKind::Stream => (Some(Kind::Stream), "Stream"),
        StopKind::Transcription => (Some(Kind::Transcription), "Transcription"),
        StopKind::Siprec => (None, "Siprec"),
    };
    let stopped = {
        let mut world = leg.world();
        let task = kind.and_then(|kind| world.running_of(call.sid, kind, name));
        task.and_then(|task| world.stop_running(task))
    };
    if stopped.is_none() {
        let (code, text) = dictation::not_running(word, name);
        leg.failed(Fault::warning(code.0, &page.url, text));
    }
    Ok(Flow::Next)
}
