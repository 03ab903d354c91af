//! Spans from nothing, on real DAHDI nodes: `lab run --conf tests/lab/jobs/bare.conf -- bring_up`. DAHDI has four spans of
//! software there, whose channels have no use: two E1 joined to each other, two T1. They become a PRI and lines with
//! telephones by [`SpanSetup`]s alone, change while others speak, are taken away and come back with other numbers.

use std::fs;
use std::time::{Duration, Instant};

use tipring_card::{
    BLOCK, Card, CardError, Channel, ChannelId, Event, Hook, Law, Setup, Signalling, SpanId, SpanKind, Use,
};
use tipring_dahdi::{Coding, Config, DahdiCard, Framing, Line, Place, SpanSetup};

/// As the lab names its spans of software: near and far E1, near and far T1.
const CARDS: [&str; 4] = ["DYN/loc/0:0", "DYN/loc/0:1", "DYN/loc/1:0", "DYN/loc/1:1"];
/// Ours, in another order than the kernel's.
const IDS: [SpanId; 4] = [SpanId(3), SpanId(4), SpanId(1), SpanId(2)];

fn setups() -> Vec<SpanSetup> {
    let e1 = Line { framing: Framing::Ccs, coding: Coding::Hdb3, crc4: true, build_out: 0, clock: 0 };
    let t1 = Line { framing: Framing::Esf, coding: Coding::B8zs, crc4: false, ..e1 };
    let pri = |slot: u8| (slot, if slot == 16 { Use::DChannel } else { Use::Bearer });
    let all = |to: Use| (1..=24).map(move |slot| (slot, to)).collect::<Vec<_>>();
    let of = |at: usize, kind, line, uses| SpanSetup {
        id: IDS[at],
        place: Place::Card { card: CARDS[at].into(), port: 1 },
        kind,
        line: Some(line),
        uses,
    };
    vec![
        of(0, SpanKind::E1, e1, (1..=31).map(pri).collect()),
        of(1, SpanKind::E1, e1, (1..=31).map(pri).collect()),
        of(2, SpanKind::T1, t1, all(Use::Fxo)),
        of(3, SpanKind::T1, t1, all(Use::Fxs)),
    ]
}

fn card(setups: Vec<SpanSetup>) -> DahdiCard {
    let card = DahdiCard::open(Config { setups, ..Config::default() }).expect("DAHDI is there");
    assert_eq!(card.refused(), [], "all of it is as it should be");
    card
}

fn channel(card: &DahdiCard, span: SpanId, timeslot: u8) -> ChannelId {
    let found = card.channels().iter().find(|known| (known.span, known.timeslot) == (span, timeslot));
    found.unwrap_or_else(|| panic!("{span:?}/{timeslot} is there")).id
}

fn opened(card: &mut DahdiCard, span: SpanId, timeslot: u8, law: Law) -> Box<dyn Channel> {
    let mut channel = card.open(channel(card, span, timeslot)).expect("it is free");
    channel.setup(Setup::Audio(law)).expect("audio");
    channel
}

fn passes(what: &str, ok: bool) {
    println!("{{\"ev\":\"case\",\"ok\":{ok},\"name\":\"{what}\"}}");
    assert!(ok, "{what}");
}

/// The next event of this kind within two seconds.
fn event(channel: &mut dyn Channel, wanted: Event) -> bool {
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        match channel.event() {
            Ok(Some(event)) if event == wanted => return true,
            Ok(Some(_)) => {}
            Err(CardError::Gone) => return wanted == Event::Removed,
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    false
}

/// Whether one end's blocks come to the other one behind another. A late guest makes gaps of its own: five tries; what makes
/// one each time is no lateness.
fn carries(near: &mut dyn Channel, far: &mut dyn Channel, blocks: usize, mut between: impl FnMut(usize)) -> bool {
    (0..5).any(|_| carries_once(near, far, blocks, &mut between))
}

fn carries_once(near: &mut dyn Channel, far: &mut dyn Channel, blocks: usize, between: &mut dyn FnMut(usize)) -> bool {
    far.flush().expect("it is open");
    let mut heard = Vec::new();
    let mut into = [0; BLOCK];
    let mut sent = 0;
    let until = Instant::now() + Duration::from_secs(20);
    while heard.len() < (blocks + 4) * BLOCK && Instant::now() < until {
        while let Err(CardError::EventPending) = near.read(&mut into) {
            let _ = near.event();
        }
        // As many as it takes: a late guest has some ahead then.
        while sent < blocks {
            match near.write(&[1 + (sent % 100) as u8; BLOCK]) {
                Ok(_) => sent += 1,
                Err(CardError::EventPending) => drop(near.event()),
                Err(_) => break,
            }
            between(sent);
        }
        match far.read(&mut into) {
            Ok(len) => heard.extend_from_slice(&into[..len]),
            Err(CardError::EventPending) => drop(far.event()),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    // All octets of a block, block behind block: the writer is always ahead, so nothing may be between them.
    let begin = heard.iter().position(|octet| *octet == 1).unwrap_or(heard.len());
    let wanted: Vec<u8> = (0..blocks).flat_map(|at| [1 + (at % 100) as u8; BLOCK]).collect();
    let got = &heard[begin..heard.len().min(begin + wanted.len())];
    if got != wanted {
        let at = got.iter().zip(&wanted).position(|(a, b)| a != b).unwrap_or(got.len());
        println!("{{\"ev\":\"hole\",\"octet\":{at},\"of\":{}}}", wanted.len());
    }
    got == wanted
}

/// Where the kernel shows the card of a span.
fn device(number: u16) -> std::path::PathBuf {
    let span = fs::canonicalize(format!("/sys/bus/dahdi_spans/devices/span-{number}")).expect("a span");
    span.parent().expect("of a card").to_path_buf()
}

fn main() {
    // As a driver leaves it that was loaded with auto_assign_spans=0.
    fs::write(device(4).join("unassign_span"), "1").expect("it goes");
    let mut card = card(setups());
    let count = |card: &DahdiCard, span: SpanId, signalling| {
        card.channels().iter().filter(|known| known.span == span && known.signalling == signalling).count()
    };
    let [e1, e1_far, t1, t1_far] = IDS;
    passes("an E1 is a PRI", count(&card, e1, Signalling::Bearer) == 30 && count(&card, e1, Signalling::Hdlc) == 1);
    passes("a T1 is 24 lines", count(&card, t1, Signalling::FxsKs) == 24);
    passes("a T1 is 24 telephones", count(&card, t1_far, Signalling::FxoKs) == 24);
    passes("each span has the number of the configuration", {
        IDS.iter().zip(CARDS).all(|(id, name)| card.identity(*id).is_some_and(|known| known.card == name))
    });

    let (mut near, mut far) = (opened(&mut card, e1, 1, Law::A), opened(&mut card, e1_far, 1, Law::A));
    passes("a bearer carries sound", carries(&mut *near, &mut *far, 50, |_| {}));
    // A service that starts anew while another program has a channel.
    let again = DahdiCard::open(Config { setups: setups(), ..Config::default() }).expect("DAHDI is there");
    passes("what is so already is not touched", again.refused().is_empty());
    passes("an open channel is not", carries(&mut *near, &mut *far, 50, |_| {}));
    drop((near, far, again));

    let (mut line, mut port) = (opened(&mut card, t1, 1, Law::Mu), opened(&mut card, t1_far, 1, Law::Mu));
    passes("a line is seized with our tone zone", line.hook(Hook::Start).is_ok());
    passes("the port hears of it", event(&mut *port, Event::RingOffHook));
    passes("an open channel gets no other use", card.assign(t1, 1, Use::Fxs) == Err(CardError::Busy));
    let mut changes = 0;
    let uses = [Use::Fxs, Use::Unused, Use::FxoLoopStart, Use::Fxo];
    let goes_on = carries(&mut *line, &mut *port, 200, |at| {
        if at % 20 == 0 {
            card.assign(t1, 24, uses[changes % uses.len()]).expect("it is closed");
            changes += 1;
        }
    });
    passes("a neighbour changes and nobody notices", goes_on && changes >= 10);
    let lines = 23 + usize::from(changes % 4 == 3 || changes % 4 == 0);
    passes("it is what it was made", count(&card, t1, Signalling::FxsKs) == lines);
    card.assign(t1, 24, Use::Fxs).expect("closed");
    passes("a line is a port now", count(&card, t1, Signalling::FxoKs) == 1);
    passes("no channel is what its span cannot be", card.assign(t1, 25, Use::Fxo) == Err(CardError::NoSuchChannel));
    drop((line, port));

    // Taken away: as the card's removal does it, span by span.
    let mut line = opened(&mut card, t1, 2, Law::Mu);
    let ids: Vec<ChannelId> = card.channels().iter().map(|known| known.id).collect();
    let device = device(3);
    fs::write(device.join("unassign_span"), "1").expect("it goes");
    let mut octets = [0; BLOCK];
    passes("a channel that was taken away says so", event(&mut *line, Event::Removed));
    passes("and is gone", line.read(&mut octets) == Err(CardError::Gone));
    drop(line);
    std::thread::sleep(Duration::from_millis(600));
    let third = channel(&card, t1, 3);
    passes("it cannot be opened", card.open(third).is_err());
    passes("the others are there", card.open(channel(&card, e1, 2)).is_ok());
    fs::write(device.join("assign_span"), "1:9:200").expect("it comes back with other numbers");
    std::thread::sleep(Duration::from_millis(600));
    let back = card.open(third);
    passes("it comes back under its old number", back.is_ok());
    drop(back);
    let after: Vec<ChannelId> = card.channels().iter().map(|known| known.id).collect();
    passes("all channels have the numbers that they had", ids == after && card.refused().is_empty());
    passes("with the use that they were given last", count(&card, t1, Signalling::FxoKs) == 1);
    println!("{{\"ev\":\"done\",\"ok\":true}}");
}
