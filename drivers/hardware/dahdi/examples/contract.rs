//! The contract suite on real DAHDI nodes, in the lab: one JSON line a clause, exit status 1 when one fails. It wants
//! the lab's spans (`lab run --e1 1 --t1 1`): ours are 1 (E1) and 3 (lines), the far end's 2 and 4, wired across.
//!
//! `contract [--keep]`: with `--keep` the card is not taken away at the end.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use tipring_card::contract::{Bench, Clause, Outcome, run_each};
use tipring_card::{
    BLOCK, BLOCK_US, Card, CardError, Channel, ChannelId, Event, Hook, Law, Micros, Progress, Setup, Signalling, SpanId,
};
use tipring_dahdi::{Config, DahdiCard, Echo, Expect, OpenError, Refusal};

/// The E1 span under test, its far end, and the pair of lines likewise.
const SPANS: [u16; 4] = [1, 2, 3, 4];

struct Lab {
    near: DahdiCard,
    far: DahdiCard,
    keep: bool,
}

impl Bench for Lab {
    fn near(&mut self) -> &mut dyn Card {
        &mut self.near
    }

    fn far(&mut self) -> &mut dyn Card {
        &mut self.far
    }

    fn pair(&self, kind: Signalling) -> Option<(ChannelId, ChannelId)> {
        match kind {
            Signalling::Bearer => Some((ChannelId(1), ChannelId(32))),
            Signalling::Hdlc => Some((ChannelId(16), ChannelId(47))),
            Signalling::FxsKs => Some((ChannelId(63), ChannelId(87))),
            _ => None,
        }
    }

    fn advance(&mut self, time: Micros) {
        std::thread::sleep(Duration::from_micros(time.0));
    }

    fn break_span(&mut self, up: bool) -> bool {
        // The far end's span is taken out: the near end sees no signal any more.
        let way = if up { "up" } else { "down" };
        done(Command::new("lab-span").args([way, &SPANS[1].to_string()]))
    }

    fn remove(&mut self) -> bool {
        if self.keep {
            return false;
        }
        // What a card's driver does when the card is pulled: the span goes away under the open channel.
        let Ok(devices) = std::fs::read_dir("/sys/bus/dahdi_devices/devices") else {
            return false;
        };
        let span = format!("{}", SPANS[0]);
        devices.flatten().any(|device| {
            let has_it = device.path().join(format!("span-{span}")).exists();
            has_it && std::fs::write(device.path().join("unassign_span"), format!("1:{span}")).is_ok()
        })
    }
}

fn main() -> ExitCode {
    let keep = std::env::args().any(|argument| argument == "--keep");
    let cards = card(SPANS[0], SPANS[2], 1..=31, 63..=86, Signalling::FxsKs)
        .and_then(|near| Ok((near, card(SPANS[1], SPANS[3], 32..=62, 87..=110, Signalling::FxoKs)?)));
    let (near, far) = match cards {
        Ok(cards) => cards,
        Err(error) => {
            println!("{{\"ev\":\"error\",\"text\":{}}}", json(&error));
            return ExitCode::from(2);
        }
    };
    println!(
        "{{\"ev\":\"card\",\"version\":{},\"spans\":{},\"channels\":{},\"refused\":{}}}",
        json(near.version()),
        near.spans().len(),
        near.channels().len(),
        near.refused().len()
    );
    for refusal in near.refused().iter().chain(far.refused()) {
        println!("{{\"ev\":\"refused\",\"text\":{}}}", json(&refusal.to_string()));
    }
    let checked = [
        a_mismatch_is_refused(),
        an_echo_canceller_is_attached(),
        a_stranger_is_busy(&near),
        the_generic_node_may_be_missing(),
        every_line_is_listed(&near, &far),
        a_hook_moves_from_another_thread(),
    ];
    let mut lab = Lab { near, far, keep };
    let paced = pace(&mut lab.near) && !checked.contains(&false);
    let begin = Instant::now();
    let mut last = begin;
    let report = run_each(&mut lab, &mut |clause| {
        print_clause(clause, last.elapsed());
        last = Instant::now();
    });
    let ok = report.passed() && paced && (lab.keep || a_card_that_is_gone_is_not_found_again(&mut lab.near));
    println!(
        "{{\"ev\":\"done\",\"ok\":{ok},\"clauses\":{},\"not_applicable\":{},\"seconds\":{:.1}}}",
        report.clauses.len(),
        report.not_applicable().len(),
        begin.elapsed().as_secs_f64()
    );
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The E1 span `e1` and the lines `t1`, with what the lab configures them to be.
fn card(
    e1: u16,
    t1: u16,
    bearers: std::ops::RangeInclusive<u16>,
    lines: std::ops::RangeInclusive<u16>,
    line: Signalling,
) -> Result<DahdiCard, String> {
    let d = bearers.start() + 15;
    let expect = vec![
        Expect { channels: *bearers.start()..=d - 1, signalling: Signalling::Bearer },
        Expect { channels: d..=d, signalling: Signalling::Hdlc },
        Expect { channels: d + 1..=*bearers.end(), signalling: Signalling::Bearer },
        Expect { channels: lines, signalling: line },
    ];
    DahdiCard::open(Config { spans: vec![SpanId(e1), SpanId(t1)], expect, ..Config::default() })
        .map_err(|error| error.to_string())
}

/// A channel that is not what the configuration says is not offered, and both are named.
fn a_mismatch_is_refused() -> bool {
    let expect = vec![
        Expect { channels: 16..=16, signalling: Signalling::Bearer },
        Expect { channels: 900..=900, signalling: Signalling::FxsKs },
    ];
    let card = DahdiCard::open(Config { spans: vec![SpanId(1)], expect, ..Config::default() });
    let (configured, found) = (Signalling::Bearer, Signalling::Hdlc);
    let wanted =
        [Refusal::Mismatch { channel: ChannelId(16), configured, found }, Refusal::NotConfigured(ChannelId(900))];
    let ok = card.as_ref().is_ok_and(|card| {
        card.refused() == wanted && card.channels().len() == 30 && card.channels().iter().all(|c| c.id.0 != 16)
    });
    let text = card.map_or_else(|e| e.to_string(), |c| c.refused().iter().map(|r| format!("{r}; ")).collect());
    let missing = DahdiCard::open(Config { spans: vec![SpanId(77)], ..Config::default() });
    let ok = ok && missing.is_err_and(|error| error == OpenError::NoSuchSpan(SpanId(77)));
    checked("a_mismatch_is_refused", ok, &text)
}

/// The canceller that the guest has is attached and runs in a call; one that it has not is named, the channel stays.
fn an_echo_canceller_is_attached() -> bool {
    let card = |name: &str| {
        let echo = Some(Echo { name: name.into(), taps: 128 });
        DahdiCard::open(Config { spans: vec![SpanId(2)], echo, ..Config::default() })
    };
    let attached = card("mg2").map_err(|e| e.to_string()).and_then(|mut card| {
        let mut channel = card.open_channel(ChannelId(40)).map_err(|e| format!("open: {e}"))?;
        channel.setup(Setup::Audio(Law::A)).map_err(|e| format!("setup: {e}"))?;
        match card.refused().first() {
            None => Ok(()),
            Some(refusal) => Err(refusal.to_string()),
        }
    });
    let unknown = card("nosuch")
        .is_ok_and(|card| card.channels().len() == 31 && matches!(card.refused().first(), Some(Refusal::Echo(..))));
    let ok = attached.is_ok() && unknown;
    checked("an_echo_canceller_is_attached", ok, &format!("{attached:?}, unknown one refused: {unknown}"))
}

/// A channel that another opener of the box has is busy, also through a card of its own.
fn a_stranger_is_busy(near: &DahdiCard) -> bool {
    let stranger = || DahdiCard::open(Config { spans: vec![near.spans()[0].id], ..Config::default() });
    let result = stranger().map_err(|e| e.to_string()).and_then(|mut first| {
        let held = first.open_channel(ChannelId(5)).map_err(|e| e.to_string())?;
        let mut second = stranger().map_err(|e| e.to_string())?;
        let refused = second.open_channel(ChannelId(5)).err();
        drop(held);
        let after = second.open_channel(ChannelId(5)).err();
        Ok((refused, after))
    });
    let ok = result == Ok((Some(CardError::Busy), None));
    checked("a_stranger_is_busy", ok, &format!("{result:?}"))
}

/// Where there is no generic node, a channel's own node is opened.
fn the_generic_node_may_be_missing() -> bool {
    let root = std::env::temp_dir().join("dahdi-without-generic-node");
    let link = |name: &str| std::os::unix::fs::symlink(format!("/dev/dahdi/{name}"), root.join(name));
    let result = std::fs::create_dir_all(&root)
        .and_then(|()| link("ctl"))
        .and_then(|()| link("chan"))
        .map_err(|e| e.to_string())
        .and_then(|()| DahdiCard::open(Config { root: root.clone(), ..Config::default() }).map_err(|e| e.to_string()))
        .and_then(|mut card| {
            let mut channel = card.open_channel(ChannelId(33)).map_err(|e| e.to_string())?;
            channel.setup(Setup::Audio(Law::A)).map_err(|e| e.to_string())?;
            Ok(channel.info().timeslot)
        });
    checked("the_generic_node_may_be_missing", result == Ok(2), &format!("{result:?}"))
}

/// The lines of both ends stand in the listing with span, timeslot and the law of their T1.
fn every_line_is_listed(near: &DahdiCard, far: &DahdiCard) -> bool {
    let lines = |card: &DahdiCard, span: u16, signalling: Signalling| {
        let of_span = card.channels().iter().filter(|c| c.span == SpanId(span));
        let good = of_span
            .enumerate()
            .filter(|(n, c)| usize::from(c.timeslot) == n + 1 && c.signalling == signalling && c.law == Law::Mu);
        good.count()
    };
    let found = (lines(near, SPANS[2], Signalling::FxsKs), lines(far, SPANS[3], Signalling::FxoKs));
    checked("every_line_is_listed", found == (24, 24), &format!("{found:?} of 24 each, in µ-law"))
}

/// Another thread seizes a line that this one reads, sees it through, and is told when the channel is gone.
fn a_hook_moves_from_another_thread() -> bool {
    let card = DahdiCard::open(Config { spans: vec![SpanId(SPANS[2])], ..Config::default() });
    let result = card.map_err(|e| e.to_string()).and_then(|mut card| {
        let mut channel = card.open_channel(ChannelId(64)).map_err(|e| format!("open: {e}"))?;
        channel.setup(Setup::Audio(Law::Mu)).map_err(|e| format!("setup: {e}"))?;
        let mut control = channel.control().map_err(|e| format!("control: {e}"))?;
        let seized = std::thread::spawn(move || (control.hook(Hook::Start), control));
        let begin = Instant::now();
        let (mut block, mut blocks, mut complete) = ([0; BLOCK], 0, false);
        while begin.elapsed() < Duration::from_secs(4) && !(complete && blocks > 100) {
            match channel.read(&mut block) {
                Ok(_) => {
                    blocks += 1;
                    let _ = channel.write(&block);
                }
                Err(CardError::EventPending) => {
                    while let Some(event) = channel.event().map_err(|e| format!("event: {e}"))? {
                        complete |= event == Event::HookComplete;
                    }
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        let (started, mut control) = seized.join().map_err(|_| "the other thread panicked".to_string())?;
        let released = control.hook(Hook::OnHook);
        drop(channel);
        Ok((started, complete, blocks > 100, released, control.hook(Hook::OnHook)))
    });
    let wanted = (Ok(Progress::Pending), true, true, Ok(Progress::Done), Err(CardError::Invalid));
    checked("a_hook_moves_from_another_thread", result == Ok(wanted), &format!("{result:?}"))
}

fn checked(name: &str, ok: bool, text: &str) -> bool {
    println!("{{\"ev\":\"check\",\"name\":\"{name}\",\"ok\":{ok},\"text\":{}}}", json(text));
    ok
}

/// After the removal a new look lists what is left, as before, and nothing of what is gone; a start would name it.
fn a_card_that_is_gone_is_not_found_again(near: &mut DahdiCard) -> bool {
    let gone = SpanId(SPANS[0]);
    let others =
        |card: &DahdiCard| card.channels().iter().filter(|known| known.span != gone).cloned().collect::<Vec<_>>();
    let before = others(near);
    let result = near.find_again();
    let listed = near.channels().to_vec();
    // Its first one had the kernel's number.
    let opened = near.open_channel(ChannelId(1)).err();
    let started = DahdiCard::open(Config { spans: vec![gone], ..Config::default() }).err();
    let ok = result == Ok(())
        && !before.is_empty()
        && listed == before
        && matches!(opened, Some(CardError::NoSuchChannel | CardError::Gone))
        && started == Some(OpenError::NoSuchSpan(gone));
    checked("a_card_that_is_gone_is_not_found_again", ok, &format!("{result:?}, {opened:?}, {started:?}"))
}

/// DAHDI's clock ticks once a block, and none is lost: two seconds of it against the guest's own.
fn pace(card: &mut DahdiCard) -> bool {
    let begin = Instant::now();
    let mut ticks = 0;
    let result = card.pace().and_then(|mut pace| {
        while begin.elapsed() < Duration::from_secs(2) {
            ticks += pace.wait()?;
        }
        Ok(())
    });
    let wanted = begin.elapsed().as_micros() as u64 / BLOCK_US;
    let ok = result.is_ok() && u64::from(ticks).abs_diff(wanted) <= wanted / 20;
    println!(
        "{{\"ev\":\"pace\",\"ok\":{ok},\"ticks\":{ticks},\"wanted\":{wanted},\"result\":{}}}",
        json(&format!("{result:?}"))
    );
    ok
}

fn print_clause(clause: &Clause, took: Duration) {
    let (outcome, why) = match &clause.outcome {
        Outcome::Passed => ("passed", clause.note.as_str()),
        Outcome::Failed(why) => ("failed", why.as_str()),
        Outcome::NotApplicable(why) => ("not applicable", why.as_str()),
    };
    println!(
        "{{\"ev\":\"clause\",\"name\":\"{}\",\"outcome\":\"{outcome}\",\"text\":{},\"ms\":{}}}",
        clause.name,
        json(why),
        took.as_millis()
    );
}

fn done(command: &mut Command) -> bool {
    match command.output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            println!("{{\"ev\":\"command\",\"output\":{}}}", json(&String::from_utf8_lossy(&output.stdout)));
            false
        }
        Err(error) => {
            println!("{{\"ev\":\"command\",\"output\":{}}}", json(&error.to_string()));
            false
        }
    }
}

/// A JSON string.
fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
