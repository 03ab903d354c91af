//! A switch with lines on it: what each line says is given, what it hears is kept.

use tipring_card::{BLOCK, Block, Law};
use tipring_dsp::{Tone, alaw_encode, ulaw_encode};
use tipring_switch::{Command, Event, FEED, PlayId, Port, PortIo, Switch, TapId};

pub struct Line {
    pub law: Law,
    pub says: Vec<u8>,
    pub heard: Vec<u8>,
    pub late: bool,
}

pub struct Lines(pub Vec<Line>);

impl PortIo for Lines {
    fn read(&mut self, index: u16, into: &mut Block) -> bool {
        let line = &mut self.0[usize::from(index)];
        if line.late {
            // What a careless driver leaves behind must not be heard.
            into.fill(0x12);
            return false;
        }
        let count = line.says.len().min(BLOCK);
        into.fill(line.law.silence());
        into[..count].copy_from_slice(&line.says[..count]);
        line.says.drain(..count);
        true
    }

    fn write(&mut self, index: u16, block: &Block) {
        self.0[usize::from(index)].heard.extend(block);
    }
}

pub struct World {
    pub switch: Switch,
    pub lines: Lines,
    pub events: Vec<Event>,
}

pub fn port(index: u16) -> Port {
    Port { index, generation: 1 }
}

impl World {
    /// A switch with these lines attached.
    pub fn new(laws: &[Law]) -> World {
        let mut switch = Switch::new(laws.len());
        let mut lines = Vec::new();
        for (index, law) in laws.iter().enumerate() {
            switch.command(Command::Attach { port: port(index as u16), law: *law });
            lines.push(Line { law: *law, says: Vec::new(), heard: Vec::new(), late: false });
        }
        World { switch, lines: Lines(lines), events: Vec::new() }
    }

    pub fn tell(&mut self, command: Command) {
        self.switch.command(command);
    }

    pub fn ticks(&mut self, count: usize) {
        for _ in 0..count {
            self.switch.tick(&mut self.lines);
            self.drain();
        }
    }

    pub fn drain(&mut self) {
        while let Some(event) = self.switch.poll() {
            self.events.push(event);
        }
    }

    pub fn says(&mut self, index: u16, octets: &[u8]) {
        self.lines.0[usize::from(index)].says.extend(octets);
    }

    pub fn heard(&mut self, index: u16) -> Vec<u8> {
        std::mem::take(&mut self.lines.0[usize::from(index)].heard)
    }

    pub fn play(&mut self, index: u16, play: u64) {
        self.tell(Command::Play { port: port(index), play: PlayId(play) });
    }

    pub fn feed(&mut self, index: u16, play: u64, octets: &[u8]) {
        for piece in octets.chunks(FEED) {
            let mut data = [0; FEED];
            data[..piece.len()].copy_from_slice(piece);
            self.tell(Command::Feed { play: PlayId(play), port: port(index), len: piece.len() as u8, data });
        }
    }

    pub fn feed_end(&mut self, index: u16, play: u64) {
        self.tell(Command::FeedEnd { play: PlayId(play), port: port(index) });
    }

    pub fn tap(&mut self, index: u16, tap: u64, both: bool, quiet_ms: u32) {
        self.tell(Command::Tap { port: port(index), tap: TapId(tap), both, quiet_ms });
    }

    pub fn connect(&mut self, listener: u16, talker: u16) {
        self.tell(Command::Connect { listener: port(listener), talker: port(talker) });
    }

    pub fn disconnect(&mut self, listener: u16, talker: u16) {
        self.tell(Command::Disconnect { listener: port(listener), talker: port(talker) });
    }

    /// Events without the offers of room and the audio.
    pub fn story(&mut self) -> Vec<Event> {
        let events = std::mem::take(&mut self.events);
        events.into_iter().filter(|e| !matches!(e, Event::Room { .. } | Event::Audio { .. })).collect()
    }

    pub fn audio(&self) -> Vec<u8> {
        let of = |event: &Event| {
            if let Event::Audio { data, .. } = event { data.to_vec() } else { Vec::new() }
        };
        self.events.iter().flat_map(of).collect()
    }
}

/// Octets that follow no pattern of blocks.
pub fn octets(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

pub fn encoded(law: Law, samples: &[i16]) -> Vec<u8> {
    let encode = if law == Law::A { alaw_encode } else { ulaw_encode };
    samples.iter().map(|s| encode(*s)).collect()
}

pub fn decoded(law: Law, octets: &[u8]) -> Vec<i16> {
    let decode = if law == Law::A { tipring_dsp::alaw_decode } else { tipring_dsp::ulaw_decode };
    octets.iter().map(|o| decode(*o)).collect()
}

/// A tone in a law.
pub fn tone(law: Law, hz: f32, dbm0: f32, count: usize) -> Vec<u8> {
    let mut samples = vec![0; count];
    Tone::new(hz, dbm0).fill(&mut samples);
    encoded(law, &samples)
}
