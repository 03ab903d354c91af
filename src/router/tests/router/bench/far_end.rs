//! Called parties: lines that carry orders out by a script.

use super::*;

/// Why lines say that there is none: the remedy stands at the end.
pub const NO_LINE: &str =
    "all 30 lines of 'out' are in use; put more lines into the group, or take another one with Trunk";

/// How a called party behaves. Times are from the seizure.
#[derive(Clone, Debug)]
pub struct FarEnd {
    /// From the order to the seizure; `None`: lines never say anything.
    pub seized_ms: Option<u64>,
    /// There is no line: cause, and whether it is worth waiting.
    pub no_line: Option<(u8, bool)>,
    pub ringing_ms: Option<u64>,
    pub early_ms: Option<u64>,
    pub answered_ms: Option<u64>,
    pub by: Supervision,
    /// Clears with this cause.
    pub cleared_ms: Option<(u64, u8)>,
    /// Moves to another line.
    pub moved_ms: Option<u64>,
    /// Of the line.
    pub kind: LineKind,
}

impl FarEnd {
    /// Rings, and answers after so long.
    pub fn answers(ms: u64) -> FarEnd {
        FarEnd { answered_ms: Some(ms), ..FarEnd::rings() }
    }

    /// Rings for ever.
    pub fn rings() -> FarEnd {
        FarEnd {
            seized_ms: Some(10),
            no_line: None,
            ringing_ms: Some(100),
            early_ms: None,
            answered_ms: None,
            by: Supervision::Connect,
            cleared_ms: None,
            moved_ms: None,
            kind: LineKind::Isdn,
        }
    }

    /// Refuses with this cause after so long, unheard.
    pub fn refuses(ms: u64, cause: u8) -> FarEnd {
        FarEnd { ringing_ms: None, cleared_ms: Some((ms, cause)), ..FarEnd::rings() }
    }

    /// There is no line to him.
    pub fn no_line(cause: u8, may_wait: bool) -> FarEnd {
        FarEnd { no_line: Some((cause, may_wait)), ..FarEnd::rings() }
    }
}

impl Bench {
    /// How the called party at a number behaves.
    pub fn far_end(&mut self, number: &str, far_end: FarEnd) {
        self.far_ends.insert(number.into(), far_end);
    }

    /// The lease on which a number was called, the last time.
    #[track_caller]
    pub fn lease_to(&self, number: &str) -> Port {
        self.called.iter().rev().find(|(_, to)| to == number).expect("nobody called there").0
    }

    /// Orders that the lines got.
    pub fn orders(&self) -> Vec<&Outgoing> {
        let orders = self.log.iter().filter_map(|(_, effect)| match effect {
            Effect::Line(LineCommand::Dial { call, .. }) => Some(call.as_ref()),
            _ => None,
        });
        orders.collect()
    }

    /// Whether two legs hear each other.
    pub fn are_bridged(&self, one: Port, other: Port) -> bool {
        self.connected.contains(&(one, other)) && self.connected.contains(&(other, one))
    }

    pub(super) fn dialled(&mut self, attempt: AttemptId, call: &Outgoing) {
        let far_end = self.far_ends.get(&call.to).cloned().unwrap_or(FarEnd::answers(2_000));
        if let Some((cause, may_wait)) = far_end.no_line {
            let cause = Cause(cause);
            let no_line = LineEvent::NoLine { attempt, cause, may_wait, text: NO_LINE.into() };
            return self.later(5, Event::Line(no_line));
        }
        let Some(seized_ms) = far_end.seized_ms else { return };
        self.generation += 1;
        let mut lease = Port { index: 20, generation: self.generation };
        let (law, kind) = (Law::Mu, far_end.kind);
        let seized = LineEvent::Seized { attempt, lease, line: "sim 2/1".into(), law, kind };
        self.later(seized_ms, Event::Line(seized));
        if let Some(ms) = far_end.moved_ms {
            let from = lease;
            self.generation += 1;
            lease = Port { index: 21, generation: self.generation };
            let moved = LineEvent::Moved { from, lease, line: "sim 2/2".into(), law, kind };
            self.later(seized_ms + ms, Event::Line(moved));
        }
        self.called.push((lease, call.to.clone()));
        if let Some(ms) = far_end.ringing_ms {
            self.later(seized_ms + ms, Event::Line(LineEvent::Ringing { lease }));
        }
        if let Some(ms) = far_end.early_ms {
            self.later(seized_ms + ms, Event::Line(LineEvent::EarlyMedia { lease }));
        }
        if let Some(ms) = far_end.answered_ms {
            self.later(seized_ms + ms, Event::Line(LineEvent::Answered { lease, by: far_end.by }));
        }
        if let Some((ms, cause)) = far_end.cleared_ms {
            let cleared = LineEvent::Cleared { lease, cause: Cause(cause), by_far_end: true };
            self.later(seized_ms + ms, Event::Line(cleared));
        }
    }

    /// Until the called parties, who answer after two seconds, are there.
    pub fn run_out_to_answer(&mut self) {
        self.wait_ms(2_500);
    }
}
