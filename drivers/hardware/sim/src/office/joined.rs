//! Calls from one line of the office to another: who is rung, who is told what, and the blocks that go over. Each line does
//! its own turns; what one of them says of itself is carried to the other here. What is read on one line is written on the
//! other in the same step, behind the two blocks that every line has ahead: sound takes 20 ms.

use tipring_card::{Cause, Micros};

use super::{
    Office,
    line::{Desk, Word},
};
use crate::exchange::Call;

impl Office {
    /// Tells each line what the other one did, and carries the blocks that were read. After it nothing waits.
    pub(super) fn join_lines(&mut self, now: Micros) {
        for place in 0..self.lines.len() {
            while let Some(word) = self.lines.get_mut(place).and_then(|line| line.take_word()) {
                match word {
                    Word::Calls(number) => self.call_line(now, place, number),
                    Word::Answered => self.answer_line(now, place),
                    Word::HungUp(cause) => self.part_lines(now, place, cause),
                }
            }
        }
        for place in 0..self.lines.len() {
            let said = self.lines.get_mut(place).and_then(|line| line.take_said());
            if let Some((to, blocks)) = said
                && let Some(line) = self.lines.get_mut(to)
            {
                line.hear_partner(blocks);
            }
        }
    }

    /// The line at `place` has dialled the number of another.
    fn call_line(&mut self, now: Micros, place: usize, number: u8) {
        let called = usize::from(number).wrapping_sub(1);
        let Office { lines, card, config, trace, named, .. } = self;
        let desk = &mut Desk { card, config, trace, named };
        let refused = match lines.get(called) {
            None => Some(Cause::UNALLOCATED),
            Some(_) if called == place => Some(Cause::USER_BUSY),
            Some(line) if !line.is_open() => Some(Cause::NETWORK_OUT_OF_ORDER),
            Some(line) if !line.can_ring() => Some(Cause::USER_BUSY),
            Some(_) => None,
        };
        if let Some(cause) = refused {
            if let Some(line) = lines.get_mut(place) {
                line.partner_refuses(now, cause, desk);
            }
            return;
        }
        let Ok([caller, line]) = lines.get_disjoint_mut([place, called]) else {
            return;
        };
        let Some(report) = caller.call() else {
            return;
        };
        let call = Call {
            id: format!("{}-rung", report.id),
            at: now,
            from: report.from.clone(),
            to: report.to.clone(),
            line: Some(line.id),
            ..Call::default()
        };
        caller.join(Some(called));
        line.join(Some(place));
        line.rings_in(now, &call, desk);
        caller.partner_rings(now, desk);
    }

    /// The box has answered on the line at `place` what another one called.
    fn answer_line(&mut self, now: Micros, place: usize) {
        let Office { lines, card, config, trace, named, .. } = self;
        let Some(other) = lines.get(place).and_then(|line| line.partner()) else {
            return;
        };
        if let Ok([line, caller]) = lines.get_disjoint_mut([place, other])
            && caller.awaits_partner()
        {
            caller.subscriber_answers(now, &mut Desk { card, config, trace, named });
            caller.carries_partner();
            line.carries_partner();
        }
    }

    /// The call is over on the line at `place`.
    fn part_lines(&mut self, now: Micros, place: usize, cause: Cause) {
        let Office { lines, card, config, trace, named, .. } = self;
        let Some(other) = lines.get(place).and_then(|line| line.partner()) else {
            return;
        };
        if let Ok([line, partner]) = lines.get_disjoint_mut([place, other]) {
            line.join(None);
            partner.join(None);
            partner.far_end_hangs_up(now, cause, &mut Desk { card, config, trace, named });
        }
    }
}
