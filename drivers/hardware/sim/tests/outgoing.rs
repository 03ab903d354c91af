//! Calls of the box to the exchange of the spans: what an outgoing call can meet there. The box is a PBX of the same
//! make. And both kinds of lines in one card.

use tipring_card::{Card, Cause, ChannelId, Hook, Law, Signalling, SpanKind};
use tipring_dsp::{ZoneId, g711::Companding, level::dbm0_at};
use tipring_isdn::{By, Presentation, Role, Screening};
use tipring_sim::{
    Call, CallReport, Dialled, Exchange, ExchangeConfig, Faults, FirstFrame, Office, OfficeConfig, Reply, Step,
    Subscriber, Wire, WireConfig,
};

use crate::{
    subscriber::{BUSY, RINGBACK, answers, subscribers_of},
    support::{SPAN, World, answer, ms, pattern, place_of, stay},
};

fn world(config: ExchangeConfig) -> World {
    let mut world = World::good(Vec::new());
    world.exchange = Exchange::new(world.wire.far(), config);
    world.run(ms(500));
    world
}

fn dials(world: &mut World, id: &str, to: &str, steps: Vec<Step>) {
    let call = Call { id: id.into(), at: world.wire.now(), to: to.into(), steps, ..Call::default() };
    world.pbx.ring(call).unwrap();
}

/// What a telephone heard at most of two frequencies together in any tenth of a second.
fn loudest(report: &CallReport, hz: &[f32]) -> f32 {
    let mut samples = vec![0; report.phone.heard().len()];
    Companding::A.decode_into(report.phone.heard(), &mut samples);
    let both = |piece: &[i16]| hz.iter().map(|&hz| dbm0_at(piece, hz)).fold(f32::MAX, f32::min);
    samples.chunks_exact(800).map(both).fold(-99.0, f32::max)
}

#[test]
fn b11_ringback_comes_in_band_when_the_exchange_says_so() {
    for tones in [None, Some(ZoneId::default())] {
        let subscribers = subscribers_of(vec![("100", answers(3_000, vec![Step::Wait { ms: 500 }, Step::hangup()]))]);
        let mut world = world(ExchangeConfig { subscribers, tones, ..ExchangeConfig::default() });
        dials(&mut world, "out", "100", vec![answer(), stay()]);
        world.run_out(ms(20_000));
        let caller = world.pbx.take_finished().remove(0);
        let rang = caller.connected_at.zip(caller.alerting_at).map(|(at, from)| at.since(from).as_ms());
        assert!(rang.is_some_and(|rang| (2_900..3_100).contains(&rang)), "{rang:?}");
        assert_eq!(caller.inband_at, caller.alerting_at.filter(|_| tones.is_some()));
        let level = loudest(&caller, RINGBACK);
        assert_eq!(level > -18.0, tones.is_some(), "{level}");
        assert_eq!((caller.cause, caller.by), (Some(Cause::NORMAL), Some(By::Remote)));
        // The tone has gone with the answer.
        let after = caller.phone.heard().len() - 2_000;
        assert!(caller.phone.heard()[after..].iter().all(|&octet| octet == Law::A.silence()));
    }
}

#[test]
fn a31_every_outcome_of_a_call_has_its_cause() {
    let causes = [1_u8, 17, 18, 21, 27, 34, 38, 41, 42];
    let refusing = |cause: &u8| Subscriber { number: cause.to_string(), reply: Reply::Refuse(Cause(*cause)) };
    let mut subscribers: Vec<_> = causes.iter().map(refusing).collect();
    subscribers.extend(subscribers_of(vec![("98", Reply::RingForever), ("99", Reply::Ignore)]));
    let mut world = world(ExchangeConfig { subscribers, ..ExchangeConfig::default() });
    for cause in causes {
        dials(&mut world, &format!("{cause}"), &cause.to_string(), vec![answer()]);
    }
    dials(&mut world, "no answer", "98", vec![Step::AwaitAnswer { limit_ms: 5_000 }]);
    dials(&mut world, "no reply", "99", vec![answer()]);
    world.run_out(ms(60_000));
    let ended = world.pbx.take_finished();
    let of = |id: &str| ended.iter().find(|call| call.id == id).expect("it is over");
    for cause in causes {
        let call = of(&cause.to_string());
        assert_eq!((call.cause, call.by), (Some(Cause(cause)), Some(By::Remote)), "{call}");
        assert_eq!((call.connected_at, call.alerting_at), (None, None), "{call}");
    }
    let call = of("no answer");
    assert!(call.alerting_at.is_some() && call.connected_at.is_none());
    assert_eq!((call.cause, call.by), (Some(Cause::NORMAL), Some(By::Local)));
    let call = of("no reply");
    assert!(call.proceeding_at.is_none() && matches!(call.by, Some(By::Timer)), "{call}");
    assert_eq!((world.exchange.busy_channels(), world.pbx.busy_channels()), (vec![], vec![]));
    let seen = world.exchange.take_finished();
    assert_eq!(seen.iter().filter(|call| call.dialled == Dialled::There).count(), causes.len() + 2);
}

#[test]
fn a31_a_refusal_with_a_tone_is_heard_before_the_channel_goes() {
    for (hears, level_is_high) in [(ms(0), false), (ms(2_000), true)] {
        let subscribers = subscribers_of(vec![("17", Reply::RefuseWithTone(Cause::USER_BUSY))]);
        let mut world = world(ExchangeConfig { subscribers, ..ExchangeConfig::default() });
        let pbx = ExchangeConfig { role: Role::User, hears_refusals: hears, ..ExchangeConfig::default() };
        world.pbx = Exchange::new(world.wire.near(), pbx);
        world.run(ms(500));
        dials(&mut world, "busy", "17", vec![answer()]);
        world.run_out(ms(20_000));
        let caller = world.pbx.take_finished().remove(0);
        assert_eq!(caller.cause, Some(Cause::USER_BUSY), "{}", world.story());
        assert_eq!(loudest(&caller, BUSY) > -18.0, level_is_high, "{}", loudest(&caller, BUSY));
        assert_eq!(world.exchange.busy_channels(), []);
    }
}

#[test]
fn b11_an_announcement_is_early_media_and_no_answer() {
    let said = pattern(9, 8_000);
    let announce = Reply::Announce { steps: vec![Step::Say { octets: said.clone() }], cause: Cause(22) };
    let subscribers = subscribers_of(vec![("100", announce)]);
    let mut world = world(ExchangeConfig { subscribers, ..ExchangeConfig::default() });
    dials(&mut world, "out", "100", vec![answer()]);
    world.run_out(ms(20_000));
    let caller = world.pbx.take_finished().remove(0);
    place_of(&said, &caller);
    assert!(caller.inband_at.is_some() && caller.alerting_at.is_none() && caller.connected_at.is_none(), "{caller}");
    assert_eq!((caller.cause, caller.by), (Some(Cause(22)), Some(By::Remote)));
}

#[test]
fn b11_both_hear_each_other_and_the_far_end_hangs_up_with_its_cause() {
    let (there, back) = (pattern(5, 4_000), pattern(6, 4_000));
    let say = |octets: &[u8]| Step::Say { octets: octets.to_vec() };
    let subscribers = subscribers_of(vec![(
        "100",
        answers(200, vec![say(&back), Step::press("5"), Step::Wait { ms: 900 }, Step::Hangup { cause: 31 }]),
    )]);
    let mut world = world(ExchangeConfig { subscribers, ..ExchangeConfig::default() });
    dials(&mut world, "out", "100", vec![answer(), say(&there), stay()]);
    world.run_out(ms(20_000));
    let (caller, called) = (world.pbx.take_finished().remove(0), world.exchange.take_finished().remove(0));
    place_of(&there, &called);
    place_of(&back, &caller);
    assert_eq!(caller.phone.keys_heard(), "5");
    assert_eq!((caller.cause, caller.by), (Some(Cause(31)), Some(By::Remote)));
    assert_eq!((called.cause, called.by), (Some(Cause(31)), Some(By::Local)));
}

#[test]
fn b14_the_exchange_reports_the_calling_number_as_it_came() {
    let subscribers = subscribers_of(vec![("", answers(100, vec![Step::hangup()]))]);
    let mut world = world(ExchangeConfig { subscribers, ..ExchangeConfig::default() });
    for (id, from, restricted) in
        [("shown", Some("4420"), false), ("hidden", Some("4421"), true), ("none", None, false)]
    {
        let from = from.map(String::from);
        world.pbx.ring(Call { id: id.into(), from, restricted, to: "7".into(), ..Call::default() }).unwrap();
    }
    world.run_out(ms(20_000));
    let seen = world.exchange.take_finished();
    let of = |from: Option<&str>| seen.iter().find(|call| call.from.as_deref() == from).expect("it came");
    let calling = |from| of(Some(from)).calling.clone().expect("a number was sent");
    assert_eq!(calling("4420").presentation, Presentation::Allowed);
    assert_eq!(calling("4421").presentation, Presentation::Restricted);
    assert_eq!(calling("4420").screening, Screening::Network);
    assert!(of(Some("4421")).restricted && !of(Some("4420")).restricted && of(None).calling.is_none());
}

#[test]
fn glare_on_a_timeslot_is_won_by_the_exchange() {
    let subscribers = vec![Subscriber { number: "100".into(), reply: answers(100, vec![stay()]) }];
    let mut world = world(ExchangeConfig { subscribers: subscribers.clone(), ..ExchangeConfig::default() });
    world.pbx =
        Exchange::new(world.wire.near(), ExchangeConfig { role: Role::User, subscribers, ..ExchangeConfig::default() });
    world.run(ms(500));
    let at = world.wire.now() + ms(100);
    let steps = vec![answer(), Step::Wait { ms: 1_000 }];
    let call = |id: &str| Call {
        id: id.into(),
        at,
        to: "100".into(),
        timeslot: Some(9),
        steps: steps.clone(),
        ..Call::default()
    };
    world.exchange.ring(call("theirs")).unwrap();
    world.pbx.ring(call("ours")).unwrap();
    world.run_out(ms(20_000));
    let theirs = world.exchange.take_finished().into_iter().find(|call| call.id == "theirs").expect("over");
    let ours = world.pbx.take_finished().into_iter().find(|call| call.id == "ours").expect("over");
    assert_eq!((theirs.timeslot, theirs.cause), (Some(9), Some(Cause::NORMAL)), "{}", world.story());
    assert!(theirs.connected_at.is_some());
    assert!(ours.connected_at.is_none() && ours.cause == Some(Cause::CHANNEL_UNAVAILABLE), "{ours}\n{}", world.story());
    assert_eq!((world.exchange.busy_channels(), world.pbx.busy_channels()), (vec![], vec![]));
}

#[test]
fn a_number_for_help_comes_from_a_simulation_alone() {
    let subscribers = subscribers_of(vec![("112", answers(100, vec![Step::hangup()]))]);
    let mut world = world(ExchangeConfig { subscribers, ..ExchangeConfig::default() });
    let help = world.wire.emergency_number("112");
    dials(&mut world, "help", help.digits(), vec![answer(), stay()]);
    world.run_out(ms(20_000));
    assert!(world.exchange.take_finished()[0].connected_at.is_some());
}

#[test]
fn spans_and_analogue_lines_share_a_card() {
    let faults = Faults { first_frame: FirstFrame::Kept, ..Faults::default() };
    let wire = Wire::new(WireConfig { spans: 2, analog_ports: 3, faults, ..WireConfig::default() });
    let (near, far) = (wire.near(), wire.far());
    let kinds: Vec<_> = near.spans().iter().map(|span| span.kind).collect();
    assert_eq!(kinds, [SpanKind::E1, SpanKind::E1, SpanKind::Analog]);
    for (card, kind) in [(&near, Signalling::FxsKs), (&far, Signalling::FxoKs)] {
        let lines: Vec<_> = card.channels().iter().filter(|channel| channel.span.0 == 3).collect();
        assert_eq!(
            lines.iter().map(|line| (line.id.0, line.timeslot)).collect::<Vec<_>>(),
            [(63, 1), (64, 2), (65, 3)]
        );
        assert!(lines.iter().all(|line| line.signalling == kind && line.law == Law::Mu));
        assert!(card.channels().iter().filter(|channel| channel.span.0 < 3).all(|channel| channel.law == Law::A));
    }
    // Both kinds of calls at once, from both exchanges of the far card.
    let mut exchange = Exchange::new(wire.far(), ExchangeConfig::default());
    let mut office = Office::new(wire.far(), OfficeConfig::default());
    let subscribers = subscribers_of(vec![("100", answers(100, vec![stay()]))]);
    let mut pbx =
        Exchange::new(wire.near(), ExchangeConfig { role: Role::User, subscribers, ..ExchangeConfig::default() });
    let mut line = wire.near().open(ChannelId(64)).expect("it is free");
    let call = |id: &str| Call { id: id.into(), at: ms(3_000), to: "100".into(), ..Call::default() };
    exchange.ring(Call { steps: vec![answer(), Step::Wait { ms: 500 }], ..call("isdn") }).unwrap();
    let steps = vec![answer(), Step::Wait { ms: 500 }];
    office.ring(Call { line: Some(ChannelId(64)), steps, ..call("line") }).unwrap();
    let mut answered = false;
    while wire.now() < ms(9_000) {
        wire.step(wire.now() + ms(10));
        exchange.step(wire.now());
        office.step(wire.now());
        pbx.step(wire.now());
        if !answered && line.event() == Ok(Some(tipring_card::Event::RingBegin)) {
            line.hook(Hook::OffHook).unwrap();
            answered = true;
        }
    }
    assert_eq!(exchange.call("isdn").and_then(|call| call.cause), Some(Cause::NORMAL));
    assert_eq!(office.call("line").and_then(|call| call.cause), Some(Cause::NORMAL));
    assert!(office.call("line").is_some_and(|call| call.connected_at.is_some()));
    assert!(exchange.link_is_up(SPAN));
}
