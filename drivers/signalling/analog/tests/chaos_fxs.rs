//! A port for a telephone under any input at any time, by seed: a call is ended once, what is begun is taken back, and a
//! telephone that was put down is at rest. Also a telephone's day, in the order in which people do things.

use tipring_analog::fxs::{Command, Config, Event, Fxs, Input, Judgement, News, Output, Reason, Telling, Tone};
use tipring_analog::{CallerId, Codes, Manner};
use tipring_card::{Event as LineEvent, Hook, Micros};

use crate::chaos::{Seed, runs};
use crate::support::{caller, ms};

/// What the outside can know of a port.
#[derive(Default)]
struct Watch {
    audio: bool,
    keys: bool,
    ringing: bool,
    call: bool,
    playing: Option<Tone>,
}

impl Watch {
    fn sees(&mut self, port: &mut Fxs, seed: u64) {
        while let Some(output) = port.poll() {
            match output {
                Output::Audio(audio) => {
                    assert_ne!(audio, self.audio, "said twice, seed {seed}");
                    self.audio = audio;
                }
                Output::Keys(keys) => {
                    assert_ne!(keys, self.keys, "said twice, seed {seed}");
                    self.keys = keys;
                }
                Output::Play(tone) => {
                    assert!(self.audio && tone != self.playing, "seed {seed}: {tone:?}");
                    self.playing = tone;
                }
                Output::Tell(_) => assert!(self.audio, "seed {seed}"),
                Output::Hook(Hook::Ring) => (self.ringing, self.call) = (true, true),
                Output::Hook(_) => self.ringing = false,
                Output::Judge(digits) => assert!(!digits.is_empty() && self.keys, "seed {seed}"),
                Output::Event(Event::Ended(_)) => {
                    // A call whose caller is told before the ring begins with that.
                    assert!(std::mem::take(&mut self.call) || self.audio, "seed {seed}");
                }
                Output::Event(Event::Dialled(_)) => {
                    assert!(!self.call && self.audio && !self.keys, "seed {seed}");
                    self.call = true;
                }
                Output::Event(Event::Answered) => {
                    assert!(self.audio && !self.ringing, "seed {seed}");
                    self.call = true;
                }
                Output::Event(Event::Flash) => assert!(self.call, "seed {seed}"),
                Output::Event(Event::Idle) => {
                    assert!(!self.audio && !self.keys && !self.ringing && !self.call, "seed {seed}");
                    assert_eq!(self.playing, None, "seed {seed}");
                }
                Output::Event(Event::Lifted | Event::Busy) => {}
            }
        }
        assert_eq!(port.counters().overruns, 0, "seed {seed}");
    }
}

fn any_input(seed: &mut Seed) -> Input {
    let key = b"0123456789*#ABCD?"[seed.next(17) as usize];
    match seed.next(20) {
        0 => Input::Opened,
        1 | 2 => Input::Line(LineEvent::RingOffHook),
        3 | 4 => Input::Line(LineEvent::OnHook),
        5 => Input::Line(LineEvent::WinkFlash),
        6 => Input::Line(LineEvent::Pulse(key)),
        7 => Input::HookFailed,
        8 | 9 => Input::Key(key),
        10 => Input::Told,
        11 => Input::Judged(Judgement::Perhaps),
        12 => Input::Judged(Judgement::Whole),
        13 => Input::Judged(Judgement::Nothing),
        14 => Input::Command(Command::Ring {
            caller: caller("1"),
            rhythm_ms: [&[][..], &[1], &[300, 300, 300, 2_000]][seed.next(3) as usize],
        }),
        15 => Input::Command(Command::Alerting),
        16 => Input::Command(Command::Through),
        17 => Input::Command(Command::Hangup(Tone::Busy)),
        18 => Input::Command(Command::MessageWaiting(seed.next(2) == 0)),
        _ => {
            [Input::Lost, Input::Line(LineEvent::Removed), Input::Line(LineEvent::Alarm)][seed.next(3) as usize].clone()
        }
    }
}

#[test]
fn whatever_happens_a_telephone_that_is_put_down_is_at_rest() {
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..runs(20_000) {
        let mut seed = Seed(number);
        let telling = [Telling::Never, Telling::default(), Telling::BeforeRing(Manner::Digits(Codes::AToC))];
        let caller_id = telling[seed.next(3) as usize];
        let disconnect = ms(seed.next(3) * 400);
        let hands_free = seed.next(4) == 0;
        let mut port = Fxs::new(Config { caller_id, disconnect, hands_free, ..Config::default() });
        let (mut watch, mut now) = (Watch::default(), Micros::from_s(1));
        port.handle(now, Input::Opened);
        watch.sees(&mut port, number);
        for _ in 0..seed.next(100) {
            now = now + ms([0, 1, 60, 900, 3_000, 25_000][seed.next(6) as usize]);
            while let Some(at) = port.deadline().filter(|at| *at < now && number % 4 != 0) {
                port.handle(at, Input::Timer);
                watch.sees(&mut port, number);
            }
            let input = any_input(&mut seed);
            port.handle(now, input);
            seen.insert(port.state());
            watch.sees(&mut port, number);
        }
        if port.state() == "lost" {
            port.handle(now, Input::Opened);
            watch.sees(&mut port, number);
        }
        for input in [Input::Command(Command::Hangup(Tone::Congestion)), Input::Line(LineEvent::OnHook)] {
            port.handle(now, input);
            watch.sees(&mut port, number);
        }
        for _ in 0..4 {
            let Some(at) = port.deadline() else { break };
            assert!(at <= now + Micros::from_s(20), "seed {number}: {}", port.state());
            port.handle(at, Input::Timer);
            watch.sees(&mut port, number);
        }
        assert_eq!(port.state(), "idle", "seed {number}");
        assert!(
            !watch.audio && !watch.keys && !watch.ringing && !watch.call && watch.playing.is_none(),
            "seed {number}"
        );
    }
    // Every state but the one before the first opening.
    assert_eq!(seen.len(), 13, "{seen:?}");
}

/// A port of a telephone on hook, and what came out of it since the last question.
struct Bench {
    port: Fxs,
    now: Micros,
}

impl Bench {
    fn new(config: Config) -> Bench {
        let mut bench = Bench { port: Fxs::new(config), now: Micros::from_s(1) };
        bench.does(Input::Opened);
        bench
    }

    fn does(&mut self, input: Input) -> Vec<Output> {
        self.port.handle(self.now, input);
        std::iter::from_fn(|| self.port.poll()).collect()
    }

    /// Time goes by; what came out with its moment since the beginning of it, in milliseconds.
    fn passes(&mut self, length_ms: u64) -> Vec<(u64, Output)> {
        let (begin, end) = (self.now, self.now + ms(length_ms));
        let mut all = Vec::new();
        while let Some(at) = self.port.deadline().filter(|at| *at <= end) {
            self.now = at;
            all.extend(self.does(Input::Timer).into_iter().map(|output| (at.since(begin).0 / 1_000, output)));
        }
        self.now = end;
        all
    }
}

fn ring(rhythm_ms: &'static [u16]) -> Input {
    Input::Command(Command::Ring { caller: caller("2025550100"), rhythm_ms })
}

#[test]
fn a_telephone_rings_in_its_countrys_rhythm_and_is_told_who_calls_in_the_first_long_pause() {
    let zone = tipring_analog::ZoneId::of("gb").expect("it is in the table");
    let mut bench = Bench::new(Config { zone, ..Config::default() });
    bench.does(ring(&[]));
    let (sound, pause) = (Output::Hook(Hook::Ring), Output::Hook(Hook::RingOff));
    let news = Output::Tell(News::Caller(caller("2025550100")));
    let told = bench.passes(5_000);
    let expected = [(400, &pause), (600, &sound), (1_000, &pause), (1_500, &news), (3_000, &sound), (3_400, &pause)];
    assert_eq!(told.iter().map(|(at, output)| (*at, output)).take(6).collect::<Vec<_>>(), expected);
    assert_eq!(told.iter().filter(|(_, output)| matches!(output, Output::Tell(_))).count(), 1, "once");
    // A rhythm of its own says for whom it is; one that stands still is none.
    let mut bench = Bench::new(Config::default());
    bench.does(ring(&[300, 200, 300, 3_000]));
    assert_eq!(bench.passes(700).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [300, 500]);
    let mut bench = Bench::new(Config::default());
    bench.does(ring(&[0, 0]));
    assert_eq!(bench.passes(6_000).first().map(|(at, _)| *at), Some(2_000), "the country's");
}

#[test]
fn a_telephone_is_told_before_the_ring_where_that_is_the_way() {
    let caller_id = Telling::BeforeRing(Manner::Digits(Codes::AToHash));
    let mut bench = Bench::new(Config { caller_id, ..Config::default() });
    assert_eq!(bench.does(ring(&[])), [Output::Audio(true), Output::Tell(News::Caller(caller("2025550100")))]);
    assert_eq!(bench.passes(1_200), []);
    // The end of it is in the card's buffers still, and the standard wants a pause.
    assert_eq!(bench.does(Input::Told), []);
    assert_eq!(bench.passes(300), [(250, Output::Hook(Hook::Ring))]);
    assert_eq!(bench.port.state(), "ringing");
    // A mouth that never comes to its end costs no call.
    let mut bench = Bench::new(Config { caller_id, ..Config::default() });
    bench.does(ring(&[]));
    assert_eq!(bench.passes(6_000), [(6_000, Output::Hook(Hook::Ring))]);
}

#[test]
fn digits_are_a_number_when_the_owner_says_so_or_nothing_follows() {
    let dialled = |outputs: Vec<Output>| {
        outputs.into_iter().find_map(|output| match output {
            Output::Event(Event::Dialled(digits)) => Some(digits.to_string()),
            _ => None,
        })
    };
    let lifted = || {
        let mut bench = Bench::new(Config::default());
        bench.does(Input::Line(LineEvent::RingOffHook));
        bench
    };
    let keys = |bench: &mut Bench, keys: &str, judgement| {
        for key in keys.bytes() {
            bench.does(Input::Key(key));
            bench.does(Input::Judged(judgement));
        }
    };
    let after =
        |bench: &mut Bench, length_ms| dialled(bench.passes(length_ms).into_iter().map(|(_, output)| output).collect());
    let mut bench = lifted();
    keys(&mut bench, "911", Judgement::Beginning);
    assert_eq!(after(&mut bench, 7_999), None);
    assert_eq!(after(&mut bench, 1).as_deref(), Some("911"));
    let mut bench = lifted();
    keys(&mut bench, "20", Judgement::Perhaps);
    assert_eq!(after(&mut bench, 2_999), None);
    assert_eq!(after(&mut bench, 1).as_deref(), Some("20"));
    let mut bench = lifted();
    keys(&mut bench, "202", Judgement::Beginning);
    assert_eq!(dialled(bench.does(Input::Key(b'#'))).as_deref(), Some("202"));
    // A service code ends with its own key, and has that in it.
    let mut bench = lifted();
    keys(&mut bench, "*21#", Judgement::Beginning);
    assert_eq!(after(&mut bench, 8_000).as_deref(), Some("*21#"));
    // Pulses are digits too.
    let mut bench = lifted();
    bench.does(Input::Line(LineEvent::Pulse(b'4')));
    assert_eq!(dialled(bench.does(Input::Judged(Judgement::Whole))).as_deref(), Some("4"));
    // Longer than any number.
    let mut bench = lifted();
    keys(&mut bench, &"1".repeat(40), Judgement::Beginning);
    assert_eq!(bench.does(Input::Key(b'1')), [Output::Keys(false), Output::Play(Some(Tone::Congestion))]);
}

#[test]
fn a_telephone_that_is_left_off_hook_hears_congestion_then_the_howler_then_nothing() {
    let mut bench = Bench::new(Config::default());
    bench.does(Input::Line(LineEvent::RingOffHook));
    let told = bench.passes(200_000);
    let played: Vec<(u64, Option<Tone>)> = told
        .into_iter()
        .filter_map(|(at, output)| match output {
            Output::Play(tone) => Some((at, tone)),
            _ => None,
        })
        .collect();
    assert_eq!(played, [(16_000, Some(Tone::Congestion)), (36_000, Some(Tone::Howler)), (96_000, None)]);
    assert_eq!(bench.does(ring(&[])), [Output::Event(Event::Busy)]);
    assert!(bench.does(Input::Line(LineEvent::OnHook)).contains(&Output::Event(Event::Idle)));
}

#[test]
fn the_far_ends_hang_up_is_told_by_the_battery_and_then_by_a_tone() {
    for (disconnect, cut) in [(ms(500), true), (Micros::ZERO, false)] {
        let mut bench = Bench::new(Config { disconnect, ..Config::default() });
        bench.does(ring(&[]));
        bench.does(Input::Line(LineEvent::RingOffHook));
        let told = bench.does(Input::Command(Command::Hangup(Tone::Busy)));
        assert_eq!(told.first(), Some(&Output::Event(Event::Ended(Reason::Ours))));
        let busy = Output::Play(Some(Tone::Busy));
        if cut {
            assert_eq!(told[1..], [Output::Hook(Hook::OnHook)]);
            assert_eq!(bench.passes(600), [(500, Output::Hook(Hook::OffHook)), (500, busy)]);
        } else {
            assert_eq!(told[1..], [busy]);
        }
        assert!(bench.does(Input::Line(LineEvent::OnHook)).contains(&Output::Event(Event::Idle)));
    }
}

#[test]
fn a_hotline_is_dialled_when_the_telephone_is_lifted_and_no_dial_tone_is_heard() {
    let hotline: tipring_analog::Digits = "100".try_into().expect("digits");
    let mut bench = Bench::new(Config { hotline: hotline.clone(), ..Config::default() });
    let told = bench.does(Input::Line(LineEvent::RingOffHook));
    let begins = [Output::Hook(Hook::OffHook), Output::Event(Event::Lifted), Output::Audio(true)];
    assert_eq!(told[..3], begins);
    assert_eq!(told[3..], [Output::Event(Event::Dialled(hotline))]);
    bench.does(Input::Line(LineEvent::OnHook));
    bench.does(ring(&[]));
    let told = bench.does(Input::Line(LineEvent::RingOffHook));
    assert!(told.contains(&Output::Event(Event::Answered)), "a ring is answered, not called: {told:?}");
}

#[test]
fn a_telephone_that_nobody_holds_loses_its_battery_behind_a_short_tone() {
    let config = Config { hands_free: true, disconnect: Micros::ZERO, ..Config::default() };
    let mut bench = Bench::new(Config { hotline: "100".try_into().expect("digits"), ..config });
    bench.does(Input::Line(LineEvent::RingOffHook));
    let told = bench.does(Input::Command(Command::Hangup(Tone::Busy)));
    assert_eq!(told.last(), Some(&Output::Play(Some(Tone::Busy))), "nobody was there yet");
    assert_eq!(bench.passes(3_000), [(3_000, Output::Play(None)), (3_000, Output::Hook(Hook::OnHook))]);
    assert!(bench.does(Input::Line(LineEvent::OnHook)).contains(&Output::Event(Event::Idle)));
    bench.does(ring(&[]));
    bench.does(Input::Line(LineEvent::RingOffHook));
    let told = bench.does(Input::Command(Command::Hangup(Tone::Busy)));
    assert_eq!(told.last(), Some(&Output::Hook(Hook::OnHook)), "at once, behind a call");
}

#[test]
fn messages_are_told_once_on_hook_and_make_dial_tone_stutter() {
    let waiting = |on| Input::Command(Command::MessageWaiting(on));
    let mut bench = Bench::new(Config::default());
    bench.does(ring(&[]));
    bench.does(Input::Line(LineEvent::RingOffHook));
    assert_eq!(bench.does(waiting(true)), [], "not in a call");
    let told = bench.does(Input::Line(LineEvent::OnHook));
    assert_eq!(told.last(), Some(&Output::Event(Event::Idle)), "the channel is being given back");
    let tells = |waiting| [(1_000, Output::Audio(true)), (1_000, Output::Tell(News::Waiting(waiting)))];
    assert_eq!(bench.passes(1_000), tells(true));
    bench.does(Input::Told);
    assert_eq!(bench.does(waiting(true)), [], "it knows");
    assert!(bench.does(Input::Line(LineEvent::RingOffHook)).contains(&Output::Play(Some(Tone::Stutter))));
    bench.does(Input::Line(LineEvent::OnHook));
    assert_eq!(bench.does(waiting(false)), [], "nor now");
    assert_eq!(bench.passes(1_000), tells(false));
    let mut mute = Bench::new(Config { caller_id: Telling::Never, ..Config::default() });
    assert_eq!(mute.does(waiting(true)), [], "a telephone that cannot be told hears it by its dial tone");
    assert!(mute.does(Input::Line(LineEvent::RingOffHook)).contains(&Output::Play(Some(Tone::Stutter))));
}

#[test]
fn who_calls_is_handed_on_as_it_is() {
    let mut bench = Bench::new(Config::default());
    let secret = CallerId { restricted: true, ..CallerId::default() };
    bench.does(Input::Command(Command::Ring { caller: secret.clone(), rhythm_ms: &[] }));
    let told = bench.passes(3_000);
    assert!(told.contains(&(2_500, Output::Tell(News::Caller(secret)))), "{told:?}");
}
