//! Connect: the caller speaks with a server over a stream, until that ends; keys go to the server. And Echo: he hears
//! himself until he hangs up or gets another document.

use tipring_card::Micros;
use tipring_instructions::{Connect, ConnectNoun, Stream};
use tipring_switch::{Command as SwitchCommand, PlayId};

use crate::effects::{Effect, TraceKind};
use crate::fault::Fault;
use crate::fetch::Page;
use crate::leg::{Leg, Stop};
use crate::stream::Wire;
use crate::verbs::{Flow, start};
use crate::world::Input;

pub(super) async fn run(leg: &Leg, page: &Page, connect: &Connect) -> Result<Flow, Stop> {
    // A noun that is not here has its notification from the document.
    if let ConnectNoun::Stream(stream) = &connect.noun {
        leg.answer().await?;
        talk(leg, page, stream).await?;
    }
    Ok(page.ask_action(connect.action.as_deref(), connect.method, Vec::new()).map_or(Flow::Next, Flow::Ask))
}

async fn talk(leg: &Leg, page: &Page, stream: &Stream) -> Result<(), Stop> {
    let heard = leg.world().audible(leg.task).ok_or(Stop::Over)?;
    let url = leg.fill(&stream.url, &[]);
    let plan = leg.world().plan_of(page, &Stream { url, ..stream.clone() });
    let Some(plan) = plan else {
        let crate::running::Refused(code, text) = start::no_server(&stream.url);
        leg.failed(Fault::warning(code.0, &page.url, format!("<Connect>: {text}")));
        return Ok(());
    };
    let mut wire = Wire::planned(heard, plan);
    let play = begin(leg, &mut wire)?;
    let ended = until_it_ends(leg, &mut wire, play).await;
    let mut world = leg.world();
    wire.close(&mut world);
    wire.hand_over(&mut world);
    drop(world);
    stop(leg, play);
    leg.trace(TraceKind::Verb, "Connect ended");
    ended
}

/// A playing that nothing but the server feeds, and the stream.
fn begin(leg: &Leg, wire: &mut Wire) -> Result<PlayId, Stop> {
    let mut world = leg.world();
    let play = PlayId(world.id());
    let session = world.sessions.get_mut(&leg.task).filter(|session| !session.over).ok_or(Stop::Over)?;
    if session.redirect.is_some() {
        return Err(Stop::Redirected);
    }
    let port = session.lease.ok_or(Stop::Over)?;
    session.sound = Some((None, play));
    world.routes.plays.insert(play, leg.task);
    world.emit(Effect::Switch(SwitchCommand::Play { port, play }));
    wire.open(&mut world, leg.task, Some(play));
    Ok(play)
}

async fn until_it_ends(leg: &Leg, wire: &mut Wire, play: PlayId) -> Result<(), Stop> {
    while !wire.has_ended() {
        let input = leg.next(wire.until).await?;
        match input {
            Input::Key(key) => wire.key(&mut leg.world(), key),
            // Not by us: the port is gone, and with it most likely the call.
            Input::Played { play: ended, .. } if ended == play => wire.close(&mut leg.world()),
            _ => wire.input(leg, &input),
        }
    }
    Ok(())
}

/// The playing ends, unless the call's end has ended it already.
fn stop(leg: &Leg, play: PlayId) {
    let mut world = leg.world();
    world.routes.plays.remove(&play);
    if let Some(session) = world.sessions.get_mut(&leg.task)
        && session.sound.is_some_and(|(_, sounding)| sounding == play)
    {
        session.sound = None;
        if let Some(port) = session.lease {
            world.emit(Effect::Switch(SwitchCommand::Stop { play, port }));
        }
    }
}

/// Echo.
pub(super) async fn echo(leg: &Leg) -> Result<Flow, Stop> {
    leg.answer().await?;
    {
        let mut world = leg.world();
        let session = world.sessions.get(&leg.task).filter(|session| !session.over).ok_or(Stop::Over)?;
        let port = session.lease.ok_or(Stop::Over)?;
        world.connect(leg.task, port, port);
    }
    loop {
        // The end of the call, and another document, take the crosspoint back.
        if let Input::Key(_) = leg.next(Micros::FOREVER).await? {
            leg.world().counters.keys_unheard += 1;
        }
    }
}
