//! From a place and a verb to the file that does it.

use crate::fault::Fault;
use crate::path::{Of, Place, Suffix};
use crate::serve::{Answer, Asking, Verb};
use crate::{
    accounts, applications, available, beside, call_events, caller_ids, calls, conferences, create, keys, lines, links,
    media, members, messages, monitor, notifications, numbers, participants, queues, recordings, sip, transcriptions,
    usage,
};

/// Does what is asked.
pub(crate) async fn dispatch(asking: &Asking, verb: Verb) -> Result<Answer, Fault> {
    use Suffix::{Csv, Json, Mp3, None, Txt, Wav, Xml};
    match (&asking.path.place, verb, asking.path.suffix) {
        (Place::Recording(of, sid), Verb::Read, None | Wav | Mp3) => media::sound(asking, *of, *sid).await,
        (Place::Transcription(of, sid), Verb::Read, Txt) => transcriptions::text(asking, *of, *sid).await,
        (place, Verb::Read, Csv) if place.has_csv() => read(asking).await,
        (_, Verb::Read, None | Json | Xml) => read(asking).await,
        (_, Verb::Write, None | Json | Xml) => write(asking).await,
        (_, Verb::Delete, None | Json | Xml) => delete(asking).await,
        (Place::Recording(..), _, _) => Err(Fault::not_found_because(
            "a recording comes as .wav or .mp3, its record as .json or .xml; other forms are not available",
        )),
        _ => Err(Fault::not_found_because("this comes as .json or .xml; other forms are not available")),
    }
}

async fn read(asking: &Asking) -> Result<Answer, Fault> {
    match &asking.path.place {
        Place::Accounts => accounts::list(asking).await,
        Place::Account => Ok(accounts::one(asking)),
        Place::Balance => Ok(usage::balance(asking)),
        Place::Calls => calls::list(asking).await,
        Place::Call(sid) => calls::one(asking, *sid).await,
        Place::Recordings(of) => recordings::list(asking, *of).await,
        Place::Recording(of, sid) => recordings::one(asking, *of, *sid).await,
        Place::Transcriptions(of) => transcriptions::list(asking, *of).await,
        Place::Transcription(of, sid) => transcriptions::one(asking, *of, *sid).await,
        Place::Notifications(call) => notifications::list(asking, *call).await,
        Place::Notification(call, sid) => notifications::one(asking, *call, *sid).await,
        Place::CallEvents(call) => call_events::list(asking, *call).await,
        Place::Conferences => conferences::list(asking).await,
        Place::Conference(room) => conferences::one(asking, room).await,
        Place::Participants(room) => participants::list(asking, room).await,
        Place::Participant(room, key) => participants::one(asking, room, key).await,
        Place::Queues => queues::list(asking).await,
        Place::Queue(sid) => queues::one(asking, *sid).await,
        Place::Members(queue) => members::list(asking, *queue).await,
        Place::Member(queue, key) => members::one(asking, *queue, key).await,
        Place::Numbers => numbers::list(asking).await,
        Place::Number(sid) => numbers::one(asking, *sid).await,
        Place::Countries => Ok(available::countries(asking)),
        Place::Available(country, kind) => available::list(asking, country, *kind).await,
        Place::Applications => applications::list(asking).await,
        Place::Application(sid) => applications::one(asking, *sid).await,
        Place::CallerIds => caller_ids::list(asking).await,
        Place::CallerId(sid) => caller_ids::one(asking, *sid).await,
        Place::Keys(_) => keys::list(asking).await,
        Place::Key(_, sid) => keys::one(asking, *sid).await,
        Place::Messages => messages::list(asking).await,
        Place::Message(sid) => messages::one(asking, *sid).await,
        Place::Media(sid) => messages::media(asking, *sid).await,
        Place::Usage(span) => usage::list(asking, *span).await,
        Place::Sip(member) => sip::list(asking, member),
        Place::Lines(None) => lines::lines(asking).await,
        Place::Lines(Some(name)) => lines::line(asking, name).await,
        Place::Spans(None) => lines::spans(asking),
        Place::Spans(Some(name)) => lines::span(asking, name),
        Place::Alerts => monitor::alerts(asking).await,
        Place::Alert(sid) => monitor::alert(asking, *sid).await,
        Place::Events => monitor::events(asking).await,
        Place::Event(sid) => monitor::event(asking, *sid).await,
        Place::EventStream
        | Place::CurrentRecording(_)
        | Place::RecordingLinks(_)
        | Place::Beside(..)
        | Place::Nothing => Err(Fault::not_found()),
    }
}

async fn write(asking: &Asking) -> Result<Answer, Fault> {
    match &asking.path.place {
        Place::Accounts => accounts::create(asking).await,
        Place::Account => accounts::update(asking).await,
        Place::Calls => create::create(asking).await,
        Place::Call(sid) => calls::update(asking, *sid).await,
        Place::Recordings(Of::Call(call)) => recordings::begin(asking, *call).await,
        Place::Recordings(Of::Conference(room)) => recordings::begin_of_room(asking, *room).await,
        Place::Recording(of, sid) => recordings::control(asking, *of, Some(*sid)).await,
        Place::CurrentRecording(of) => recordings::control(asking, *of, None).await,
        Place::RecordingLinks(sid) => links::create(asking, *sid).await,
        Place::Transcriptions(Some(recording)) => transcriptions::begin(asking, *recording).await,
        Place::Beside(kind, call, name) => beside::write(asking, *kind, *call, name.as_deref()).await,
        Place::Conferences => conferences::gather(asking).await,
        Place::Conference(room) => conferences::update(asking, room).await,
        Place::Participants(room) => participants::create(asking, room).await,
        Place::Participant(room, key) => participants::update(asking, room, key).await,
        Place::Queues => queues::create(asking).await,
        Place::Queue(sid) => queues::update(asking, *sid).await,
        Place::Member(queue, key) => members::update(asking, *queue, key).await,
        Place::Numbers => numbers::create(asking).await,
        Place::Number(sid) => numbers::update(asking, *sid).await,
        Place::Applications => applications::create(asking).await,
        Place::Application(sid) => applications::update(asking, *sid).await,
        Place::Lines(Some(name)) => lines::tell(asking, name).await,
        Place::CallerIds => caller_ids::create(asking).await,
        Place::CallerId(sid) => caller_ids::update(asking, *sid).await,
        Place::Keys(_) => keys::create(asking).await,
        Place::Key(_, sid) => keys::update(asking, *sid).await,
        Place::Messages => messages::create(asking).await,
        Place::Message(sid) => messages::update(asking, *sid).await,
        Place::Sip(_) => sip::create(asking),
        _ => Err(Fault::not_found()),
    }
}

async fn delete(asking: &Asking) -> Result<Answer, Fault> {
    match &asking.path.place {
        Place::Call(sid) => calls::delete(asking, *sid).await,
        Place::Recording(of, sid) => recordings::delete(asking, *of, *sid).await,
        Place::Transcription(of, sid) => transcriptions::delete(asking, *of, *sid).await,
        Place::Participant(room, key) => participants::delete(asking, room, key).await,
        Place::Queue(sid) => queues::delete(asking, *sid).await,
        Place::Number(sid) => numbers::delete(asking, *sid).await,
        Place::Application(sid) => applications::delete(asking, *sid).await,
        Place::CallerId(sid) => caller_ids::delete(asking, *sid).await,
        Place::Key(_, sid) => keys::delete(asking, *sid).await,
        Place::Message(sid) => messages::delete(asking, *sid).await,
        _ => Err(Fault::not_found()),
    }
}
