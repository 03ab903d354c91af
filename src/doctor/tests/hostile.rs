//! A visit amid events that nobody expects: it never breaks, ends by its limit at the latest, and gives both lines back.

use tipring_analog::{Config, Event as Told, Evidence, Heard, Sign};
use tipring_card::{BLOCK, Cause, Event as LineEvent, Law, Micros};
use tipring_doctor::{Effect, Event, Examined, Lent, Order, Report, Seen, Visit, Wish};
use tipring_switch::{Command, Event as SwitchEvent, PlayId, Port, TapId};

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % sides
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize].clone()
    }
}

fn seen(dice: &mut Dice) -> Seen {
    let evidence = Evidence { sign: Sign::Reversal, weight: 60, sum: 60 };
    match dice.roll(14) {
        0 => Seen::Lent(Box::new(Lent { law: Law::A, config: Config::default(), receive_gain_db: 3 })),
        1 if dice.roll(8) == 0 => Seen::Refused { in_use: true, text: "in use".into() },
        1 | 2 => Seen::Attached,
        3 => Seen::Line(dice.one(&[LineEvent::Polarity, LineEvent::OnHook, LineEvent::RingBegin, LineEvent::Other(9)])),
        4 | 5 => Seen::Heard(dice.one(&[
            Heard::DialTone,
            Heard::Busy,
            Heard::BadCallerId,
            Heard::Silence(3_000),
            Heard::CallerId(tipring_analog::CallerId::default()),
        ])),
        6..=12 => Seen::Told(dice.one(&[
            Told::Dialled,
            Told::Incoming { caller: tipring_analog::CallerId::default() },
            Told::Answered,
            Told::Idle,
            Told::Suspected(evidence),
            Told::Missed,
        ])),
        _ if dice.roll(6) == 0 => Seen::Lost,
        _ => Seen::Over(Cause::NORMAL),
    }
}

/// One story; what it came to, and how far it got.
fn story(seed: u64) -> (Report, usize) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let order = Order { line: "a".into(), number: "1".into(), with: "b".into(), with_number: "2".into() };
    let mut now = Micros::ZERO;
    let mut visit = Visit::new(now, order.clone());
    let (mut taps, mut plays, mut wishes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..60_000 {
        while let Some(effect) = visit.poll() {
            match effect {
                Effect::Examine(examine) => wishes.push((examine.line, examine.wish)),
                Effect::Switch(Command::Tap { tap, .. }) => taps.push(tap),
                Effect::Switch(Command::Play { play, .. }) => plays.push(play),
                Effect::Switch(_) | Effect::Progress(_) => {}
            }
        }
        if let Some(outcome) = visit.outcome() {
            let returned = |line: &str| wishes.iter().any(|(of, wish)| of == line && *wish == Wish::Return);
            assert!(returned("a") && returned("b"), "seed {seed}: {wishes:?}");
            return (Report::of(&order, outcome), outcome.calls.len());
        }
        now = now + Micros(dice.roll(30_000));
        let port = Port { index: dice.roll(3) as u16, generation: 0 };
        let event = match dice.roll(10) {
            0 => {
                let line = dice.one(&["a".to_owned(), "b".to_owned(), "c".to_owned()]);
                Event::Examined(Box::new(Examined { line, port, at: now, seen: seen(&mut dice) }))
            }
            1 => Event::Timer,
            2 => {
                let play = plays.last().copied().unwrap_or(PlayId(1));
                Event::Switch(SwitchEvent::Started { port, play })
            }
            _ => {
                let tap = if taps.is_empty() { TapId(1) } else { dice.one(&taps) };
                let mut data = [0xD5; BLOCK];
                data.iter_mut()
                    .for_each(|octet| *octet = if dice.roll(3) == 0 { dice.roll(256) as u8 } else { *octet });
                Event::Switch(SwitchEvent::Audio { port, tap, data })
            }
        };
        visit.handle(now, event);
    }
    panic!("seed {seed}: no end at {now:?}");
}

#[test]
fn inst5_a_visit_amid_anything_ends_and_gives_both_lines_back() {
    let stories = if std::env::var_os("TIPRING_SOAK").is_some() { 200_000 } else { 2_000 };
    let (mut farthest, mut failed) = (0, 0);
    for seed in 1..=stories {
        let (report, calls) = story(seed);
        farthest = farthest.max(calls);
        failed += usize::from(report.failure.is_some());
        assert!(report.failure.is_none() || report.proposals.is_empty(), "{report:?}");
        let _ = (report.text(), report.html(), report.diff());
    }
    assert!(farthest >= 1 && failed > 0, "{farthest} calls, {failed} failed");
}
