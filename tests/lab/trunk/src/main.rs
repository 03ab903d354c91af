//! Our D channel machines on real DAHDI nodes against libpri (`pri-peer`), in both roles: link, calls both ways with
//! sound on the bearer, causes, refusal, restart, the far end killed and back during a call. It is not the service:
//! no application, no router. One JSON line a check; exit status 1 when one fails.
//!
//! Spans: ours is 1 (D channel 16), the far end's 2 (D channel 47), as `lab run --t1 0` makes them.

mod rig;

use std::process::ExitCode;

use tipring_card::{Cause, ChannelId};
use tipring_isdn::{By, CallId, Command, Event, Number, Role, SetupRequest};

use rig::Rig;

/// The peer's tone, Hz, and what may be missed by.
const TONE_HZ: f64 = 800.0;
const TONE_NEAR: f64 = 12.0;
/// Half seconds that are listened to before a tone is said to be missing.
const WINDOWS: u32 = 8;

/// One step of the way, on an idle trunk; whether it went as it should.
type Step = fn(&mut Rig) -> bool;

fn main() -> ExitCode {
    let mut ok = true;
    for role in [Role::User, Role::Network] {
        let result = Rig::start(role).map(|mut rig| {
            let good = both_ways(&mut rig);
            println!(
                "{{\"ev\":\"trunk\",\"role\":\"{role:?}\",\"counters\":{:?}}}",
                format!("{:?}", rig.trunk.counters())
            );
            good
        });
        match result {
            Ok(good) => ok &= good,
            Err(error) => {
                println!("{{\"ev\":\"error\",\"role\":\"{role:?}\",\"text\":{error:?}}}");
                return ExitCode::from(2);
            }
        }
    }
    println!("{{\"ev\":\"done\",\"ok\":{ok}}}");
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn both_ways(rig: &mut Rig) -> bool {
    // libpri may want a second round of SABMEs when one end was early.
    let up = rig.event(20_000, |e| matches!(e, Event::LinkUp)).is_some() && rig.said(5_000, "\"ev\":\"up\"").is_some();
    if !rig.check("the_link_comes_up", up) {
        return false;
    }
    rig.run_for(500);
    let steps: [(&str, Step); 7] = [
        ("an_incoming_call_has_sound_and_its_cause", incoming),
        ("an_outgoing_call_has_sound_and_its_cause", outgoing),
        ("a_refusal_carries_its_cause", refused),
        ("ten_calls_at_once", ten_calls),
        ("a_restart_of_theirs_is_acknowledged", restarted),
        ("a_restart_of_ours_is_acknowledged", restart),
        ("the_far_end_is_killed_and_back_in_a_call", killed),
    ];
    let mut ok = true;
    for (name, step) in steps {
        let good = step(rig);
        ok &= rig.check(name, good);
        rig.voice = None;
        rig.run_for(300);
        rig.forget();
    }
    ok
}

/// They ring, we answer; their tone is on the bearer and comes back to them; they hang up with cause 17.
fn incoming(rig: &mut Rig) -> bool {
    rig.tell("call 100 2025550100 3");
    let Some(Event::Incoming(call)) = rig.event(5_000, |e| matches!(e, Event::Incoming(_))) else { return false };
    let from = call.calling.as_ref().map(|c| c.number.digits.as_str());
    if (call.timeslot, call.called.digits.as_str(), from) != (3, "100", Some("2025550100")) {
        return false;
    }
    let id = call.call;
    rig.command(Command::Alerting(id, false));
    if rig.said(3_000, "\"ev\":\"alerting\"").is_none() {
        return false;
    }
    rig.command(Command::Connect(id));
    if rig.event(5_000, |e| matches!(e, Event::Connected { .. })).is_none() || !hears(rig, 3) {
        return false;
    }
    rig.tell("hangup 1 17");
    let released = rig.event(5_000, |e| matches!(e, Event::Released { .. }));
    released == Some(Event::Released { call: id, cause: Cause::USER_BUSY, by: By::Remote })
}

/// We ring, they answer; sound; we hang up with cause 16 and they get it.
fn outgoing(rig: &mut Rig) -> bool {
    let Some((id, timeslot)) = answered(rig) else { return false };
    if !hears(rig, timeslot) {
        return false;
    }
    rig.command(Command::Disconnect(id, Cause::NORMAL));
    let released = rig.event(5_000, |e| matches!(e, Event::Released { .. }));
    let theirs = rig.said(3_000, "\"ev\":\"disconnect\"").is_some_and(|line| line.contains("\"cause\":16"));
    let over = rig.said(3_000, "\"ev\":\"ended\"");
    println!("{{\"ev\":\"end\",\"ours\":{:?},\"theirs\":{theirs},\"over\":{over:?}}}", format!("{released:?}"));
    theirs && over.is_some() && released == Some(Event::Released { call: id, cause: Cause::NORMAL, by: By::Local })
}

fn refused(rig: &mut Rig) -> bool {
    rig.tell("call 999 2025550100");
    let Some(Event::Incoming(call)) = rig.event(5_000, |e| matches!(e, Event::Incoming(_))) else { return false };
    rig.command(Command::Reject(call.call, Cause::UNALLOCATED));
    rig.said(5_000, "\"ev\":\"ended\"").is_some_and(|line| line.contains("\"cause\":1,"))
}

/// Five calls each way, all active together, each on a timeslot of its own.
fn ten_calls(rig: &mut Rig) -> bool {
    for _ in 0..5 {
        rig.tell("call 300 2025550100");
        let id = rig.trunk.next_call_id();
        let Some(number) = Number::unknown("400") else { return false };
        rig.command(Command::Setup(SetupRequest::speech(id, number, tipring_card::Law::A)));
    }
    let mut active = Vec::new();
    while active.len() < 10 {
        match rig.event(10_000, |e| matches!(e, Event::Incoming(_) | Event::Connected { .. })) {
            Some(Event::Incoming(call)) => rig.command(Command::Connect(call.call)),
            Some(Event::Connected { call, timeslot }) => active.push((call, timeslot)),
            _ => return false,
        }
    }
    let mut slots: Vec<u8> = active.iter().map(|&(_, slot)| slot).collect();
    slots.sort_unstable();
    slots.dedup();
    for &(id, _) in &active {
        rig.command(Command::Disconnect(id, Cause::NORMAL));
    }
    let released = (0..10).all(|_| rig.event(5_000, |e| matches!(e, Event::Released { .. })).is_some());
    released && slots.len() == 10 && rig.trunk.call_count() == 0
}

fn restarted(rig: &mut Rig) -> bool {
    rig.tell("restart 5");
    let ours = rig.event(5_000, |e| matches!(e, Event::ChannelRestarted { timeslot: 5 })).is_some();
    ours && rig.said(5_000, "\"ev\":\"restart_ack\"").is_some()
}

fn restart(rig: &mut Rig) -> bool {
    rig.command(Command::Restart(Some(7)));
    rig.event(5_000, |e| matches!(e, Event::ChannelRestarted { timeslot: 7 })).is_some()
}

/// The far end dies in a call and comes back with nothing in its memory: the link returns, the call is ended within
/// T309, and a new one is possible.
fn killed(rig: &mut Rig) -> bool {
    let Some((id, _)) = answered(rig) else { return false };
    if rig.respawn().is_err() || rig.said(30_000, "\"ev\":\"up\"").is_none() {
        return false;
    }
    // A far end that forgot the call says so when it is asked, or answers our hanging up.
    rig.run_for(1_000);
    rig.command(Command::Disconnect(id, Cause::NORMAL));
    let gone = |e: &Event| matches!(e, Event::Released { call, .. } if *call == id);
    if rig.event(40_000, gone).is_none() {
        return false;
    }
    let Some((next, timeslot)) = answered(rig) else { return false };
    let heard = hears(rig, timeslot);
    rig.command(Command::Disconnect(next, Cause::NORMAL));
    rig.event(5_000, |e| matches!(e, Event::Released { .. })).is_some() && heard
}

/// A call of ours that they have answered.
fn answered(rig: &mut Rig) -> Option<(CallId, u8)> {
    let id = rig.trunk.next_call_id();
    let mut request = SetupRequest::speech(id, Number::unknown("200")?, tipring_card::Law::A);
    request.timeslot = Some(9);
    rig.command(Command::Setup(request));
    let ours = |e: &Event| match e {
        Event::Connected { call, .. } | Event::Released { call, .. } => *call == id,
        _ => false,
    };
    match rig.event(8_000, ours)? {
        Event::Connected { timeslot, .. } => Some((id, timeslot)),
        _ => None,
    }
}

/// Opens the bearer, sends back what comes, and looks for the peer's tone at both ends.
fn hears(rig: &mut Rig, timeslot: u8) -> bool {
    if rig.open_voice(ChannelId(u16::from(timeslot))).is_err() {
        return false;
    }
    rig.run_for(500);
    // A stall of the machine puts silence into a window, which then has too few crossings: the best one counts.
    let mut best = (0.0, 0.0);
    for _ in 0..WINDOWS {
        rig.tell("report 1");
        if rig.said(2_000, "\"ev\":\"media\"").is_none() {
            return false;
        }
        rig.listen_anew();
        rig.run_for(500);
        let here = rig.heard_hz();
        rig.tell("report 1");
        let there = rig.said(2_000, "\"ev\":\"media\"").and_then(|line| rig::number(&line, "\"frequency\":"));
        best = (here, there.unwrap_or(0.0));
        if (best.0 - TONE_HZ).abs() < TONE_NEAR && (best.1 - TONE_HZ).abs() < TONE_NEAR {
            break;
        }
    }
    println!("{{\"ev\":\"sound\",\"timeslot\":{timeslot},\"here_hz\":{:.1},\"there_hz\":{:.1}}}", best.0, best.1);
    (best.0 - TONE_HZ).abs() < TONE_NEAR && (best.1 - TONE_HZ).abs() < TONE_NEAR
}
