//! Proves that the media thread's three calls allocate nothing. Source: the rule for audio threads in the style guide.
//! The allocator counts per thread, so that the test's own frame does not disturb it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use tipring_card::{Block, Law};
use tipring_dsp::{KEYS, KeyTone, ZoneId, alaw_encode};
use tipring_switch::{Command, Event, FEED, PlayId, Port, PortIo, Switch, TapId, Tone};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to the system's allocator; the counter is a constant-initialised cell of the
// thread, which itself needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PORTS: u16 = 32;

/// Lines that press keys for ever.
struct Lines {
    keys: Vec<u8>,
    tick: usize,
    written: u64,
}

impl PortIo for Lines {
    fn read(&mut self, index: u16, into: &mut Block) -> bool {
        let from = (self.tick + usize::from(index)) * 80 % (self.keys.len() - 80);
        into.copy_from_slice(&self.keys[from..from + 80]);
        !(self.tick + usize::from(index)).is_multiple_of(211)
    }

    fn write(&mut self, _: u16, block: &Block) {
        self.written += u64::from(block[0]);
    }
}

fn port(index: u16, generation: u32) -> Port {
    Port { index, generation }
}

/// What is told to the switch before one tick: play, feed, record, re-wire, leave and come back.
fn commands(switch: &mut Switch, tick: u32, generations: &mut [u32]) {
    for index in 0..PORTS {
        let port = port(index, generations[usize::from(index)]);
        let turn = tick + u32::from(index) * 7;
        let (play, tap) = (PlayId(u64::from(turn / 200)), TapId(u64::from(turn / 150)));
        switch.command(Command::Feed { play, port, len: FEED as u8, data: [turn as u8; FEED] });
        match turn % 200 {
            0 => {
                switch.command(Command::Play { port, play });
                // Half of the playings begin with a ringback, so that it sounds until the stop.
                let zones = ZoneId::all().count() as u32;
                if let Some(zone) = ZoneId::all().nth((turn / 200 % (2 * zones)) as usize) {
                    switch.command(Command::Tone { play, port, tone: Tone::Ringback(zone) });
                }
            }
            20 => switch.command(Command::Tone { port, play, tone: Tone::Beep }),
            40 => switch.command(Command::Tone { port, play, tone: Tone::Key(b'5') }),
            150 => switch.command(Command::FeedEnd { port, play }),
            170 => switch.command(Command::Stop { port, play }),
            _ => {}
        }
        match turn % 150 {
            0 => switch.command(Command::Tap { port, tap, both: turn.is_multiple_of(2), quiet_ms: 300 }),
            140 => switch.command(Command::Untap { port, tap }),
            _ => {}
        }
        let other = Port { index: (turn * 13 % u32::from(PORTS)) as u16, generation: 0 };
        let other = Port { generation: generations[usize::from(other.index)], ..other };
        let wire = if turn.is_multiple_of(3) {
            Command::Disconnect { listener: port, talker: other }
        } else {
            Command::Connect { listener: port, talker: other }
        };
        switch.command(wire);
        if turn.is_multiple_of(911) {
            generations[usize::from(index)] += 1;
            let law = if turn.is_multiple_of(2) { Law::A } else { Law::Mu };
            switch.command(Command::Attach { port: Port { generation: port.generation + 1, ..port }, law });
        }
    }
}

#[test]
fn no_allocation_in_ten_thousand_ticks() {
    let mut keys = Vec::new();
    for key in KEYS {
        let mut samples = [0; 1280];
        KeyTone::new(key).expect("a key").fill(&mut samples);
        keys.extend(samples.iter().map(|s| alaw_encode(*s)));
    }
    let mut lines = Lines { keys, tick: 0, written: 0 };
    let mut switch = Switch::new(usize::from(PORTS));
    let mut generations = vec![1; usize::from(PORTS)];
    for index in 0..PORTS {
        switch.command(Command::Attach { port: port(index, 1), law: Law::A });
    }
    let (mut played, mut audio, mut pressed, mut ended, mut quiet) = (0, 0, 0, 0, 0);
    let before = COUNT.with(Cell::get);
    for tick in 0..10_000 {
        lines.tick = tick as usize;
        commands(&mut switch, tick, &mut generations);
        switch.tick(&mut lines);
        // Now and then nobody fetches events, so that the queue runs full.
        let fetched = tick % 500 > 100;
        while let Some(event) = fetched.then(|| switch.poll()).flatten() {
            match event {
                Event::Played { .. } => played += 1,
                Event::Audio { .. } => audio += 1,
                Event::Key { .. } => pressed += 1,
                Event::TapEnded { .. } => ended += 1,
                Event::Quiet { .. } => quiet += 1,
                _ => {}
            }
        }
    }
    let after = COUNT.with(Cell::get);
    assert_eq!(after - before, 0, "allocations in 10,000 ticks");
    println!("played {played}, audio {audio}, keys {pressed}, taps {ended}, quiet {quiet}, {:?}", switch.counters());
    assert!(played > 1000 && audio > 100_000 && pressed > 1000 && ended > 1000, "the ticks did work");
    // The counter counts.
    let before = COUNT.with(Cell::get);
    drop(std::hint::black_box(vec![1u8; 10]));
    assert_eq!(COUNT.with(Cell::get) - before, 2);
}
