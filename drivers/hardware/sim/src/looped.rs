//! One analogue line: a loop between a port towards the exchange (near) and the exchange's port (far). Hook, ring,
//! battery, polarity and their times; no voltages, no impedance.
//!
//! What it does to its user, as DAHDI does: rings within 2 s of an opening or an on-hook are not told; the end of a ring
//! is told 50 ms after it; the exchange believes an on-hook after 1.25 s, a shorter one is a flash; a battery drop within
//! 600 ms of our off-hook is not told. The exchange sees a closed loop 50 ms late: that is the window of glare. The port
//! trips no ring: it goes on, and is told to an end that is off hook, until whoever drives the exchange and is told of
//! the closed loop stops it. A line that is cut is an alarm at the near end after a second. A reversal of polarity is
//! told 64 ms after it, hook on or off.
//!
//! Source: the timing defaults of DAHDI's kewlstart signalling; the polarity debounce of its FXO driver.

use tipring_card::{CardError, Event, Hook, Micros, Progress};

use crate::wire::Side;

/// The ringer sounds, then pauses, unless it was given another cadence; milliseconds.
const RING_CADENCE: &[u16] = &[2_000, 4_000];
/// No turn of a cadence is shorter: time has to move.
const SHORTEST_TURN: Micros = Micros::from_ms(10);
/// The end of a ring is told this much later.
const RING_TRAILER: Micros = Micros::from_ms(50);
/// Rings are not told for this long after opening and after on-hook.
const RING_DEAF: Micros = Micros::from_ms(2_000);
/// Battery drops are not told for this long after off-hook.
const DROP_BLIND: Micros = Micros::from_ms(600);
/// An on-hook shorter than this is a flash to the exchange.
const FLASH_WINDOW: Micros = Micros::from_ms(1_250);
/// The exchange sees a closed loop after this long.
const OFF_HOOK_SEEN: Micros = Micros::from_ms(50);
/// A line without battery is an alarm after this long.
const CUT_SEEN: Micros = Micros::from_ms(1_000);
/// A seizure takes this long, and settles this long.
const START: Micros = Micros::from_ms(1_500);
const AFTER_START: Micros = Micros::from_ms(500);
/// Our own flash.
const FLASH: Micros = Micros::from_ms(750);
/// The exchange drops the battery this long, then holds the port this long.
const DROP: Micros = Micros::from_ms(500);
const AFTER_DROP: Micros = Micros::from_ms(300);
/// A reversal is believed after this long.
const POLARITY_SETTLES: Micros = Micros::from_ms(64);
/// DAHDI's codes for the ringer of an exchange's port.
const RINGER_ON: Event = Event::RingerOn;
const RINGER_OFF: Event = Event::RingerOff;

/// What the near end does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Terminal {
    OnHook,
    Starting(Micros),
    OffHook,
    Flashing(Micros),
}

/// What the exchange's port does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Office {
    Idle,
    /// At this place of its cadence, sounding at the even ones.
    Ringing {
        place: usize,
        until: Micros,
    },
    Talking,
    Dropping(Micros),
    AfterDrop(Micros),
}

/// A line that carries nothing.
#[derive(Clone, Copy, Debug)]
struct Cut {
    until: Micros,
    /// When the near end is told; none: it was.
    told_at: Option<Micros>,
}

/// Most events that one call can give; both ends have one queue each.
const EVENTS: usize = 8;

/// The loop and what it has to tell. Inside, the telephone's end is near and the exchange's is far; where the wire has it
/// the other way round, sides are turned at the way in and out.
#[derive(Clone, Debug)]
pub struct Loop {
    turned: bool,
    near: Terminal,
    far: Office,
    cadence: &'static [u16],
    closed: bool,
    ring_deaf_until: Micros,
    drop_blind_until: Micros,
    ring_was_told: bool,
    ring_end_at: Option<Micros>,
    on_hook_at: Option<Micros>,
    /// When the exchange will have seen that the loop is closed.
    off_hook_at: Option<Micros>,
    /// The line is cut until then; whether the near end was told.
    cut: Option<Cut>,
    reversed: bool,
    /// The polarity that the near end was told last, and when it will have seen that it changed.
    seen_reversed: bool,
    polarity_at: Option<Micros>,
    told: Vec<(Side, Event)>,
}

impl Loop {
    /// A line at rest, whose exchange is on this side of the wire.
    pub fn new(exchange: Side) -> Self {
        Loop {
            turned: exchange == Side::Near,
            near: Terminal::OnHook,
            far: Office::Idle,
            cadence: RING_CADENCE,
            closed: false,
            ring_deaf_until: Micros::ZERO,
            drop_blind_until: Micros::ZERO,
            ring_was_told: false,
            ring_end_at: None,
            on_hook_at: None,
            off_hook_at: None,
            cut: None,
            reversed: false,
            seen_reversed: false,
            polarity_at: None,
            told: Vec::with_capacity(EVENTS),
        }
    }

    /// What there is to tell, oldest first.
    pub fn told(&mut self) -> impl Iterator<Item = (Side, Event)> + '_ {
        let turned = self.turned;
        self.told.drain(..).map(move |(side, event)| (if turned { side.other() } else { side }, event))
    }

    /// The side of the wire on which the exchange is.
    pub fn exchange(&self) -> Side {
        self.inside(Side::Far)
    }

    /// A side of the wire, as it is called in here, and the other way round.
    fn inside(&self, side: Side) -> Side {
        if self.turned { side.other() } else { side }
    }

    /// Somebody opened an end.
    pub fn opened(&mut self, side: Side, now: Micros) {
        if self.inside(side) == Side::Near {
            self.ring_deaf_until = now + RING_DEAF;
        }
    }

    /// An end was closed: it goes on hook.
    pub fn closed(&mut self, side: Side, now: Micros) {
        let _ = self.hook(side, Hook::OnHook, now);
    }

    /// Whether an end sees a telephone off hook. None: it is no port for one.
    pub fn lifted(&self, side: Side) -> Option<bool> {
        (self.inside(side) == Side::Far).then_some(self.closed && self.off_hook_at.is_none())
    }

    /// Whether speech goes from `side` to the other end.
    pub fn carries_from(&self, side: Side) -> bool {
        let feeds = !self.is_dropped() && self.cut.is_none();
        match self.inside(side) {
            Side::Near => self.closed && feeds,
            Side::Far => !self.ringer_sounds() && feeds,
        }
    }

    /// The exchange's ringer has this cadence from its next ring on: on and off in turn, in milliseconds. One that
    /// makes no sense is the usual one.
    pub fn ring_cadence(&mut self, cadence: &'static [u16]) {
        let has_sense = cadence.len() >= 2 && cadence.len().is_multiple_of(2);
        self.cadence = if has_sense { cadence } else { RING_CADENCE };
    }

    /// The exchange turns the polarity round, or back. What is turned back before it was seen is not seen.
    pub fn reverse(&mut self, reversed: bool, now: Micros) {
        if self.reversed != reversed {
            self.reversed = reversed;
            self.polarity_at = (reversed != self.seen_reversed).then(|| now + POLARITY_SETTLES);
        }
    }

    /// The line is cut for a while: no battery, no ring, no sound. Cut again, it lasts longer.
    pub fn cut(&mut self, now: Micros, lasts: Micros) {
        let until = now + lasts;
        if let Some(cut) = &mut self.cut {
            cut.until = cut.until.max(until);
            return;
        }
        self.cut = Some(Cut { until, told_at: Some(now + CUT_SEEN) });
        if core::mem::take(&mut self.ring_was_told) {
            self.ring_end_at = Some(now + RING_TRAILER);
        }
        if self.closed {
            self.open_loop(now);
            self.battery_is_gone(now);
        }
    }

    fn run_cut(&mut self, now: Micros) {
        let Some(cut) = &mut self.cut else { return };
        if cut.told_at.is_some_and(|at| at <= now.min(cut.until)) {
            cut.told_at = None;
            self.told.push((Side::Near, Event::Alarm));
        }
        if cut.until <= now {
            if cut.told_at.is_none() {
                self.told.push((Side::Near, Event::AlarmCleared));
            }
            self.cut = None;
            if matches!(self.near, Terminal::OffHook | Terminal::Starting(_)) {
                self.close_loop(now);
            }
        }
    }

    /// An end moves its hook.
    pub fn hook(&mut self, side: Side, hook: Hook, now: Micros) -> Result<Progress, CardError> {
        match self.inside(side) {
            Side::Near => self.near_hook(hook, now),
            Side::Far => self.far_hook(hook, now),
        }
    }

    fn near_hook(&mut self, hook: Hook, now: Micros) -> Result<Progress, CardError> {
        match (hook, self.near) {
            (Hook::OnHook, _) => {
                self.near = Terminal::OnHook;
                self.ring_deaf_until = now + RING_DEAF;
                self.open_loop(now);
                Ok(Progress::Done)
            }
            (Hook::OffHook, Terminal::OffHook) => Ok(Progress::Done),
            (Hook::OffHook, _) => {
                self.near = Terminal::OffHook;
                self.drop_blind_until = now + DROP_BLIND;
                self.close_loop(now);
                Ok(Progress::Done)
            }
            (Hook::Start, Terminal::OnHook) => {
                self.near = Terminal::Starting(now + START + AFTER_START);
                self.drop_blind_until = now + START + AFTER_START;
                self.close_loop(now);
                Ok(Progress::Pending)
            }
            (Hook::Flash, Terminal::OffHook) => {
                self.near = Terminal::Flashing(now + FLASH);
                self.open_loop(now);
                Ok(Progress::Pending)
            }
            (Hook::Start | Hook::Flash, _) => Err(CardError::Busy),
            (Hook::Ring | Hook::RingOff, _) => Err(CardError::Invalid),
        }
    }

    fn far_hook(&mut self, hook: Hook, now: Micros) -> Result<Progress, CardError> {
        match (hook, self.far) {
            (Hook::Ring, Office::Idle) if self.closed && self.off_hook_at.is_none() => {
                // The loop is closed, and seen to be: the ring is tripped before it sounds.
                self.far = Office::Talking;
                self.told.push((Side::Far, Event::HookComplete));
                Ok(Progress::Pending)
            }
            (Hook::Ring, Office::Idle) => {
                self.ringer_on(0, now);
                self.told.push((Side::Far, Event::HookComplete));
                Ok(Progress::Pending)
            }
            (Hook::RingOff, _) => {
                self.ringer_off(now);
                Ok(Progress::Done)
            }
            (Hook::OffHook, Office::Dropping(_) | Office::AfterDrop(_)) => Err(CardError::Busy),
            (Hook::OffHook, _) => {
                self.ringer_off(now);
                self.far = Office::Talking;
                Ok(Progress::Done)
            }
            (Hook::OnHook, Office::Dropping(_) | Office::AfterDrop(_)) => Ok(Progress::Done),
            (Hook::OnHook, _) => {
                self.ringer_off(now);
                if self.closed || self.far == Office::Talking {
                    self.drop_battery(now);
                }
                Ok(Progress::Done)
            }
            (Hook::Ring | Hook::Start | Hook::Flash, _) => Err(CardError::Busy),
        }
    }

    /// Lets time pass up to `now`.
    pub fn run(&mut self, now: Micros) {
        if self.ring_end_at.is_some_and(|at| at <= now) {
            self.ring_end_at = None;
            self.told.push((Side::Near, Event::RingOffHook));
        }
        if self.on_hook_at.is_some_and(|at| at <= now) {
            self.on_hook_at = None;
            self.told.push((Side::Far, Event::OnHook));
        }
        self.run_cut(now);
        if self.off_hook_at.is_some_and(|at| at <= now) {
            self.off_hook_at = None;
            self.told.push((Side::Far, Event::RingOffHook));
        }
        if self.polarity_at.is_some_and(|at| at <= now) {
            self.polarity_at = None;
            self.seen_reversed = self.reversed;
            self.told.push((Side::Near, Event::Polarity));
        }
        match self.near {
            Terminal::Starting(until) if until <= now => {
                self.near = Terminal::OffHook;
                self.told.push((Side::Near, Event::HookComplete));
            }
            Terminal::Flashing(until) if until <= now => {
                self.near = Terminal::OffHook;
                self.drop_blind_until = now + DROP_BLIND;
                self.close_loop(now);
                self.told.push((Side::Near, Event::HookComplete));
            }
            _ => {}
        }
        match self.far {
            Office::Ringing { place, until } if until <= now => {
                let next = (place + 1) % self.cadence.len();
                if self.ringer_sounds() {
                    self.burst_ends(until);
                    self.far = Office::Ringing { place: next, until: until + self.turn(next) };
                } else {
                    self.ringer_on(next, until);
                }
            }
            Office::Dropping(until) if until <= now => self.far = Office::AfterDrop(until + AFTER_DROP),
            Office::AfterDrop(until) if until <= now => self.far = Office::Idle,
            _ => {}
        }
    }

    /// Whether nothing will happen by itself.
    pub fn is_at_rest(&self) -> bool {
        self.ring_end_at.is_none()
            && self.on_hook_at.is_none()
            && self.off_hook_at.is_none()
            && self.cut.is_none()
            && self.polarity_at.is_none()
            && matches!(self.near, Terminal::OnHook | Terminal::OffHook)
            && matches!(self.far, Office::Idle | Office::Talking)
    }

    fn is_dropped(&self) -> bool {
        matches!(self.far, Office::Dropping(_))
    }

    fn close_loop(&mut self, now: Micros) {
        if self.closed || self.cut.is_some() {
            return;
        }
        self.closed = true;
        if self.on_hook_at.take().is_some() {
            self.told.push((Side::Far, Event::WinkFlash));
        } else {
            self.off_hook_at = Some(now + OFF_HOOK_SEEN);
        }
    }

    fn open_loop(&mut self, now: Micros) {
        if self.closed {
            self.closed = false;
            // What was not seen to be closed is not seen to be opened.
            if self.off_hook_at.take().is_none() {
                self.on_hook_at = Some(now + FLASH_WINDOW);
            }
        }
    }

    fn ringer_sounds(&self) -> bool {
        matches!(self.far, Office::Ringing { place, .. } if place.is_multiple_of(2))
    }

    fn turn(&self, place: usize) -> Micros {
        let ms = self.cadence.get(place).copied().unwrap_or_default();
        Micros::from_ms(u64::from(ms)).max(SHORTEST_TURN)
    }

    fn ringer_on(&mut self, place: usize, now: Micros) {
        self.far = Office::Ringing { place, until: now + self.turn(place) };
        self.told.push((Side::Far, RINGER_ON));
        if self.cut.is_none() && now >= self.ring_deaf_until {
            self.ring_was_told = true;
            self.told.push((Side::Near, Event::RingBegin));
        }
    }

    fn burst_ends(&mut self, now: Micros) {
        self.told.push((Side::Far, RINGER_OFF));
        if core::mem::take(&mut self.ring_was_told) {
            self.ring_end_at = Some(now + RING_TRAILER);
        }
    }

    fn ringer_off(&mut self, now: Micros) {
        if let Office::Ringing { .. } = self.far {
            if self.ringer_sounds() {
                self.burst_ends(now);
            }
            self.far = Office::Idle;
        }
    }

    fn drop_battery(&mut self, now: Micros) {
        self.far = Office::Dropping(now + DROP);
        if self.closed {
            self.battery_is_gone(now);
        }
    }

    fn battery_is_gone(&mut self, now: Micros) {
        if now >= self.drop_blind_until {
            self.told.push((Side::Near, Event::OnHook));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Micros {
        Micros::from_ms(ms)
    }

    fn run(line: &mut Loop, from: u64, to: u64) -> Vec<(u64, Side, Event)> {
        let mut all = Vec::new();
        for t in from..=to {
            line.run(ms(t));
            all.extend(line.told().map(|(side, event)| (t, side, event)));
        }
        all
    }

    #[test]
    fn a_ring_has_its_cadence_and_its_trailer() {
        let mut line = Loop::new(Side::Far);
        line.hook(Side::Far, Hook::Ring, ms(3_000)).unwrap();
        let near: Vec<_> = run(&mut line, 3_000, 9_500).into_iter().filter(|e| e.1 == Side::Near).collect();
        let expected = [(3_000, Event::RingBegin), (5_050, Event::RingOffHook), (9_000, Event::RingBegin)];
        assert_eq!(near.iter().map(|e| (e.0, e.2)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_double_ring_has_two_bursts_and_nonsense_the_usual_one() {
        let begins = |cadence: &'static [u16]| {
            let mut line = Loop::new(Side::Far);
            line.ring_cadence(cadence);
            line.hook(Side::Far, Hook::Ring, ms(3_000)).unwrap();
            let begins = run(&mut line, 3_000, 9_999).into_iter().filter(|e| e.2 == Event::RingBegin);
            begins.map(|e| e.0).collect::<Vec<_>>()
        };
        assert_eq!(begins(&[400, 200, 400, 2_000]), [3_000, 3_600, 6_000, 6_600, 9_000, 9_600]);
        assert_eq!(begins(&[]), [3_000, 9_000]);
        assert_eq!(begins(&[100]), [3_000, 9_000]);
        assert!(begins(&[0, 0]).len() > 100, "time moves");
    }

    #[test]
    fn a_reversal_is_told_when_it_has_settled() {
        let mut line = Loop::new(Side::Far);
        line.reverse(true, ms(1_000));
        assert!(!line.is_at_rest());
        assert_eq!(run(&mut line, 1_000, 2_000), [(1_064, Side::Near, Event::Polarity)]);
        line.reverse(false, ms(2_000));
        line.reverse(true, ms(2_030));
        assert!(line.is_at_rest());
        assert_eq!(run(&mut line, 2_000, 3_000), [], "too short to be seen");
        line.reverse(false, ms(3_000));
        assert_eq!(run(&mut line, 3_000, 4_000), [(3_064, Side::Near, Event::Polarity)]);
    }

    #[test]
    fn a_ring_on_a_closed_loop_is_tripped_at_once() {
        let mut line = Loop::new(Side::Far);
        line.hook(Side::Near, Hook::Start, ms(0)).unwrap();
        assert_eq!(run(&mut line, 0, 100), [(50, Side::Far, Event::RingOffHook)]);
        line.hook(Side::Far, Hook::Ring, ms(110)).unwrap();
        let told = run(&mut line, 110, 3_000);
        assert!(!told.iter().any(|e| e.2 == Event::RingBegin || e.2 == RINGER_ON), "{told:?}");
        assert!(line.carries_from(Side::Far) && line.is_at_rest());
    }

    #[test]
    fn a_ring_that_meets_a_seizure_is_told_and_rings_on() {
        for gives_way in [false, true] {
            let mut line = Loop::new(Side::Far);
            line.hook(Side::Near, Hook::Start, ms(3_000)).unwrap();
            line.hook(Side::Far, Hook::Ring, ms(3_010)).unwrap();
            let mut told = run(&mut line, 3_010, 3_020);
            assert!(told.contains(&(3_010, Side::Near, Event::RingBegin)), "{told:?}");
            if gives_way {
                line.hook(Side::Near, Hook::OnHook, ms(3_020)).unwrap();
            }
            told = run(&mut line, 3_021, 12_000);
            assert_eq!(told.contains(&(3_050, Side::Far, Event::RingOffHook)), !gives_way, "{told:?}");
            assert!(told.contains(&(9_010, Side::Near, Event::RingBegin)), "{told:?}");
            assert!(!told.contains(&(4_270, Side::Far, Event::OnHook)), "never seen off hook: {told:?}");
        }
    }

    #[test]
    fn a_cut_line_is_a_lost_battery_then_an_alarm_and_heals() {
        let mut line = Loop::new(Side::Far);
        line.hook(Side::Near, Hook::OffHook, ms(0)).unwrap();
        run(&mut line, 0, 1_000);
        line.cut(ms(1_000), ms(3_000));
        assert!(!line.carries_from(Side::Near) && !line.carries_from(Side::Far));
        let told = run(&mut line, 1_000, 6_000);
        let expected = [
            (1_000, Side::Near, Event::OnHook),
            (2_000, Side::Near, Event::Alarm),
            (2_250, Side::Far, Event::OnHook),
            (4_000, Side::Near, Event::AlarmCleared),
            (4_050, Side::Far, Event::RingOffHook),
        ];
        assert_eq!(told, expected);
        assert!(line.carries_from(Side::Near) && line.is_at_rest());
        // Short, and on hook: nobody is told.
        line.hook(Side::Near, Hook::OnHook, ms(6_000)).unwrap();
        run(&mut line, 6_000, 9_000);
        line.cut(ms(9_000), ms(500));
        line.hook(Side::Far, Hook::Ring, ms(9_100)).unwrap();
        let told = run(&mut line, 9_100, 12_000);
        assert!(told.iter().all(|(_, side, _)| *side == Side::Far), "{told:?}");
    }

    #[test]
    fn a_ring_goes_on_until_the_exchange_answers_too() {
        let mut line = Loop::new(Side::Far);
        line.hook(Side::Far, Hook::Ring, ms(3_000)).unwrap();
        run(&mut line, 3_000, 3_500);
        line.hook(Side::Near, Hook::OffHook, ms(3_500)).unwrap();
        let told = run(&mut line, 3_500, 9_500);
        let wanted = [
            (3_550, Side::Far, Event::RingOffHook),
            (5_000, Side::Far, RINGER_OFF),
            (5_050, Side::Near, Event::RingOffHook),
            (9_000, Side::Far, RINGER_ON),
            (9_000, Side::Near, Event::RingBegin),
        ];
        assert_eq!(told, wanted);
        line.hook(Side::Far, Hook::OffHook, ms(9_500)).unwrap();
        let told = run(&mut line, 9_500, 20_000);
        assert_eq!(told, [(9_500, Side::Far, RINGER_OFF), (9_550, Side::Near, Event::RingOffHook)]);
        assert!(line.is_at_rest());
    }

    #[test]
    fn a_short_on_hook_is_a_flash_and_a_long_one_a_clearing() {
        let mut line = Loop::new(Side::Far);
        line.hook(Side::Near, Hook::OffHook, ms(0)).unwrap();
        assert_eq!(run(&mut line, 0, 1_000), [(50, Side::Far, Event::RingOffHook)]);
        assert_eq!(line.hook(Side::Near, Hook::Flash, ms(1_000)), Ok(Progress::Pending));
        let told = run(&mut line, 1_000, 3_000);
        assert!(told.contains(&(1_750, Side::Far, Event::WinkFlash)));
        assert!(told.contains(&(1_750, Side::Near, Event::HookComplete)));
        line.hook(Side::Near, Hook::OnHook, ms(3_000)).unwrap();
        assert_eq!(run(&mut line, 3_000, 6_000), [(4_250, Side::Far, Event::OnHook)]);
    }

    #[test]
    fn a_port_that_drops_is_busy_and_the_terminal_cannot_ring() {
        let mut line = Loop::new(Side::Far);
        assert_eq!(line.hook(Side::Near, Hook::Ring, ms(0)), Err(CardError::Invalid));
        line.hook(Side::Near, Hook::OffHook, ms(0)).unwrap();
        line.hook(Side::Far, Hook::OffHook, ms(10)).unwrap();
        line.hook(Side::Far, Hook::OnHook, ms(700)).unwrap();
        assert!(run(&mut line, 700, 710).contains(&(700, Side::Near, Event::OnHook)));
        assert_eq!(line.hook(Side::Far, Hook::OffHook, ms(720)), Err(CardError::Busy));
        assert!(!line.carries_from(Side::Far));
        run(&mut line, 720, 1_600);
        assert_eq!(line.hook(Side::Far, Hook::OffHook, ms(1_600)), Ok(Progress::Done));
    }
}
