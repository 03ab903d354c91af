//! What calls out may cost ([`tipring_guard::spending`]): a call is judged before it begins, pays for each minute that it
//! begins once it is answered, and stands back from the lines that are kept for who rings. Whoever is refused is told why,
//! and the owner is told before the minutes are spent.

use tipring_card::{Cause, Micros};
use tipring_guard::spending::{DAY, Refusal, Spending, Tariff};
use tipring_numbering::Class;
use tipring_resources::{Sid, Stamp};

use crate::config::{Config, Reconfiguration};
use crate::effects::{Outgoing, TraceKind};
use crate::fault::Fault;
use crate::order::Callee;
use crate::outgoing::NoLine;
use crate::requests::No;
use crate::session::{End, Session};
use crate::world::{TaskId, World};

/// Of the router's clock.
pub(crate) fn spending(config: &Config) -> Spending {
    let Stamp(epoch) = config.epoch;
    let day = i64::try_from(DAY.0).unwrap_or(i64::MAX);
    Spending::new(config.outbound.limits.clone(), Micros(epoch.rem_euclid(day).unsigned_abs()))
}

/// What a call to a number of this class costs.
pub(crate) const fn tariff(class: Class) -> Tariff {
    match class {
        Class::Emergency => Tariff::Help,
        Class::Short | Class::TollFree => Tariff::Free,
        Class::National | Class::Mobile => Tariff::Home,
        Class::International => Tariff::Abroad,
        Class::Premium | Class::Unknown => Tariff::Dear,
    }
}

/// The API's code of a refusal.
pub(crate) const fn code(refusal: &Refusal) -> u32 {
    match refusal {
        Refusal::Rate { .. } => 20429,
        Refusal::Spent { .. } | Refusal::Frozen { .. } => 21216,
    }
}

/// A refusal, with the code that whoever asked knows.
pub(crate) fn no(refusal: &Refusal, code: u32) -> No {
    No { code, text: refusal.to_string(), opens_in: refusal.opens_in() }
}

impl World {
    /// The configuration was read again.
    pub(crate) fn configure(&mut self, new: Reconfiguration) {
        self.spending.configure(self.now, new.outbound.limits.clone());
        self.config.take(new);
        if !self.queue.is_empty() {
            self.line_free();
        }
    }

    /// May an account begin this call? `about`: the call whose document wishes it.
    pub(crate) fn may_begin(&mut self, account: Sid, callee: &Callee, about: Option<Sid>) -> Result<(), Refusal> {
        let judged = self.spending.begins(self.now, account.id, callee.tariff, &callee.number);
        self.tell_alerts(account, about);
        if let Err(refusal) = &judged {
            self.count_refusal(refusal);
        }
        judged
    }

    /// May an account send a message?
    pub(crate) fn may_send(&mut self, account: Sid) -> Result<(), Refusal> {
        let judged = self.spending.sends(self.now, account.id);
        if let Err(refusal) = &judged {
            self.count_refusal(refusal);
        }
        judged
    }

    fn count_refusal(&mut self, refusal: &Refusal) {
        let counter = match refusal {
            Refusal::Rate { .. } => &mut self.counters.refused_rate,
            Refusal::Spent { .. } => &mut self.counters.refused_spent,
            Refusal::Frozen { .. } => &mut self.counters.refused_frozen,
        };
        *counter += 1;
    }

    /// How long a call to such a number may last at most.
    pub(crate) fn bounded(&self, wished: Option<Micros>, tariff: Tariff) -> Option<Micros> {
        let longest = self.spending.limits().longest;
        if !tariff.costs() || longest == Micros::FOREVER {
            return wished;
        }
        Some(wished.map_or(longest, |wished| wished.min(longest)))
    }

    /// A leg is answered: if we have called it, it pays from now on.
    pub(crate) fn pays_from_now(&mut self, task: TaskId) {
        let now = self.now;
        let Some((session, tariff)) = self.sessions.get_mut(&task).and_then(|session| {
            let tariff = session.outward.as_ref()?.tariff;
            Some((session, tariff))
        }) else {
            return;
        };
        session.paid_until = if tariff.costs() { now } else { Micros::FOREVER };
        self.spending.answered(now, task.0, tariff);
    }

    /// Whether a leg may go on: it pays for the minute that begins. Where no minute is left it is ended.
    pub(crate) fn is_paid(&mut self, task: TaskId) -> bool {
        let now = self.now;
        let Some(session) = self.sessions.get(&task).filter(|session| now >= session.paid_until) else {
            return true;
        };
        let (account, call) = (session.call.account, session.call.sid);
        let goes_on = self.spending.goes_on(now, task.0);
        self.tell_alerts(account, Some(call));
        match goes_on {
            Ok(until) => {
                if let Some(session) = self.sessions.get_mut(&task) {
                    session.paid_until = until;
                }
                true
            }
            Err(budget) => {
                self.counters.cut_spent += 1;
                let text = format!("the call is ended: the minutes of {} are spent", budget.key());
                self.fault(account, call, Fault::warning(21216, "", text));
                self.end_call(task, End::OURS);
                false
            }
        }
    }

    /// A leg is over.
    pub(crate) fn pays_no_more(&mut self, task: TaskId, account: Sid, call: Sid) {
        self.spending.ends(self.now, task.0);
        self.tell_alerts(account, Some(call));
    }

    /// The owner is told by a line of the timeline, which is logged, and a notification.
    fn tell_alerts(&mut self, account: Sid, call: Option<Sid>) {
        while let Some(alert) = self.spending.poll() {
            let text = alert.to_string();
            self.trace(call, TraceKind::Guard, text.clone());
            self.fault_in(account, call.unwrap_or(account), call, Fault::warning(21216, "", text));
        }
    }

    /// Why a call out stands back although there may be a free line: who rings must find one.
    pub(crate) fn no_line_to_spare(&self, order: &Outgoing) -> Option<NoLine> {
        let most = self.spending.most_lines(self.lines);
        if order.emergency || self.lines_of_calls_out() < most {
            return None;
        }
        let text = format!(
            "calls out have {most} of the {} lines already, as many as outbound.lines_percent leaves them",
            self.lines
        );
        Some(NoLine { cause: Cause::NO_CHANNEL, may_wait: true, text })
    }

    /// Lines that calls out have, or are asking for. A call for help takes none of them.
    fn lines_of_calls_out(&self) -> u32 {
        let is_ours = |session: &&Session| session.outward.as_ref().is_some_and(|outward| !outward.order.emergency);
        let on_lines =
            self.sessions.values().filter(is_ours).filter(|session| session.lease.is_some() && !session.cleared);
        let asking = self.routes.attempts.values().filter_map(|task| self.sessions.get(task)).filter(is_ours);
        u32::try_from(on_lines.count() + asking.count()).unwrap_or(u32::MAX)
    }

    /// A line that calls out may have is given back: who waits for one may try. Lines tell of their own; the share is ours.
    pub(crate) fn share_lines(&mut self) {
        if !self.queue.is_empty() && self.spending.most_lines(self.lines) < self.lines {
            self.line_free();
        }
    }
}
