//! What goes on beside a call, or after it: callbacks with their tries, a reply that waits for its commit. Errands
//! never change a call.

use tipring_resources::{Call, Message, Method, Sid, SidKind};

use crate::announce::{self, Audience};
use crate::classify::{self, Classifier};
use crate::dictation::{self, Dictation};
use crate::effects::{Effect, HttpAnswer, HttpId, HttpRequest, Purpose, RequestId, TraceKind, WriteId};
use crate::fault::Fault;
use crate::fetch::{Ask, timed_out, told};
use crate::leg::Leg;
use crate::limits::{CALLBACK_LIMIT, CALLBACK_RETRIES, LATE_WRITE_LIMIT, WRITE_LIMIT};
use crate::messages::{self, Outbound, Received};
use crate::params::{Params, of_call};
use crate::progress::{Thread, Told};
use crate::recording::{self, Take, Text};
use crate::requests::{Announce, Reply};
use crate::stream::{self, Wire};
use crate::world::Input;
use crate::{address, story, templates};

/// A task as it is begun.
pub(crate) enum Errand {
    /// A call itself.
    Session,
    /// Callbacks of one thread, one after the other.
    Progress { thread: Thread },
    /// The last of them, once the final record is committed.
    Final { told: Told, write: WriteId },
    /// A recording that no verb waits for; `now`: it ends at once, else with its call.
    Recording { take: Box<Take>, now: bool },
    /// A callback about something else; `write`: once that is committed.
    Callback { call: Box<Call>, url: String, method: Method, params: Params, write: Option<WriteId> },
    /// The request of a verb that outlived its call: asked once, the answer ignored.
    Notice { call: Box<Call>, ask: Ask },
    /// The API's answer, once the record is committed.
    Reply { id: RequestId, reply: Box<Reply>, write: WriteId },
    /// Something that several hear at once.
    Announce { to: Audience, announce: Announce, call: Box<Call> },
    /// A stream beside the call, or one of a Connect that has no time to wait for its end.
    Stream(Box<Wire>),
    /// What is said is written down while the call goes on.
    Dictation(Box<Dictation>),
    /// Who answered is found out while the call goes on.
    Classifier(Box<Classifier>),
    /// A recording is written down.
    Text(Box<Text>),
    /// A message goes out.
    Message(Box<Outbound>),
    /// A message's callback is told what became of it, once that is committed.
    MessageStatus { message: Box<Message>, url: String, write: WriteId },
    /// A message came in.
    Received(Box<Received>),
}

/// In whose name something is asked: cookies and notifications are kept by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose {
    pub(crate) account: Sid,
    /// The call, the room, or the message.
    pub(crate) session: Sid,
}

impl Whose {
    pub(crate) fn of(call: &Call) -> Whose {
        Whose { account: call.account, session: call.sid }
    }
}

pub(crate) async fn run(leg: Leg, errand: Errand) {
    match errand {
        Errand::Session => story::run(leg).await,
        Errand::Progress { thread } => loop {
            let Some(told) = leg.world().next_told(thread) else {
                return;
            };
            let whose = Whose { account: told.call.account, session: told.about };
            callback(&leg, whose, &told.url, told.method, told.params).await;
        },
        Errand::Final { told, write } => match leg.committed(write, LATE_WRITE_LIMIT).await {
            Ok(()) => leg.world().tell(told),
            Err(why) => give_up(&leg, &told.call, &told.url, &why),
        },
        Errand::Recording { take, now } => recording::look_after(&leg, *take, now).await,
        Errand::Callback { call, url, method, params, write } => {
            if let Some(write) = write
                && let Err(why) = leg.committed(write, LATE_WRITE_LIMIT).await
            {
                return give_up(&leg, &call, &url, &why);
            }
            callback(&leg, Whose::of(&call), &url, method, params).await;
        }
        Errand::Notice { call, ask } => {
            let params = of_call(&call, &leg.world().config, &ask.extra);
            let token = leg.world().token();
            let url = templates::fill(&ask.url, &params).url;
            if let Err(fault) = once(&leg, Whose::of(&call), Ask { extra: params, url, ..ask }, token).await {
                leg.world().fault(call.account, call.sid, fault);
            }
        }
        Errand::Announce { to, announce, call } => announce::run(&leg, to, announce, *call).await,
        Errand::Reply { id, reply, write } => {
            let reply = match leg.committed(write, WRITE_LIMIT).await {
                Ok(()) => *reply,
                Err(text) => Reply::refused(20503, text),
            };
            leg.world().emit(Effect::Reply { id, reply });
        }
        Errand::Stream(wire) => stream::look_after(&leg, *wire).await,
        Errand::Dictation(dictation) => dictation::run(&leg, *dictation).await,
        Errand::Classifier(classifier) => classify::run_beside(&leg, *classifier).await,
        Errand::Text(text) => recording::write_down(&leg, *text).await,
        Errand::Message(outbound) => messages::send(&leg, *outbound).await,
        Errand::MessageStatus { message, url, write } => messages::tell(&leg, &message, &url, write).await,
        Errand::Received(received) => messages::answer(&leg, *received).await,
    }
}

/// A callback with its tries; one token over all of them.
pub(crate) async fn callback(leg: &Leg, whose: Whose, url: &str, method: Method, params: Params) {
    if !address::is_absolute_http(url) {
        let fault = Fault::warning(11100, url, "the callback's URL is no absolute http or https URL");
        leg.world().counters.callbacks_failed += 1;
        leg.world().fault(whose.account, whose.session, fault);
        return;
    }
    let token = leg.world().token();
    let mut waits = CALLBACK_RETRIES.iter();
    loop {
        let ask = Ask { url: url.to_owned(), method, extra: params.clone(), inline: false };
        let Err(fault) = once(leg, whose, ask, token.clone()).await else {
            return;
        };
        match waits.next() {
            Some(wait) => leg.sleep(*wait).await,
            None => {
                let text =
                    format!("the callback was given up after {} tries: {}", 1 + CALLBACK_RETRIES.len(), fault.text);
                leg.world().counters.callbacks_failed += 1;
                leg.world().fault(whose.account, whose.session, Fault { text, ..fault });
                return;
            }
        }
    }
}

/// One request whose answer does not matter as long as there is one. `ask.extra` is all that is sent.
async fn once(leg: &Leg, whose: Whose, ask: Ask, idempotency: String) -> Result<(), Fault> {
    let answer = exchange(leg, whose, &ask, Purpose::Callback, idempotency).await;
    leg.world().trace(Some(whose.session), TraceKind::Http, format!("callback {}", told(&answer)));
    match answer {
        HttpAnswer::Document { .. } => Ok(()),
        HttpAnswer::Failed { code, text, exchange } => {
            let text = if code.0 == 15003 { text } else { format!("{} {text}", code.0) };
            Err(Fault::warning(callback_failed(whose.session), &ask.url, text).with(ask.method, &exchange))
        }
    }
}

/// Asks beside a call, and waits for the answer within our own limit.
pub(crate) async fn exchange(leg: &Leg, whose: Whose, ask: &Ask, purpose: Purpose, idempotency: String) -> HttpAnswer {
    let id = {
        let mut world = leg.world();
        let id = HttpId(world.id());
        let request = HttpRequest {
            session: whose.session,
            account: whose.account,
            method: ask.method,
            url: ask.url.clone(),
            params: ask.extra.clone(),
            purpose,
            idempotency,
        };
        world.counters.requests += 1;
        world.routes.http.insert(id, leg.task);
        world.emit(Effect::Http { id, request });
        id
    };
    let until = leg.now() + CALLBACK_LIMIT;
    let answer = loop {
        match leg.next_after_all(until).await {
            Input::Http { id: ended, answer } if ended == id => break answer,
            Input::Timeout => break cancel(leg, id, ask),
            _ => {}
        }
    };
    leg.world().log_exchange(whose, &answer);
    answer
}

/// The code of a callback that failed, or was left out: of a call, or of a room.
pub(crate) fn callback_failed(about: Sid) -> u32 {
    if about.kind == SidKind::Conference { 16011 } else { 15003 }
}

fn cancel(leg: &Leg, id: HttpId, ask: &Ask) -> HttpAnswer {
    let mut world = leg.world();
    world.routes.http.remove(&id);
    world.counters.http_timeouts += 1;
    world.emit(Effect::CancelHttp { id });
    timed_out(ask, CALLBACK_LIMIT)
}

/// A callback about a record that is not committed is not sent: it would speak of what may never have been.
fn give_up(leg: &Leg, call: &Call, url: &str, why: &str) {
    let mut world = leg.world();
    world.counters.callbacks_failed += 1;
    let text = format!("callback {} was not sent: {why}", address::shown(url));
    world.trace(Some(call.sid), TraceKind::Fault, text);
}
