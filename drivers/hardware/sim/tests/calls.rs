//! Calls in both directions on a good wire: order, audio, keys, causes, restart.

use tipring_card::{BLOCK_US, Cause, Law};
use tipring_dsp::{Detector, g711::Companding};
use tipring_isdn::{By, Role};
use tipring_sim::{Call, Dialled, Exchange, ExchangeConfig, Step, StepEnd};

use crate::support::{SPAN, World, answer, ms, pattern, place_of, stay};

#[test]
fn a_call_rings_is_answered_talks_and_ends() {
    let (there, back) = (pattern(1, 8_000), pattern(2, 8_000));
    let says = |octets: &[u8]| Step::Say { octets: octets.to_vec() };
    let mut world = World::good(vec![says(&back), stay()]);
    world.rings("one", "100", vec![answer(), says(&there), Step::Wait { ms: 500 }, Step::Hangup { cause: 31 }]);
    world.run(ms(1_500));
    assert_eq!(world.exchange.busy_channels().len(), 1);
    assert_eq!(world.pbx.busy_channels(), world.exchange.busy_channels());
    world.run_out(ms(10_000));
    let (caller, called) = (world.exchange.take_finished().remove(0), world.pbx.take_finished().remove(0));
    assert_eq!((caller.dialled, called.dialled), (Dialled::Here, Dialled::There));
    assert_eq!(
        (called.from.as_deref(), called.name.as_deref(), called.to.as_str()),
        (Some("2025550100"), Some("A Caller"), "100")
    );
    assert_eq!((caller.cause, caller.by), (Some(Cause(31)), Some(By::Local)));
    assert_eq!((called.cause, called.by), (Some(Cause(31)), Some(By::Remote)));
    let order =
        [Some(caller.began_at), caller.proceeding_at, caller.alerting_at, caller.connected_at, caller.released_at];
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
    place_of(&there, &called);
    place_of(&back, &caller);
    let line = called.to_string();
    assert!(line.starts_with("call in-1: 2025550100 to 100, timeslot 1, answered after 0.5"), "{line}");
    assert!(line.contains("2 of 2 steps") && line.contains("by the other side") && line.ends_with("(31)"), "{line}");
    assert_eq!((caller.blocks_lost, called.blocks_lost), (0, 0));
    assert!(caller.phone.steps_ended().iter().all(|step| step.end == StepEnd::Done));
    assert!(called.phone.steps_ended().iter().all(|step| step.end == StepEnd::Done));
    assert_eq!(world.exchange.busy_channels(), []);
    assert_eq!(world.wire.counters().overrun_octets, 0);
}

#[test]
fn audio_has_a_constant_delay() {
    // Two pieces with a pause between: the place of each in what is heard gives its delay.
    let (first, second) = (pattern(1, 4_000), pattern(2, 4_000));
    for step in [ms(1), ms(10)] {
        let mut world = World::good(vec![stay()]);
        world.step = step;
        let say = |octets: &[u8]| Step::Say { octets: octets.to_vec() };
        world.rings(
            "one",
            "100",
            vec![answer(), say(&first), Step::Wait { ms: 3_000 }, say(&second), Step::Wait { ms: 200 }],
        );
        world.run_out(ms(20_000));
        let (caller, called) = (world.exchange.take_finished().remove(0), world.pbx.take_finished().remove(0));
        let apart = place_of(&second, &called) - place_of(&first, &called);
        let ends: Vec<_> = caller.phone.steps_ended().iter().map(|step| step.at.0).collect();
        let spoken_apart = (ends[3] - ends[1]) / BLOCK_US * 80;
        assert_eq!(apart as u64, spoken_apart, "step {step:?}");
    }
}

#[test]
fn keys_pass_as_sound() {
    let mut world = World::good(vec![Step::press("147*"), stay()]);
    world.rings(
        "one",
        "100",
        vec![answer(), Step::Wait { ms: 1_500 }, Step::press("0123456789*#ABCD"), Step::Wait { ms: 300 }],
    );
    world.run_out(ms(20_000));
    let (caller, called) = (world.exchange.take_finished().remove(0), world.pbx.take_finished().remove(0));
    assert_eq!(called.phone.keys_heard(), "0123456789*#ABCD");
    assert_eq!(caller.phone.keys_heard(), "147*");
    let mut keys = String::new();
    let mut detector = Detector::new();
    for block in called.phone.heard().chunks_exact(80) {
        let mut samples = [0; 80];
        Companding::A.decode_into(block, &mut samples);
        detector.feed(&samples, |key| keys.push(char::from(key)));
    }
    assert_eq!(keys, "0123456789*#ABCD", "what is kept is what was heard");
}

#[test]
fn a_caller_waits_for_the_end_of_a_prompt() {
    let mut world =
        World::good(vec![Step::Wait { ms: 400 }, Step::Tone { hz: 425.0, ms: 2_000, level_dbm0: -10.0 }, stay()]);
    let quiet = Step::AwaitQuiet { ms: 600, limit_ms: 10_000 };
    world.rings(
        "one",
        "100",
        vec![answer(), Step::AwaitSound { limit_ms: 5_000 }, quiet, Step::press("2"), Step::hangup()],
    );
    world.run_out(ms(20_000));
    let caller = world.exchange.take_finished().remove(0);
    let at: Vec<_> = caller.phone.steps_ended().iter().map(|step| step.at.as_ms()).collect();
    assert!((2_580..2_640).contains(&(at[2] - at[1])), "{at:?}");
    let first = caller.phone.first_sound_at().map(|at| at.as_ms());
    assert_eq!(first, Some(at[1]));
    assert_eq!(world.pbx.take_finished()[0].phone.keys_heard(), "2");
}

#[test]
fn calls_end_with_their_causes() {
    let mut world = World::good(vec![stay()]);
    world.rings("busy", "17", vec![answer()]);
    world.rings("nobody", "99", vec![answer()]);
    world.rings("silent", "18", vec![answer()]);
    world.rings("gives up", "19", vec![Step::AwaitAnswer { limit_ms: 3_000 }]);
    world.run_out(ms(60_000));
    let causes: Vec<_> = world.exchange.take_finished().into_iter().map(|call| (call.id, call.cause)).collect();
    let cause = |id: &str| causes.iter().find(|call| call.0 == id).and_then(|call| call.1);
    assert_eq!(cause("busy"), Some(Cause::USER_BUSY));
    assert_eq!(cause("nobody"), Some(Cause::UNALLOCATED));
    assert_eq!(cause("gives up"), Some(Cause::NORMAL));
    assert!(cause("silent").is_some(), "{causes:?}");
    assert_eq!(world.exchange.busy_channels(), []);
}

#[test]
fn the_box_calls_out() {
    let there = pattern(3, 2_000);
    let mut world = World::good(vec![Step::AwaitSound { limit_ms: 5_000 }, Step::press("5"), stay()]);
    let steps = vec![answer(), Step::Say { octets: there.clone() }, Step::Wait { ms: 800 }];
    let call = Call {
        id: "out".into(),
        from: Some("4420".into()),
        restricted: true,
        to: "100".into(),
        steps,
        ..Call::default()
    };
    world.pbx.ring(call).unwrap();
    world.run_out(ms(20_000));
    let (caller, called) = (world.pbx.take_finished().remove(0), world.exchange.take_finished().remove(0));
    assert!(called.restricted);
    assert_eq!(called.id, "in-1");
    place_of(&there, &called);
    assert_eq!(caller.phone.keys_heard(), "5");
}

#[test]
fn thirty_calls_at_once_fill_the_span_and_the_next_is_refused() {
    let mut world = World::good(vec![stay()]);
    for n in 0..31 {
        world.rings(
            &format!("call {n}"),
            "100",
            vec![answer(), Step::press(&format!("{n}")), Step::Wait { ms: 4_000 }],
        );
    }
    world.run(ms(3_000));
    assert_eq!(world.exchange.busy_channels().len(), 30);
    let refused = world.exchange.take_finished();
    assert_eq!((refused.len(), refused[0].cause), (1, Some(Cause::NO_CHANNEL)));
    world.run_out(ms(20_000));
    let mut keys: Vec<_> = world.pbx.take_finished().iter().map(|call| call.phone.keys_heard().to_string()).collect();
    keys.sort_by_key(|keys| keys.parse::<u32>().ok());
    assert_eq!(keys, (0..30).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(world.exchange.busy_channels(), []);
}

#[test]
fn a_restart_clears_calls_and_channels() {
    let mut world = World::good(vec![stay()]);
    world.rings("one", "100", vec![answer(), stay()]);
    world.run(ms(3_000));
    assert_eq!(world.exchange.busy_channels().len(), 1);
    let now = world.wire.now();
    world.exchange.restart(now, SPAN, None);
    world.run_out(ms(30_000));
    world.run(ms(3_000));
    assert_eq!(world.exchange.take_finished()[0].by, Some(By::Restart));
    assert_eq!(world.exchange.busy_channels(), []);
    assert_eq!(world.pbx.busy_channels(), []);
}

#[test]
fn a_call_that_makes_no_sense_is_refused_with_its_place() {
    let mut world = World::good(Vec::new());
    let call = |to: &str, steps| Call { id: "x".into(), to: to.into(), steps, ..Call::default() };
    let complaint = |world: &mut World, call| world.exchange.ring(call).unwrap_err().to_string();
    assert_eq!(
        complaint(&mut world, call("1z", vec![])),
        "call 'x': '1z' is no number: use at most 40 of 0-9, *, #, A-D"
    );
    let bad = call("1", vec![answer(), Step::press("!")]);
    assert!(complaint(&mut world, bad).contains("step 2: '!' is no key"));
    let nowhere = Call { span: Some(tipring_card::SpanId(9)), ..call("1", vec![]) };
    assert!(complaint(&mut world, nowhere).contains("no such E1 span"));
    assert!(world.exchange.is_idle());
}

#[test]
fn silence_is_heard_as_silence() {
    let mut world = World::good(vec![stay()]);
    world.rings("one", "100", vec![answer(), Step::AwaitSound { limit_ms: 1_000 }]);
    world.run_out(ms(20_000));
    let caller = world.exchange.take_finished().remove(0);
    assert!(caller.phone.heard().iter().all(|&octet| octet == Law::A.silence()));
    assert_eq!((caller.phone.first_sound_at(), caller.phone.steps_ended()[1].end), (None, StepEnd::TimedOut));
    assert!(caller.phone.heard().len() > 8_000);
}

#[test]
fn a_box_that_dies_and_comes_back_has_every_channel_idle_after_its_restart() {
    let mut world = World::good(vec![stay()]);
    for n in 0..4 {
        world.rings(&format!("{n}"), "100", vec![answer(), stay()]);
    }
    world.run(ms(3_000));
    assert_eq!(world.exchange.busy_channels().len(), 4);
    // The old one is dropped with all its channels, as a killed program's are.
    let config = ExchangeConfig { role: Role::User, ..ExchangeConfig::default() };
    world.pbx = Exchange::new(world.wire.near(), config);
    world.run(ms(1_000));
    assert!(world.exchange.link_is_up(SPAN));
    let now = world.wire.now();
    world.pbx.restart(now, SPAN, None);
    world.run(ms(10_000));
    assert_eq!(world.exchange.busy_channels(), []);
    assert_eq!(world.pbx.busy_channels(), []);
    let ended = world.exchange.take_finished();
    let story = world.story();
    assert!(ended.len() == 4 && ended.iter().all(|call| call.by != Some(By::Local)), "{story}");
    assert_eq!(story.matches("RESTART ACK").count(), 30, "{story}");
}
