//! By table and by seed, in virtual time.

use super::*;

/// As `[outbound]` has them when nobody says otherwise, with minutes for calls abroad.
fn shipped(abroad: u32) -> Limits {
    Limits {
        calls_per_second: 0,
        calls_per_minute: 10,
        lines_percent: 50,
        longest: Micros::from_s(3_600),
        minutes_per_day: 120,
        international_minutes_per_day: abroad,
        stop_patterns: true,
    }
}

/// A call is answered: until when it may go on.
fn answered(spending: &mut Spending, now: Micros, call: u64, tariff: Tariff) -> Result<Micros, Budget> {
    spending.answered(now, call, tariff);
    spending.goes_on(now, call)
}

fn spending(limits: Limits) -> Spending {
    Spending::new(limits, Micros::ZERO)
}

const ANN: u128 = 1;
const BOB: u128 = 2;
const TOWN: &str = "+12025550123";

fn s(s: u64) -> Micros {
    Micros::from_s(s)
}

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn of(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[test]
fn an_account_has_ten_calls_in_any_minute_and_another_one_its_own() {
    let mut spending = spending(shipped(0));
    let begun = |spending: &mut Spending, who, from: u64| {
        (0..100)
            .filter(|n| spending.begins(s(from) + Micros::from_ms(n * 500), who, Tariff::Home, TOWN).is_ok())
            .count()
    };
    assert_eq!(begun(&mut spending, ANN, 0), 10);
    assert_eq!(begun(&mut spending, BOB, 0), 10);
    let refusal = spending.begins(s(55), ANN, Tariff::Home, TOWN).expect_err("it is the eleventh");
    let text = "the account has begun 10 within a minute, as many as outbound.calls_per_minute allows; the next may begin in 5 s";
    assert_eq!(refusal.to_string(), text);
    assert_eq!(spending.begins(s(60), ANN, Tariff::Home, TOWN), Ok(()));
    for tariff in [Tariff::Help, Tariff::Free] {
        assert!((0..100).all(|_| spending.begins(s(55), BOB, tariff, "911").is_ok()));
    }
}

#[test]
fn rates_are_those_of_a_slow_count() {
    for seed in 1..200_u64 {
        let mut dice = Dice::of(seed);
        let (second, minute) = (dice.roll(4) as u32, dice.roll(12) as u32);
        let limits = Limits { calls_per_second: second, calls_per_minute: minute, ..Limits::default() };
        let mut spending = spending(limits);
        let mut begun: Vec<(u128, u64)> = Vec::new();
        let mut now = 0;
        for _ in 0..300 {
            now += [0, 1, 137_000, 999_999, 1_000_000, 5_000_000][dice.roll(6) as usize];
            let who = u128::from(dice.roll(2));
            let within = |span: u64| begun.iter().filter(|(w, at)| *w == who && now - at < span).count();
            let may = (second == 0 || within(1_000_000) < second as usize)
                && (minute == 0 || within(60_000_000) < minute as usize);
            let did = spending.begins(Micros(now), who, Tariff::Home, TOWN);
            assert_eq!(did.is_ok(), may, "seed {seed} at {now}: {did:?}");
            if let Err(Refusal::Rate { opens_in, .. }) = did {
                // It is open then and not a moment earlier.
                let (mut early, mut then) = (spending.clone(), spending.clone());
                assert!(early.begins(Micros(now + opens_in.0 - 1), who, Tariff::Home, TOWN).is_err());
                assert!(then.begins(Micros(now + opens_in.0), who, Tariff::Home, TOWN).is_ok() || second > 0);
            }
            if may {
                begun.push((who, now));
            }
        }
    }
}

/// One call after the other, each of ten minutes, until none is left.
#[test]
fn the_minutes_of_a_day_end_at_the_last_one_and_are_told_of_at_four_fifths() {
    let mut spending = spending(shipped(0));
    let (mut minutes, mut told) = (0, Vec::new());
    for call in 0.. {
        if spending.begins(s(minutes * 60), ANN, Tariff::Home, TOWN).is_err() {
            break;
        }
        let mut until = answered(&mut spending, s(minutes * 60), call, Tariff::Home);
        for _ in 0..10 {
            minutes += 1;
            while let Some(alert) = spending.poll() {
                told.push((minutes, alert));
            }
            assert_eq!(until, Ok(s(minutes * 60)));
            until = spending.goes_on(s(minutes * 60) - Micros(1), call);
            if minutes % 10 != 0 {
                until = spending.goes_on(s(minutes * 60), call);
            }
        }
        spending.ends(s(minutes * 60), call);
    }
    assert_eq!(minutes, 120);
    let budget = Budget::All;
    let wanted = [(96, Alert::Near { budget, spent: 96, limit: 120 }), (120, Alert::Spent { budget, limit: 120 })];
    assert_eq!(told, wanted);
    let refusal = spending.begins(s(7_200), ANN, Tariff::Home, TOWN).expect_err("none is left").to_string();
    let text =
        "the 120 minutes of outbound.minutes_per_day are spent; there are new ones in 22 h, or with a larger limit";
    assert_eq!(refusal, text);
    assert_eq!(spending.begins(s(7_200), ANN, Tariff::Help, "911"), Ok(()));
    assert_eq!(answered(&mut spending, s(7_200), 99, Tariff::Help), Ok(Micros::FOREVER));
    assert_eq!(spending.begins(s(86_400), ANN, Tariff::Home, TOWN), Ok(()), "a new day");
    assert_eq!(spending.spent(s(86_400)), (0, 0));
}

#[test]
fn calls_that_are_up_share_the_last_minutes_and_end_with_them() {
    let mut spending = spending(Limits { minutes_per_day: 5, ..Limits::default() });
    for call in 0..2 {
        assert_eq!(answered(&mut spending, s(0), call, Tariff::Home), Ok(s(60)));
    }
    assert_eq!((spending.goes_on(s(60), 0), spending.goes_on(s(60), 1)), (Ok(s(120)), Ok(s(120))));
    assert_eq!((spending.goes_on(s(120), 0), spending.goes_on(s(120), 1)), (Ok(s(180)), Err(Budget::All)));
    assert_eq!(spending.spent(s(120)), (5, 0));
    assert_eq!(answered(&mut spending, s(120), 7, Tariff::Home), Err(Budget::All), "one that rang meanwhile");
    assert_eq!(spending.goes_on(s(120), 9), Ok(Micros::FOREVER), "one that costs nothing");
    assert_eq!(answered(&mut spending, s(86_400), 8, Tariff::Home), Ok(s(86_460)), "a new day");
}

#[test]
fn calls_abroad_have_minutes_of_their_own_and_none_until_some_are_set_aside() {
    let mut none = spending(shipped(0));
    let refusal = none.begins(s(0), ANN, Tariff::Abroad, "+4930123456").expect_err("there are none");
    assert!(refusal.to_string().starts_with("outbound.international_minutes_per_day is 0: "), "{refusal}");
    let mut some = spending(shipped(2));
    let _ = answered(&mut some, s(0), 1, Tariff::Home);
    let _ = answered(&mut some, s(0), 2, Tariff::Abroad);
    assert_eq!((some.goes_on(s(60), 2), some.goes_on(s(120), 2)), (Ok(s(120)), Err(Budget::Abroad)));
    assert!(some.goes_on(s(120), 1).is_ok());
    assert_eq!(some.spent(s(120)), (5, 2));
}

#[test]
fn what_was_spent_before_a_restart_is_spent() {
    let mut spending = spending(shipped(30));
    spending.was_spent(s(10), 119, 30);
    assert!(spending.begins(s(10), ANN, Tariff::Abroad, "+4930123456").is_err());
    assert!(spending.begins(s(10), ANN, Tariff::Home, TOWN).is_ok());
    assert!(answered(&mut spending, s(10), 1, Tariff::Home).is_ok());
    assert_eq!(spending.poll(), Some(Alert::Spent { budget: Budget::All, limit: 120 }));
    assert!(spending.poll().is_none(), "that few were left was told before");
    spending.configure(s(20), shipped(40));
    assert!(spending.begins(s(20), ANN, Tariff::Home, TOWN).is_err(), "a reload gives no minutes");
    spending.configure(s(20), Limits { minutes_per_day: 240, ..shipped(40) });
    assert!(spending.begins(s(20), ANN, Tariff::Abroad, "+4930123456").is_ok(), "a larger limit does");
}

#[test]
fn the_fifth_call_to_one_range_within_ten_minutes_stops_dear_calls_for_a_day_or_until_a_reload() {
    let mut spending = spending(Limits { stop_patterns: true, ..Limits::default() });
    let range = |n: u64| format!("+88213{n:07}");
    for n in 0..4 {
        assert_eq!(spending.begins(s(n * 100), ANN, Tariff::Dear, &range(n)), Ok(()));
    }
    assert_eq!(spending.begins(s(400), ANN, Tariff::Abroad, "+4930123456"), Ok(()), "another range");
    let mut slow = spending.clone();
    assert_eq!(slow.begins(s(600), ANN, Tariff::Dear, &range(4)), Ok(()), "the first is long ago");
    let pattern = Pattern::SamePrefix("882130".into());
    let refused = Err(Refusal::Frozen { pattern: pattern.clone(), opens_in: FREEZE });
    assert_eq!(spending.begins(s(599), ANN, Tariff::Dear, &range(4)), refused);
    assert_eq!((spending.poll(), spending.poll()), (Some(Alert::Frozen(pattern)), None));
    for (tariff, open) in [
        (Tariff::Abroad, false),
        (Tariff::Dear, false),
        (Tariff::Home, true),
        (Tariff::Free, true),
        (Tariff::Help, true),
    ] {
        assert_eq!(spending.begins(s(700), BOB, tariff, "+4930123456").is_ok(), open, "{tariff:?}");
    }
    let text = spending.begins(s(700), BOB, Tariff::Dear, TOWN).expect_err("stopped").to_string();
    assert!(text.contains("5 calls within 10 minutes to numbers with 882130; they are open again in 24 h"), "{text}");
    let mut next_day = spending.clone();
    assert!(next_day.begins(s(599) + FREEZE - Micros(1), ANN, Tariff::Dear, TOWN).is_err());
    assert_eq!(next_day.begins(s(599) + FREEZE, ANN, Tariff::Dear, TOWN), Ok(()));
    spending.configure(s(701), Limits { stop_patterns: true, ..Limits::default() });
    assert_eq!(spending.begins(s(701), ANN, Tariff::Dear, &range(5)), Ok(()));
}

#[test]
fn the_tenth_short_call_within_an_hour_stops_dear_calls() {
    let short_calls = |spending: &mut Spending, tariff, length: Micros, every: u64| {
        (0..20_u64)
            .filter(|n| {
                let at = s(n * every);
                let begun = spending.begins(at, ANN, tariff, &format!("+49{:06}", n * 7_919)).is_ok();
                if begun {
                    let _ = answered(spending, at, *n, tariff);
                    spending.ends(at + length, *n);
                }
                begun
            })
            .count()
    };
    let watched = || spending(Limits { stop_patterns: true, ..Limits::default() });
    assert_eq!(short_calls(&mut watched(), Tariff::Abroad, s(15) - Micros(1), 120), 10);
    assert_eq!(short_calls(&mut watched(), Tariff::Abroad, s(15), 120), 20);
    assert_eq!(short_calls(&mut watched(), Tariff::Abroad, s(1), 401), 20, "nine in any hour");
    assert_eq!(short_calls(&mut watched(), Tariff::Home, s(1), 120), 20);
    assert_eq!(short_calls(&mut spending(Limits::default()), Tariff::Abroad, s(1), 120), 20);
}

#[test]
fn what_is_remembered_has_a_bound() {
    let mut spending = spending(Limits { stop_patterns: true, ..Limits::default() });
    let begun =
        (0..10_000_u32).filter(|n| spending.begins(s(1), ANN, Tariff::Dear, &format!("+{:06}", n + 100_000)).is_ok());
    assert_eq!(begun.count(), MAX_RECENT);
    assert_eq!(spending.poll(), Some(Alert::Frozen(Pattern::Flood)));
    let mut rates = Spending::new(shipped(0), Micros::ZERO);
    for account in 0..5_000 {
        assert!(rates.begins(s(account), u128::from(account), Tariff::Home, TOWN).is_ok());
    }
    assert!(format!("{:?}", rates.calls).matches("Micros").count() < 2_000);
}

/// 3,000 attempts between 22:00 and 06:00, at numbers of a few ranges, of any length.
#[test]
fn a_night_of_fraud_gets_few_calls_and_few_minutes() {
    for seed in 1..100_u64 {
        let mut dice = Dice::of(seed);
        let mut spending = Spending::new(shipped(30), s(22 * 3_600));
        let (mut legs, mut told_at, mut first_refused) = (0, None, None);
        for attempt in 0..3_000_u64 {
            let at = s(attempt * 28_800 / 3_000);
            let number = format!("+8821{:02}{:05}", dice.roll(4), dice.roll(100_000));
            if spending.begins(at, ANN, Tariff::Abroad, &number).is_err() {
                first_refused.get_or_insert(at);
            } else {
                legs += 1;
                let _ = answered(&mut spending, at, attempt, Tariff::Abroad);
                spending.ends(at + s(1 + dice.roll(9)), attempt);
            }
            if spending.poll().is_some_and(|alert| matches!(alert, Alert::Frozen(_))) {
                told_at.get_or_insert(at);
            }
        }
        assert!(legs <= 10, "seed {seed}: {legs}");
        assert!(spending.spent(s(28_800)).0 <= 12 && told_at.is_some(), "seed {seed}");
        assert!(told_at.zip(first_refused).is_some_and(|(told, refused)| told.since(refused) <= s(60)), "seed {seed}");
    }
}

#[test]
fn half_of_the_lines_are_rounded_up_and_the_only_one_may_be_used() {
    let spending = spending(shipped(0));
    for (lines, most) in [(0, u32::MAX), (1, 1), (2, 1), (3, 2), (30, 15), (31, 16)] {
        assert_eq!(spending.most_lines(lines), most, "{lines}");
    }
    let one_of_a_hundred = Spending::new(Limits { lines_percent: 1, ..Limits::default() }, Micros::ZERO);
    assert_eq!((one_of_a_hundred.most_lines(30), one_of_a_hundred.most_lines(101)), (1, 2));
}

#[test]
fn turns_go_round() {
    let mut turns = Turns::default();
    let waiting = ["a", "a", "a", "b", "c"];
    let mut order = String::new();
    for _ in 0..6 {
        let next = turns.next(waiting.into_iter()).expect("somebody");
        turns.had(next);
        order += next;
    }
    assert_eq!(order, "abcabc");
    assert_eq!(turns.next(std::iter::empty()), None);
    turns.forget();
    assert_eq!(turns.next(["c", "b"].into_iter()), Some("c"));
}

/// What somebody can spend who wants to spend as much as possible: in each minute as many calls as may begin, of which the
/// newest stay; the oldest are given up for them.
fn spent_by_force(limits: &Limits, night: &Night) -> u64 {
    let first = night.parts.first().copied().unwrap_or_default();
    let mut spending = Spending::new(limits.clone(), DAY - s(u64::from(first) * 60));
    let lines = spending.most_lines(night.lines) as usize;
    let tariff = if night.home { Tariff::Home } else { Tariff::Abroad };
    let mut up: VecDeque<(u64, Micros)> = VecDeque::new();
    let (mut all, mut call) = (0_u64, 0);
    for minute in 0..night.parts.iter().map(|part| u64::from(*part)).sum() {
        let now = s(minute * 60) + Micros(minute);
        let before = spending.spent(now).0;
        up.retain(|(call, began)| {
            let goes_on = now.since(*began) < limits.longest && spending.goes_on(now, *call).is_ok();
            if !goes_on {
                spending.ends(now, *call);
            }
            goes_on
        });
        for account in 0..u128::from(night.accounts) {
            while spending.begins(now, account, tariff, TOWN).is_ok() {
                if up.len() >= lines
                    && let Some((oldest, _)) = up.pop_front()
                {
                    spending.ends(now, oldest);
                }
                call += 1;
                if answered(&mut spending, now, call, tariff).is_ok() {
                    up.push_back((call, now));
                }
            }
        }
        all += u64::from(spending.spent(now).0 - before);
    }
    all
}

#[test]
fn the_worst_night_is_that_of_brute_force() {
    for seed in 1..400_u64 {
        let mut dice = Dice::of(seed);
        let mut roll = |below: u64| u32::try_from(dice.roll(below)).expect("small");
        let limits = Limits {
            calls_per_second: 0,
            calls_per_minute: 1 + roll(12),
            lines_percent: 1 + roll(100),
            longest: s(60 * u64::from(1 + roll(90))),
            minutes_per_day: [roll(200), roll(5_000), 1_000_000][roll(3) as usize],
            international_minutes_per_day: roll(400),
            stop_patterns: false,
        };
        let (home, first) = (roll(2) == 0, 1 + roll(120));
        // Where most of the night is before midnight, calls that are up then would have to be saved for the new day.
        for (second, exact) in [(first + roll(300), true), (1 + roll(first.into()), false)] {
            let parts = vec![first, second];
            let night = Night { parts, lines: 1 + roll(30), accounts: 1 + roll(3), home, abroad: true };
            let known = worst_night(&limits, &night).expect("there is a rate");
            let spent = spent_by_force(&limits, &night);
            let good = if exact { known.abs_diff(spent) <= 1 } else { spent <= known };
            assert!(good, "seed {seed}: {known} {spent} {limits:?} {night:?}");
        }
    }
    assert_eq!(worst_night(&shipped(0), &Night::usual(2, 1)), Some(240));
    assert_eq!(worst_night(&shipped(30), &Night { home: false, ..Night::usual(2, 1) }), Some(60));
    assert_eq!(worst_night(&shipped(0), &Night { home: false, abroad: false, ..Night::usual(2, 1) }), Some(0));
    assert_eq!(worst_night(&Limits::default(), &Night::usual(2, 1)), None);
}
