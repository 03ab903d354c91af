//! Frames that the data link receives: one function a kind, one arm a state. Times and the life of the link are
//! `layer`'s, the window is `window`'s.
//!
//! Source: Q.921 §5.5–§5.8, SDL diagrams of annex B; error letters of appendix II.

use tipring_card::Micros;

use super::codec::{self, Address, Frame, FrameError, Supervisory, Unnumbered};
use super::layer::{Link, State, bump};
use super::window::MODULUS;

impl Link {
    pub(super) fn frame(&mut self, now: Micros, octets: &[u8]) {
        if self.state == State::Off {
            bump(&mut self.counters.ignored_frames);
            return;
        }
        let (address, frame) = match codec::decode(octets) {
            Ok(read) => read,
            Err(error) => return self.no_frame(now, error),
        };
        if !self.is_for_us(address) {
            return;
        }
        let command = address.is_command_for(self.role);
        match frame {
            Frame::Unnumbered { kind, pf } => self.unnumbered(now, kind, pf, command),
            Frame::Supervisory { kind, nr, pf } => self.supervisory(now, kind, nr, pf, command),
            Frame::Information { ns, nr, poll, info } if command => {
                self.information(now, ns, nr, poll, info);
            }
            Frame::Information { .. } => self.looks_like_ours(),
        }
    }

    fn is_for_us(&mut self, address: Address) -> bool {
        let ours = address.sapi == 0 && address.tei == 0;
        if !ours {
            bump(&mut self.counters.foreign_frames);
        }
        ours
    }

    fn no_frame(&mut self, now: Micros, error: FrameError) {
        match error {
            FrameError::Short | FrameError::Address => bump(&mut self.counters.invalid_frames),
            FrameError::Control(address) | FrameError::Length(address) | FrameError::Long(address) => {
                if self.is_for_us(address) {
                    bump(&mut self.counters.rejected_frames);
                    self.reset(now); // §5.8.5: a frame rejection condition
                }
            }
        }
    }

    /// A frame that exists as a command only came as a response: our own, looped back, or the far end has our role.
    fn looks_like_ours(&mut self) {
        bump(&mut self.counters.same_role_frames);
        self.same_role_seen = true;
    }

    fn unnumbered(&mut self, now: Micros, kind: Unnumbered, pf: bool, command: bool) {
        match (kind, command) {
            (Unnumbered::Sabme | Unnumbered::Disc, false) | (Unnumbered::Ua | Unnumbered::Dm, true) => {
                self.looks_like_ours();
            }
            (Unnumbered::Sabme, true) => self.sabme(now, pf),
            (Unnumbered::Disc, true) => self.disc(now, pf),
            (Unnumbered::Ua, false) => self.ua(now, pf),
            (Unnumbered::Dm, false) => self.dm(now, pf),
            (Unnumbered::Frmr, _) => {
                bump(&mut self.counters.unexpected_frames); // error K
                self.reset(now);
            }
            (Unnumbered::Ui | Unnumbered::Xid, _) => bump(&mut self.counters.ignored_frames),
        }
    }

    fn sabme(&mut self, now: Micros, pf: bool) {
        match self.state {
            State::Off => {}
            State::AwaitingEstablishment { .. } => self.response(Unnumbered::Ua, pf),
            State::TeiAssigned { .. } => {
                self.response(Unnumbered::Ua, pf);
                self.come_up(now, false);
            }
            State::Established | State::TimerRecovery => {
                self.response(Unnumbered::Ua, pf);
                self.come_up(now, true); // error F
            }
        }
    }

    fn disc(&mut self, now: Micros, pf: bool) {
        match self.state {
            State::Off => {}
            State::TeiAssigned { .. } | State::AwaitingEstablishment { .. } => {
                self.response(Unnumbered::Dm, pf);
            }
            State::Established | State::TimerRecovery => {
                self.response(Unnumbered::Ua, pf);
                self.lose(State::TeiAssigned { again: now + self.timers.establish_again });
            }
        }
    }

    fn ua(&mut self, now: Micros, pf: bool) {
        match self.state {
            State::AwaitingEstablishment { was_up } if pf => self.come_up(now, was_up),
            _ => bump(&mut self.counters.unexpected_frames), // errors C, D
        }
    }

    fn dm(&mut self, now: Micros, pf: bool) {
        match self.state {
            State::AwaitingEstablishment { .. } if pf => {
                self.lose(State::TeiAssigned { again: now + self.timers.establish_again });
            }
            State::AwaitingEstablishment { .. } | State::Off => {}
            State::TeiAssigned { .. } if !pf => self.establish(now, false),
            State::Established if pf => bump(&mut self.counters.unexpected_frames), // error B
            State::TeiAssigned { .. } => bump(&mut self.counters.unexpected_frames),
            State::Established | State::TimerRecovery => {
                bump(&mut self.counters.unexpected_frames); // errors B, E
                self.reset(now);
            }
        }
    }

    fn supervisory(&mut self, now: Micros, kind: Supervisory, nr: u8, pf: bool, command: bool) {
        if !self.is_running() {
            self.not_connected(pf && command);
            return;
        }
        self.peer_busy = kind == Supervisory::Rnr;
        if command && pf {
            self.supervise(Supervisory::Rr, false, true);
        }
        let final_answer = !command && pf;
        if !self.nr_is_valid(nr) {
            return self.bad_nr(now);
        }
        if self.state == State::TimerRecovery {
            self.acknowledge(nr);
            if final_answer {
                self.recovered(now);
            }
            return;
        }
        if final_answer {
            bump(&mut self.counters.unexpected_frames); // error A
        }
        match kind {
            Supervisory::Rr => self.acknowledge_and_time(now, nr),
            Supervisory::Rnr => {
                self.acknowledge(nr);
                self.t203 = None;
                self.t200 = Some(now + self.timers.t200);
            }
            Supervisory::Rej => {
                self.acknowledge(nr);
                self.recovered(now);
            }
        }
    }

    fn information(&mut self, now: Micros, ns: u8, nr: u8, poll: bool, info: &[u8]) {
        if !self.is_running() {
            self.not_connected(poll);
            return;
        }
        if ns == self.vr {
            self.vr = (self.vr + 1) % MODULUS;
            self.reject_sent = false;
            self.indicate_data(info);
            if poll {
                self.supervise(Supervisory::Rr, false, true);
            } else {
                self.ack_owed = true;
            }
        } else {
            bump(&mut self.counters.out_of_order);
            if !self.reject_sent {
                self.reject_sent = true;
                self.supervise(Supervisory::Rej, false, poll);
            } else if poll {
                self.supervise(Supervisory::Rr, false, true);
            }
        }
        if !self.nr_is_valid(nr) {
            return self.bad_nr(now);
        }
        if self.state == State::TimerRecovery || self.peer_busy {
            self.acknowledge(nr);
        } else {
            self.acknowledge_and_time(now, nr);
        }
    }

    /// A numbered frame without a link: a far end that thinks it has one learns it from DM when it polls.
    fn not_connected(&mut self, poll: bool) {
        bump(&mut self.counters.unexpected_frames);
        if poll && matches!(self.state, State::TeiAssigned { .. }) {
            self.response(Unnumbered::Dm, true);
        }
    }
}
