//! Enqueue: the caller waits in a queue, with a document or music, until an agent takes him, he leaves, or the API has
//! something else for him.

use tipring_instructions::{DocumentPlace, Enqueue};

use crate::bridge::ChildState;
use crate::effects::TraceKind;
use crate::fault::Fault;
use crate::fetch::{Page, method_of};
use crate::leg::{Leg, Stop};
use crate::nested::Background;
use crate::params::{Params, param};
use crate::queues::{Queued, Taken};
use crate::verbs::Flow;
use crate::world::World;
use tipring_card::Micros;

/// Callers of a queue that is made by an Enqueue.
const MAX_SIZE: u32 = 1_000;

pub(super) async fn run(leg: &Leg, page: &Page, enqueue: &Enqueue) -> Result<Flow, Stop> {
    leg.answer().await?;
    let wait = enqueue.wait_url.as_deref().map(|url| match url.trim() {
        "" => String::new(),
        url => page.resolve(url),
    });
    let wait = Background::of(wait, method_of(enqueue.wait_method));
    if let Err(result) = join(leg, page, enqueue)? {
        return finish(leg, page, enqueue, result, None);
    }
    let waited = wait_there(leg, &wait).await;
    leg.heed();
    let queued = {
        let mut world = leg.world();
        world.child_leaves(leg.task);
        world.dequeue(leg.task)
    };
    let bridged = queued.as_ref().is_some_and(|queued| queued.bridged);
    let result = match waited {
        Ok(result) => result,
        Err(Stop::Redirected) => {
            let result = if bridged { "redirected-from-bridged" } else { "redirected" };
            // The application hears of it; the call itself goes on with what the API said.
            let told = told(leg, result, queued.as_ref());
            if let Some(ask) = page.ask_action(enqueue.action.as_deref(), enqueue.method, told) {
                leg.notice(ask)?;
            }
            return Err(Stop::Redirected);
        }
        Err(_) => "hangup",
    };
    finish(leg, page, enqueue, result, queued.as_ref())
}

/// Takes a place in the queue, which is made if there is none of its name. Refused with a result in words.
fn join(leg: &Leg, page: &Page, enqueue: &Enqueue) -> Result<Result<(), &'static str>, Stop> {
    let account = leg.call()?.0.account;
    let mut world = leg.world();
    let Some(sid) = world.queue_of(account, &enqueue.name, enqueue.max_queue_size.unwrap_or(MAX_SIZE)) else {
        drop(world);
        leg.failed(Fault::warning(12400, &page.url, "the box has too many queues: delete some"));
        return Ok(Err("system-error"));
    };
    if !world.enqueue(leg.task, sid, enqueue.max_queue_size) {
        drop(world);
        leg.failed(Fault::warning(14207, &page.url, format!("the queue \"{}\" is full", enqueue.name)));
        return Ok(Err("queue-full"));
    }
    drop(world);
    leg.trace(TraceKind::Verb, format!("waits in the queue \"{}\"", enqueue.name));
    Ok(Ok(()))
}

/// Until there is a result.
async fn wait_there(leg: &Leg, wait: &Background) -> Result<&'static str, Stop> {
    let tells = |world: &mut World| world.of_queue(leg.task);
    loop {
        let taken = leg.world().sessions.get(&leg.task).and_then(|s| s.queued.as_ref()?.taken.clone());
        let stopped = match taken {
            Some(taken) => match with_agent(leg, taken).await {
                Ok(true) => return Ok("bridged"),
                Ok(false) => {
                    leg.heed();
                    leg.trace(TraceKind::Verb, "the agent is gone: waits again");
                    if !leg.world().waits_again(leg.task) {
                        leg.failed(Fault::warning(12400, "", "the queue was deleted while an agent had its caller"));
                        return Ok("system-error");
                    }
                    Ok(())
                }
                Err(stop) => Err(stop),
            },
            None => match leg.hear_background(wait, DocumentPlace::QueueWait, &tells).await {
                Ok(()) => return Ok("leave"),
                Err(stop) => Err(stop),
            },
        };
        match stopped {
            Ok(()) => {}
            Err(Stop::CalledAway) => leg.heed(),
            Err(stop) => return Err(stop),
        }
    }
}

/// Lent to an agent: hears the agent's document, is connected, and comes back when the agent is done. Whether they were
/// connected.
async fn with_agent(leg: &Leg, taken: Taken) -> Result<bool, Stop> {
    leg.heed();
    if let Some((url, method)) = &taken.whisper {
        let by = taken.by;
        let tells = |world: &mut World| {
            let mut told: Params = world.of_queue(leg.task);
            told.retain(|(name, _)| name == "QueueSid" || name == "QueueTime");
            told.push(param("DequeingCallSid", by));
            told
        };
        match leg.run_nested(url, *method, DocumentPlace::QueueWhisper, &tells).await {
            Ok(_) => {}
            Err(Stop::CalledAway) => leg.heed(),
            Err(stop) => return Err(stop),
        }
    }
    leg.world().child_is(leg.task, ChildState::Ready);
    loop {
        {
            let world = leg.world();
            let done = world.children.get(&leg.task).is_none_or(|child| child.state.is_gone());
            if done {
                let queued = world.sessions.get(&leg.task).and_then(|session| session.queued.as_ref());
                return Ok(queued.is_some_and(|queued| queued.bridged));
            }
        }
        match leg.next(Micros::FOREVER).await {
            Ok(crate::world::Input::Key(_)) => leg.world().counters.keys_unheard += 1,
            Ok(_) => {}
            Err(Stop::CalledAway) => leg.heed(),
            Err(stop) => return Err(stop),
        }
    }
}

fn told(leg: &Leg, result: &str, queued: Option<&Queued>) -> Params {
    let now = leg.world().stamp();
    let mut told = vec![param("QueueResult", result)];
    if let Some(queued) = queued {
        told.push(param("QueueSid", queued.queue));
        told.push(param("QueueTime", queued.waited_s(now)));
    }
    told
}

fn finish(
    leg: &Leg,
    page: &Page,
    enqueue: &Enqueue,
    result: &'static str,
    queued: Option<&Queued>,
) -> Result<Flow, Stop> {
    leg.trace(TraceKind::Verb, format!("Enqueue ended: {result}"));
    leg.ask_or_notice(page.ask_action(enqueue.action.as_deref(), enqueue.method, told(leg, result, queued)))
}
