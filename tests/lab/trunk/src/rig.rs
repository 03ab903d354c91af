//! One trunk of ours, its D channel, one bearer that sends back what it hears, and the peer as a child process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tipring_card::{BLOCK, Card, CardError, Channel, ChannelId, Law, Micros, PREFILL, Setup, SpanId};
use tipring_dahdi::{Config, DahdiCard};
use tipring_isdn::{Command, Event, Input, Output, Role, Trunk};

/// Our D channel and the peer's.
const D: ChannelId = ChannelId(16);
const PEER_D: &str = "47";
/// Two octets of FCS follow a frame that is read, two of room one that is written.
const FCS: usize = 2;

pub struct Rig {
    pub trunk: Trunk,
    pub voice: Option<Voice>,
    role: Role,
    card: DahdiCard,
    d: Box<dyn Channel>,
    begin: Instant,
    peer: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    events: Vec<Event>,
}

pub struct Voice {
    channel: Box<dyn Channel>,
    octets: u64,
    crossings: u64,
    negative: bool,
}

impl Rig {
    pub fn start(role: Role) -> Result<Rig, String> {
        let mut card =
            DahdiCard::open(Config { spans: vec![SpanId(1)], ..Config::default() }).map_err(|e| e.to_string())?;
        let mut d = card.open(D).map_err(|e| format!("D channel: {e}"))?;
        d.setup(Setup::Frames).map_err(|e| format!("D channel: {e}"))?;
        let (peer, lines) = spawn(role)?;
        let trunk = Trunk::new(tipring_isdn::Config::e1(role));
        let (said, events, voice) = (Vec::new(), Vec::new(), None);
        let mut rig = Rig { trunk, voice, role, card, d, begin: Instant::now(), peer, lines, said, events };
        rig.trunk.handle(Micros::ZERO, Input::LayerOneUp);
        Ok(rig)
    }

    /// Kills the peer and starts it anew.
    pub fn respawn(&mut self) -> Result<(), String> {
        self.stop_peer();
        self.said.clear();
        (self.peer, self.lines) = spawn(self.role)?;
        Ok(())
    }

    pub fn check(&mut self, name: &str, ok: bool) -> bool {
        println!("{{\"ev\":\"check\",\"role\":\"{:?}\",\"name\":\"{name}\",\"ok\":{ok}}}", self.role);
        if !ok {
            println!("{{\"ev\":\"trace\",\"said\":{:?},\"events\":{:?}}}", self.said, format!("{:?}", self.events));
        }
        ok
    }

    /// What was said and what happened so far is of no interest any more.
    pub fn forget(&mut self) {
        self.said.clear();
        self.events.clear();
    }

    pub fn command(&mut self, command: Command) {
        let now = self.now();
        self.trunk.handle(now, Input::Command(command));
        self.turn();
    }

    /// A command line for the peer.
    pub fn tell(&mut self, line: &str) {
        if let Some(input) = &mut self.peer.stdin {
            // A peer that is gone shows in what it does not say.
            let _ = writeln!(input, "{line}");
        }
    }

    /// Waits for an event of the trunk, and takes it.
    pub fn event(&mut self, limit_ms: u64, wanted: impl Fn(&Event) -> bool) -> Option<Event> {
        let end = Instant::now() + Duration::from_millis(limit_ms);
        loop {
            if let Some(at) = self.events.iter().position(&wanted) {
                return Some(self.events.remove(at));
            }
            if Instant::now() > end {
                return None;
            }
            self.turn();
        }
    }

    /// Waits for a line of the peer, and takes it.
    pub fn said(&mut self, limit_ms: u64, part: &str) -> Option<String> {
        let end = Instant::now() + Duration::from_millis(limit_ms);
        loop {
            if let Some(at) = self.said.iter().position(|line| line.contains(part)) {
                return Some(self.said.remove(at));
            }
            if Instant::now() > end {
                return None;
            }
            self.turn();
        }
    }

    pub fn run_for(&mut self, ms: u64) {
        let end = Instant::now() + Duration::from_millis(ms);
        while Instant::now() < end {
            self.turn();
        }
    }

    pub fn open_voice(&mut self, id: ChannelId) -> Result<(), CardError> {
        self.voice = None;
        let mut channel = self.card.open(id)?;
        channel.setup(Setup::Audio(Law::A))?;
        for _ in 0..PREFILL + 2 {
            channel.write(&[Law::A.silence(); BLOCK])?;
        }
        self.voice = Some(Voice { channel, octets: 0, crossings: 0, negative: false });
        Ok(())
    }

    pub fn listen_anew(&mut self) {
        if let Some(voice) = &mut self.voice {
            (voice.octets, voice.crossings) = (0, 0);
        }
    }

    /// The frequency of what came, by its crossings of zero.
    pub fn heard_hz(&self) -> f64 {
        self.voice.as_ref().map_or(0.0, |v| v.crossings as f64 / 2.0 * 8000.0 / (v.octets.max(1)) as f64)
    }

    fn now(&self) -> Micros {
        Micros(self.begin.elapsed().as_micros() as u64)
    }

    /// Everything that is due now, then two milliseconds of rest.
    fn turn(&mut self) {
        let mut frame = [0; 1024];
        for _ in 0..32 {
            match self.d.read(&mut frame) {
                Ok(n) if n > FCS => self.trunk.handle(self.now(), Input::Frame(&frame[..n - FCS])),
                Ok(_) => {}
                Err(CardError::EventPending) => drain(self.d.as_mut()),
                Err(_) => break,
            }
        }
        if self.trunk.deadline().is_some_and(|at| at <= self.now()) {
            self.trunk.handle(self.now(), Input::Timer);
        }
        while let Some(output) = self.trunk.poll() {
            match output {
                Output::Frame(octets) => {
                    let mut with_room = octets.to_vec();
                    with_room.extend([0; FCS]);
                    if self.d.write(&with_room) == Err(CardError::EventPending) {
                        drain(self.d.as_mut());
                        // A frame that is lost here is sent again by the link.
                        let _ = self.d.write(&with_room);
                    }
                }
                Output::Event(event) => self.events.push(event),
            }
        }
        self.said.extend(self.lines.try_iter());
        if let Some(voice) = &mut self.voice {
            voice.turn();
        }
        std::thread::sleep(Duration::from_millis(2));
    }

    fn stop_peer(&mut self) {
        // It may have ended by itself.
        let _ = self.peer.kill();
        let _ = self.peer.wait();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop_peer();
    }
}

impl Voice {
    fn turn(&mut self) {
        let mut block = [0; BLOCK];
        for _ in 0..16 {
            match self.channel.read(&mut block) {
                Ok(n) => {
                    for octet in &block[..n] {
                        // The sign of an octet of G.711.
                        let negative = octet & 0x80 == 0;
                        self.crossings += u64::from(negative != self.negative);
                        self.negative = negative;
                    }
                    self.octets += n as u64;
                    // A full queue loses a block: it shows as a wrong frequency.
                    let _ = self.channel.write(&block[..n]);
                }
                Err(CardError::EventPending) => drain(self.channel.as_mut()),
                Err(_) => break,
            }
        }
    }
}

/// The number behind `key` in a JSON line.
pub fn number(line: &str, key: &str) -> Option<f64> {
    let rest = &line[line.find(key)? + key.len()..];
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    rest[..end].trim().parse().ok()
}

fn drain(channel: &mut dyn Channel) {
    for _ in 0..64 {
        if !matches!(channel.event(), Ok(Some(_))) {
            break;
        }
    }
}

/// The peer in the other role.
fn spawn(ours: Role) -> Result<(Child, Receiver<String>), String> {
    let theirs = match ours {
        Role::User => "--net",
        Role::Network => "--cpe",
    };
    let mut peer = Process::new("pri-peer")
        .args(["--dchan", PEER_D, theirs, "--answer-after", "300", "--tone", "800", "--timeout", "200"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("pri-peer: {error}"))?;
    let output = peer.stdout.take().ok_or("pri-peer has no output")?;
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok((peer, lines))
}
