//! The thread: opens the port, reads it with a limit, runs the host's machine, opens it again when it goes. It waits for
//! nothing but the port, and nobody waits for it: what it is to do lies on the [`Desk`], what it has to tell goes into a
//! bounded channel, and what does not fit there is counted.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tipring_controller::Millis;
use tipring_controller::host::{Config, Event, Host, Input, Output};

use crate::desk::{Desk, Wanted};
use crate::port::{Port, PortError};

/// A port that is not there is looked for this often.
const REOPEN: Duration = Duration::from_millis(500);
/// So often the desk and the beat are looked at; nothing of theirs waits longer.
const TURN: Duration = Duration::from_millis(20);
/// A port on which nobody was heard for so long is opened anew: a bridge may have lost its place.
const MUTE: Duration = Duration::from_secs(10);
/// Events that wait for the service.
const EVENTS: usize = 256;
/// Octets that are read at once.
const PIECE: usize = 256;
/// Turns of the machine's timer at one moment.
const TIMERS: usize = 8;

/// How a board controller is to be used.
pub struct Setup {
    /// Its port: a path that says which one it is, as below `/dev/serial/by-id`.
    pub path: PathBuf,
    /// Bits a second on its line, [`crate::BAUD`] where nobody says otherwise.
    pub baud: u32,
    /// How the machine is to be.
    pub config: Config,
    /// The audio path's beat, whenever it is asked for.
    pub beat: Box<dyn Fn() -> u64 + Send>,
}

/// A running thread. Dropping it ends it; the relays let go when their food is eaten.
pub struct Serial {
    desk: Arc<Desk>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Serial {
    /// Starts the thread. It is no error if there is no port yet.
    pub fn start(setup: Setup) -> std::io::Result<(Serial, Receiver<Event>)> {
        let (events, told) = sync_channel(EVENTS);
        let (desk, stop) = (Arc::new(Desk::default()), Arc::new(AtomicBool::new(false)));
        let runner = Runner {
            path: setup.path,
            baud: setup.baud,
            beat: setup.beat,
            host: Host::new(setup.config),
            wanted: Wanted::default(),
            epoch: Instant::now(),
            heard_at: Instant::now(),
            desk: desk.clone(),
            events,
        };
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("board".into()).spawn(move || runner.run(&stopped))?;
        Ok((Serial { desk, stop, thread: Some(thread) }, told))
    }

    /// Where to say what is wanted, and to see how it is.
    pub fn desk(&self) -> Arc<Desk> {
        self.desk.clone()
    }
}

impl Drop for Serial {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It ends within a turn, or within the time of a write.
            let _ = thread.join();
        }
    }
}

struct Runner {
    path: PathBuf,
    baud: u32,
    beat: Box<dyn Fn() -> u64 + Send>,
    host: Host,
    /// What the machine was told so far.
    wanted: Wanted,
    epoch: Instant,
    heard_at: Instant,
    desk: Arc<Desk>,
    events: SyncSender<Event>,
}

impl Runner {
    fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Relaxed) {
            let ended = Port::open(&self.path, self.baud).and_then(|port| self.serve(port, stop));
            self.tell(Input::Closed, None);
            if let Err(error) = ended {
                self.show(Some(error.to_string()), Millis(0));
                std::thread::park_timeout(REOPEN);
            }
        }
    }

    /// Runs the machine on a port, until it goes or is mute.
    fn serve(&mut self, mut port: Port, stop: &AtomicBool) -> Result<(), PortError> {
        self.heard_at = Instant::now();
        self.desk.show(|shown| shown.opened += 1);
        self.say(Input::Opened, &mut port)?;
        let mut piece = [0; PIECE];
        let mut turned_at = self.now();
        while !stop.load(Relaxed) {
            let beat = (self.beat)();
            self.say(Input::Beat(beat), &mut port)?;
            self.look_at_desk(&mut port)?;
            self.run_timers(&mut port)?;
            self.show(None, self.now().since(turned_at));
            turned_at = self.now();
            let count = port.read(&mut piece, self.patience())?;
            if count > 0 {
                self.heard_at = Instant::now();
                self.say(Input::Octets(&piece[..count]), &mut port)?;
            } else if self.heard_at.elapsed() > MUTE {
                return Ok(());
            }
        }
        Ok(())
    }

    /// How long the port may be waited for.
    fn patience(&self) -> Duration {
        let until = self.host.deadline().map(|at| Duration::from_millis(at.since(self.now()).0));
        // Zero would have it spin where a deadline lies within the present millisecond.
        until.map_or(TURN, |until| until.clamp(Duration::from_millis(1), TURN))
    }

    fn run_timers(&mut self, port: &mut Port) -> Result<(), PortError> {
        for _ in 0..TIMERS {
            if self.host.deadline().is_none_or(|at| at > self.now()) {
                break;
            }
            self.say(Input::Timer, port)?;
        }
        Ok(())
    }

    /// What has changed on the desk. The machine is told all of it, whatever becomes of the port.
    fn look_at_desk(&mut self, port: &mut Port) -> Result<(), PortError> {
        let wanted = self.desk.wanted();
        let before = std::mem::replace(&mut self.wanted, wanted);
        let leds = (0..).zip(wanted.looks.into_iter().zip(before.looks)).filter(|(_, (look, was))| look != was);
        let relays = (0..).zip(wanted.energised.into_iter().zip(before.energised)).filter(|(_, (is, was))| is != was);
        let changes = leds
            .map(|(led, (look, _))| Input::Led { led, look })
            .chain(relays.map(|(relay, (energised, _))| Input::Relay { relay, energised }))
            .chain((wanted.calls != before.calls).then_some(Input::Calls(wanted.calls)))
            .chain(wanted.today.filter(|_| wanted.today != before.today).map(Input::Today))
            .chain((wanted.tests != before.tests).then_some(Input::TestNow));
        let mut failed = None;
        for change in changes {
            let error = self.tell(change, Some(port));
            failed = failed.or(error);
        }
        failed.map_or(Ok(()), Err)
    }

    fn say(&mut self, input: Input<'_>, port: &mut Port) -> Result<(), PortError> {
        self.tell(input, Some(port)).map_or(Ok(()), Err)
    }

    /// Something for the machine; what it wants sent goes to the port, what it tells to the service.
    fn tell(&mut self, input: Input<'_>, mut port: Option<&mut Port>) -> Option<PortError> {
        self.host.handle(self.now(), input);
        let mut failed = None;
        while let Some(output) = self.host.poll() {
            match (output, port.as_deref_mut()) {
                (Output::Send(wire), Some(port)) if failed.is_none() => failed = port.write(&wire).err(),
                (Output::Send(_), _) => {}
                (Output::Event(event), _) => self.event(event),
            }
        }
        failed
    }

    fn event(&mut self, event: Event) {
        if let Event::SelfTest(report) = event {
            self.desk.show(|shown| shown.tested = Some(report));
        }
        if let Err(TrySendError::Full(_)) = self.events.try_send(event) {
            self.desk.show(|shown| shown.events_lost += 1);
        }
    }

    fn show(&self, fault: Option<String>, turn: Millis) {
        let (link, chip, counters) = (self.host.link(), self.host.chip(), self.host.counters());
        self.desk.show(|shown| {
            (shown.link, shown.chip, shown.counters, shown.fault) = (link, chip, counters, fault);
            shown.longest_turn_ms = shown.longest_turn_ms.max(turn.0);
        });
    }

    fn now(&self) -> Millis {
        Millis(u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}
