//! A change of what lives on another box: the whole request goes there as it came, with the credentials that it came with, once.
//! The other box judges it as it judges its own; what it answers is the answer.
//!
//! Reads are not passed on, since the store is shared; but for the sound of a recording, which may lie on the box that made it alone.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header, request};
use tipring_store::{Living, Owner};

use crate::Later;
use crate::fault::Fault;
use crate::path::{Of, Place};
use crate::serve::{Answer, Asking};

/// Passes requests on to other boxes.
pub trait Neighbours: Send + Sync + 'static {
    /// To the box at this address; what it answers, or why it does not. What it answers to a read may be long, and comes as it
    /// is read.
    fn pass_on(&self, address: String, request: Request<Bytes>) -> Later<'_, Result<Response<Body>, String>>;
}

/// Who has passed a request on. One that has been goes no further.
pub const PASSED_ON: HeaderName = HeaderName::from_static("x-tipring-passed-on");

/// The other box's answer; `None`: what is asked for is this box's own business.
pub(crate) async fn passed_on(asking: &Asking, parts: &request::Parts, body: Bytes) -> Result<Option<Answer>, Fault> {
    let Some(neighbours) = asking.state.live.neighbours() else { return Ok(None) };
    let Some(living) = living(asking) else { return Ok(None) };
    let Some(owner) = asking.state.store.owner(living, asking.state.live.now()).await? else { return Ok(None) };
    let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let request = (&parts.method, target, &parts.headers, body);
    to(asking.state.store.box_name(), neighbours, &owner, request).await.map(Some)
}

/// The answer of the box that has the sound.
pub(crate) async fn read(asking: &Asking, owner: &Owner) -> Result<Answer, Fault> {
    let Some(neighbours) = asking.state.live.neighbours() else {
        return Err(Fault::unavailable(format!(
            "its sound is on the box {}, and this box asks no other: set boxes.listen on both, or media.store",
            owner.name
        )));
    };
    let request = (&asking.method, asking.target.as_str(), &asking.headers, Bytes::new());
    to(asking.state.store.box_name(), neighbours, owner, request).await
}

async fn to(
    own: &str,
    neighbours: &dyn Neighbours,
    owner: &Owner,
    (method, target, headers, body): (&Method, &str, &HeaderMap, Bytes),
) -> Result<Answer, Fault> {
    let away = |why: String| Fault::unavailable(format!("it lives on the box {}, {why}: try again later", owner.name));
    if headers.contains_key(PASSED_ON) {
        return Err(away("which has just changed".to_owned()));
    }
    if owner.silent {
        return Err(away("which gives no sign of life".to_owned()));
    }
    if owner.address.is_empty() {
        return Err(away("which does not say where it is asked (boxes.listen)".to_owned()));
    }
    let mut request = Request::builder().method(method.clone()).uri(target);
    for (name, value) in headers {
        if !HOP_BY_HOP.contains(name) {
            request = request.header(name, value);
        }
    }
    let own = HeaderValue::from_str(own).unwrap_or(HeaderValue::from_static("box"));
    let request = request.header(PASSED_ON, own).body(body).map_err(|_| Fault::internal())?;
    match neighbours.pass_on(owner.address.clone(), request).await {
        Ok(answer) => Ok(Answer::Raw(answer)),
        Err(why) => {
            tracing::warn!(owner = owner.name, address = owner.address, why, "a request could not be passed on");
            Err(away("which cannot be asked".to_owned()))
        }
    }
}

/// What lives of what a path names.
fn living(asking: &Asking) -> Option<Living> {
    let room = |room: &dyn std::fmt::Display| Living::Room(asking.account.sid, room.to_string());
    match &asking.path.place {
        Place::Call(call) | Place::Beside(_, call, _) => Some(Living::Call(*call)),
        Place::Recordings(of) | Place::Recording(of, _) | Place::CurrentRecording(of) => match of {
            Of::Account => None,
            Of::Call(call) => Some(Living::Call(*call)),
            Of::Conference(sid) => Some(room(sid)),
        },
        Place::Conference(name) | Place::Participants(name) | Place::Participant(name, _) => Some(room(name)),
        Place::Member(queue, key) => Some(Living::Waiting(*queue, key.parse().ok())),
        _ => None,
    }
}

/// What is between two ends of one connection, or is written anew.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
