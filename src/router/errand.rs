//! What goes on beside a call, or after it: callbacks with their tries, a reply that waits for its commit. Errands
//! never change a call.

use tipring_resources::{Call, Code, Method, Sid};

use crate::announce::{self, Audience};
use crate::effects::{Effect, HttpAnswer, HttpId, HttpRequest, Purpose, RequestId, TraceKind, WriteId};
use crate::fault::Fault;
use crate::fetch::{Ask, timed_out, told};
use crate::leg::Leg;
use crate::limits::{CALLBACK_LIMIT, CALLBACK_RETRIES, LATE_WRITE_LIMIT, WRITE_LIMIT};
use crate::params::{Params, of_call};
use crate::progress::Told;
use crate::recording::{self, Take};
use crate::requests::{Announce, Reply};
use crate::world::Input;
use crate::{address, story};

/// A task as it is begun.
pub(crate) enum Errand {
    /// A call itself.
    Session,
    /// A leg's callbacks of its progress, one after the other.
    Progress { call: Sid },
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
}

pub(crate) async fn run(leg: Leg, errand: Errand) {
    match errand {
        Errand::Session => story::run(leg).await,
        Errand::Progress { call } => loop {
            let Some(told) = leg.world().next_told(call) else {
                return;
            };
            callback(&leg, told.about, &told.call, &told.url, told.method, told.params).await;
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
            callback(&leg, call.sid, &call, &url, method, params).await;
        }
        Errand::Notice { call, ask } => {
            let params = of_call(&call, &leg.world().config, &ask.extra);
            let token = leg.world().token();
            if let Err(fault) = once(&leg, call.sid, &call, Ask { extra: params, ..ask }, token).await {
                leg.world().fault(call.account, call.sid, fault);
            }
        }
        Errand::Announce { to, announce, call } => announce::run(&leg, to, announce, *call).await,
        Errand::Reply { id, reply, write } => {
            let reply = match leg.committed(write, WRITE_LIMIT).await {
                Ok(()) => *reply,
                Err(text) => Reply::Refused { code: Code(20503), text },
            };
            leg.world().emit(Effect::Reply { id, reply });
        }
    }
}

/// A callback with its tries; one token over all of them. `session`: whose cookies it has, a call's or a room's.
async fn callback(leg: &Leg, session: Sid, call: &Call, url: &str, method: Method, params: Params) {
    if !address::is_absolute_http(url) {
        let fault = Fault::warning(11100, url, "the callback's URL is no absolute http or https URL");
        leg.world().counters.callbacks_failed += 1;
        leg.world().fault(call.account, call.sid, fault);
        return;
    }
    let token = leg.world().token();
    let mut waits = CALLBACK_RETRIES.iter();
    loop {
        let ask = Ask { url: url.to_owned(), method, extra: params.clone(), inline: false };
        let Err(fault) = once(leg, session, call, ask, token.clone()).await else {
            return;
        };
        match waits.next() {
            Some(wait) => leg.sleep(*wait).await,
            None => {
                let text =
                    format!("the callback was given up after {} tries: {}", 1 + CALLBACK_RETRIES.len(), fault.text);
                leg.world().counters.callbacks_failed += 1;
                leg.world().fault(call.account, call.sid, Fault { text, ..fault });
                return;
            }
        }
    }
}

/// One request whose answer does not matter as long as there is one. `ask.extra` is all that is sent.
async fn once(leg: &Leg, session: Sid, call: &Call, ask: Ask, idempotency: String) -> Result<(), Fault> {
    let id = {
        let mut world = leg.world();
        let id = HttpId(world.id());
        let request = HttpRequest {
            session,
            account: call.account,
            method: ask.method,
            url: ask.url.clone(),
            params: ask.extra.clone(),
            purpose: Purpose::Callback,
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
            Input::Timeout => break cancel(leg, id, &ask),
            _ => {}
        }
    };
    leg.world().trace(Some(call.sid), TraceKind::Http, format!("callback {}", told(&answer)));
    match answer {
        HttpAnswer::Document { .. } => Ok(()),
        HttpAnswer::Failed { code, text, exchange } => {
            let text = if code.0 == 15003 { text } else { format!("{} {text}", code.0) };
            Err(Fault::warning(15003, &ask.url, text).with(ask.method, &exchange))
        }
    }
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
