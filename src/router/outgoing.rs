//! A leg that calls out, from its beginning to its answer: the line, the ringing, the keys after the answer. Queued
//! until a line is seized; then it is as far as the line says.

use tipring_card::{Cause, Micros};
use tipring_guard::spending::Tariff;
use tipring_resources::{Call, CallStatus, Code, Record, Sid};

use tipring_instructions::DocumentPlace;

use crate::bridge::ChildState;
use crate::classify::{self, Machine};
use crate::effects::{Effect, Outgoing, RequestId, TraceKind, WriteId};
use crate::errand::Errand;
use crate::fault::Fault;
use crate::fetch::Wanted;
use crate::leg::{Leg, Stop};
use crate::limits::{DIALLING_LIMIT, HELP_EVERY, HELP_LIMIT, SEIZE_LIMIT, WRITE_LIMIT};
use crate::queue::Waits;
use crate::recording::{Take, Wish, ears};
use crate::requests::{CallRecord, Instructions, No, Reply};
use crate::session::Session;
use crate::sound::{Noise, keys};
use crate::world::{Input, TaskId, World};

/// What an outgoing leg is to do.
pub(crate) struct Outward {
    /// As the line is told it.
    pub(crate) order: Outgoing,
    /// What it costs.
    pub(crate) tariff: Tariff,
    /// The commit of its first record, if it is waited for.
    pub(crate) born: Option<WriteId>,
    /// It waits so long before it is made.
    pub(crate) delay: Micros,
    /// It may wait for a line that is in use.
    pub(crate) may_queue: bool,
    /// Why there is no line, since the last try.
    pub(crate) no_line: Option<NoLine>,
    /// How often its line turned out to be another call's.
    pub(crate) lost: u8,
    /// How long it may ring.
    pub(crate) ring_limit: Micros,
    /// An analogue line that still waits for dial tone or sends digits: nothing can ring yet.
    pub(crate) dialling: bool,
    /// Keys for after the answer.
    pub(crate) send_digits: String,
    pub(crate) record: Option<CallRecord>,
    /// Heard by the called party before it is connected.
    pub(crate) whisper: Option<(String, tipring_resources::Method)>,
    /// Who answers is to be found out.
    pub(crate) machine: Option<Machine>,
    /// For after the answer; `None`: its Dial bridges it.
    pub(crate) instructions: Option<Instructions>,
}

/// Why there is no line.
#[derive(Clone, Debug)]
pub(crate) struct NoLine {
    pub(crate) cause: Cause,
    pub(crate) may_wait: bool,
    pub(crate) text: String,
}

impl World {
    /// An outgoing leg begins. `kept`: it waits for the commit of its record, unless help is called.
    pub(crate) fn begin_outgoing(
        &mut self,
        session: Session,
        outward: Outward,
        kept: bool,
    ) -> Option<(TaskId, WriteId)> {
        let call = session.call.clone();
        let urgent = outward.order.emergency;
        let time_limit = self.bounded(session.time_limit, outward.tariff);
        let task = self.begin_leg(Session { time_limit, outward: Some(Box::new(outward)), ..session })?;
        self.counters.calls_out += 1;
        let write = self.write(Record::Call(call.clone()));
        if kept && !urgent {
            self.routes.await_write(write, task);
            if let Some(outward) = self.sessions.get_mut(&task).and_then(|session| session.outward.as_mut()) {
                outward.born = Some(write);
            }
        }
        self.trace(Some(call.sid), TraceKind::Line, format!("to be called: {} from {}", call.to, call.from));
        self.changed.push(call);
        Some((task, write))
    }

    /// Why there was no line since the last look; and whether there is one.
    fn line_found(&mut self, task: TaskId) -> (bool, Option<NoLine>) {
        match self.sessions.get_mut(&task) {
            None => (false, None),
            Some(session) => {
                let no_line = session.outward.as_mut().and_then(|outward| outward.no_line.take());
                (session.lease.is_some(), no_line)
            }
        }
    }
}

/// Why nothing more can be begun.
pub(crate) const TOO_MUCH: &str = "too much waits beside the calls; try again later";

/// Calls, and returns when it is answered: with what the leg does then. A leg of a Dial stays here until it is over or
/// gets a document of its own.
pub(crate) async fn call_out(leg: &Leg) -> Result<Wanted, Stop> {
    kept(leg).await?;
    let delay = leg.outward(|outward| outward.delay)?;
    leg.idle(leg.now() + delay).await?;
    let began = leg.now();
    loop {
        seize(leg, began).await?;
        if ring(leg).await? {
            break;
        }
    }
    record(leg)?;
    let digits = leg.outward(|outward| outward.send_digits.clone())?;
    let machine = leg.outward(|outward| outward.machine.take())?;
    let mut answered_by = Vec::new();
    if !digits.is_empty() {
        // Keys would be taken for a machine's beeps: nothing is found out then.
        leg.hear(&Noise::Tones(keys(&digits))).await?;
    } else if let Some(machine) = machine {
        answered_by = classify::find_out(leg, machine).await?;
    }
    if let Some(instructions) = leg.outward(|outward| outward.instructions.take())? {
        leg.world().child_leaves(leg.task);
        let mut wanted = Wanted::from(instructions);
        if let Wanted::Ask(ask) = &mut wanted {
            ask.extra.extend(answered_by);
        }
        return Ok(wanted);
    }
    if let Some((url, method)) = leg.outward(|outward| outward.whisper.clone())? {
        // Its Hangup declines the call.
        leg.run_nested(&url, method, DocumentPlace::Whisper, &|_| Vec::new()).await?;
    }
    leg.world().child_is(leg.task, ChildState::Ready);
    loop {
        leg.next(Micros::FOREVER).await?;
    }
}

/// Until its record is kept.
async fn kept(leg: &Leg) -> Result<(), Stop> {
    if let Some(write) = leg.outward(|outward| outward.born)?
        && let Err(why) = leg.committed(write, WRITE_LIMIT).await
        && !leg.is_over()
    {
        leg.fault(Fault::error(12400, "", format!("the call is not made, its record could not be kept: {why}")));
        return Err(leg.end(Some(CallStatus::Failed), Cause::TEMPORARY_FAILURE));
    }
    if leg.is_over() { Err(Stop::Over) } else { Ok(()) }
}

/// Until there is a line; it waits for one since `began`.
async fn seize(leg: &Leg, began: Micros) -> Result<(), Stop> {
    let (may_queue, group, help) = leg.outward(|o| (o.may_queue, o.order.group.clone(), o.order.emergency))?;
    match may_queue {
        true => leg.world().dial_in_turn(leg.task, &group),
        false => leg.world().dial(leg.task),
    }
    let mut told = false;
    loop {
        let (found, no_line) = leg.world().line_found(leg.task);
        if found {
            return Ok(());
        }
        match no_line {
            Some(no_line) if may_queue && no_line.may_wait && told => {}
            Some(no_line) if may_queue && no_line.may_wait => {
                leg.trace(TraceKind::Line, format!("waits for a line: {}", no_line.text));
                told = true;
            }
            // Help stands in no queue: it asks for any line that becomes free, again and again.
            Some(no_line) if help && no_line.may_wait && leg.now() < began + HELP_LIMIT => {
                let again = leg.now() + HELP_EVERY;
                while leg.now() < again {
                    leg.next(again).await?;
                }
                leg.world().dial(leg.task);
            }
            Some(no_line) => return Err(without_line(leg, no_line.cause, &no_line.text)),
            None => {}
        }
        let waits = leg.world().waits(leg.task).unwrap_or(Waits::ForLines(began));
        if waits == Waits::ForTurn && leg.world().draining {
            return Err(without_line(leg, Cause::CONGESTION, "the box is being stopped"));
        }
        let until = match waits {
            Waits::ForTurn => began + leg.world().config.outbound.queue_limit,
            Waits::ForLines(since) => since + SEIZE_LIMIT,
        };
        if let Input::Timeout = leg.next(until).await? {
            return Err(match waits {
                Waits::ForTurn => {
                    leg.world().counters.queue_expired += 1;
                    without_line(leg, Cause::NO_CHANNEL, "none was free within outbound.queue_s")
                }
                Waits::ForLines(_) => {
                    leg.world().counters.seizures_unanswered += 1;
                    without_line(leg, Cause::TIMER_EXPIRY, "the lines did not answer")
                }
            });
        }
    }
}

/// Ends a leg that finds no line. Its parent's developer, if there is one, is told: he looks there.
fn without_line(leg: &Leg, cause: Cause, why: &str) -> Stop {
    let Ok((call, _)) = leg.call() else {
        return Stop::Over;
    };
    let text = format!("no line to {}: {why} (cause {}, {})", call.to, cause.0, cause.text());
    if cause == Cause::USER_BUSY {
        // A telephone of the box that is in use: an answer like any other.
        leg.trace(TraceKind::Line, text);
        return leg.end(Some(CallStatus::Busy), cause);
    }
    let code = if call.parent.is_some() { 13224 } else { 10004 };
    let mut world = leg.world();
    world.fault(call.account, call.parent.unwrap_or(call.sid), Fault::warning(code, "", text));
    if let Some(parent) = world.children.get(&leg.task).map(|child| child.parent) {
        world.keep_failure(parent, Code(code), String::new());
    }
    drop(world);
    leg.end(Some(CallStatus::Failed), cause)
}

/// Until it is answered; `false`: its line is another call's, and it may look for one again.
async fn ring(leg: &Leg) -> Result<bool, Stop> {
    let limit = leg.outward(|outward| outward.ring_limit)?;
    let dialled_by = leg.now() + DIALLING_LIMIT;
    let mut until = leg.now() + limit;
    let mut dialling = false;
    while !leg.is_answered() {
        if !leg.world().line_found(leg.task).0 {
            return Ok(false);
        }
        if std::mem::replace(&mut dialling, leg.outward(|outward| outward.dialling)?) && !dialling {
            // The time to ring begins when the exchange has the number.
            until = leg.now() + limit;
        }
        if let Input::Timeout = leg.next(if dialling { dialled_by } else { until }).await? {
            return Err(leg.end(Some(CallStatus::NoAnswer), Cause::NO_ANSWER));
        }
    }
    Ok(true)
}

/// Begins the recording of the whole call, if one is wished. An errand looks after it.
fn record(leg: &Leg) -> Result<(), Stop> {
    let Some(wish) = leg.outward(|outward| outward.record.take())? else {
        return Ok(());
    };
    let mut world = leg.world();
    let session = world.sessions.get(&leg.task).filter(|session| !session.over).ok_or(Stop::Over)?;
    let (port, law, call) = (session.lease.ok_or(Stop::Over)?, session.law, session.call.clone());
    let ears = ears(port, law, wish.track, wish.dual);
    let wish = Wish {
        source: "OutboundAPI",
        ears,
        quiet_ms: 0,
        silent_too: true,
        track: wish.track,
        trim: wish.trim,
        callback: wish.callback,
        callback_method: wish.callback_method,
        events: wish.events,
        url: String::new(),
        conference: None,
        text: None,
    };
    if let Some(take) = Take::begin(&mut world, leg.task, &call, wish) {
        let recording = take.recording.sid;
        take.run_beside(&mut world, false);
        if let Some(session) = world.sessions.get_mut(&leg.task) {
            session.is_recorded(recording);
        }
    }
    Ok(())
}

impl World {
    /// Answers a request with a call's record, once that is committed.
    pub(crate) fn reply_after(&mut self, id: RequestId, call: Call, write: WriteId) {
        self.reply_with(id, call.sid, Reply::Call(Box::new(call)), write);
    }

    /// Answers a request that it is not done, and why.
    pub(crate) fn refuse(&mut self, id: RequestId, code: u32, text: impl Into<String>) {
        self.emit(Effect::Reply { id, reply: Reply::refused(code, text) });
    }

    /// The same for a reason that was found.
    pub(crate) fn refuse_for(&mut self, id: RequestId, no: No) {
        self.emit(Effect::Reply { id, reply: no.into() });
    }

    /// Answers a request, once a record is committed; `about`: the call that it is about.
    pub(crate) fn reply_with(&mut self, id: RequestId, about: Sid, reply: Reply, write: WriteId) {
        match self.begin(about, Errand::Reply { id, reply: Box::new(reply), write }) {
            Some(errand) => self.routes.await_write(write, errand),
            None => self.refuse(id, 20503, TOO_MUCH),
        }
    }
}
