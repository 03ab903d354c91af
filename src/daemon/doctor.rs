//! The doctor's visits in a service: one at a time, begun and watched by whoever asks at the control socket. The visit is
//! `tipring-doctor`'s; here it is fed by whoever owns the lines and the switch, in real time or on virtual time.

use serde::{Deserialize, Serialize};
use tipring_card::Micros;
use tipring_doctor::{Effect, Event, Examined, Order, Report, Visit};
use tipring_numbering::{Class, Form, Plan};
use tipring_router::SwitchEvent;

use crate::config::Config;

/// Words of a visit that are kept: it has some ten.
const MAX_WORDS: usize = 64;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// The line to be examined.
    pub line: String,
    /// The one that helps.
    pub with: String,
    /// The first one's number; empty: as the configuration has it.
    pub number: String,
    /// The other one's, likewise.
    pub with_number: String,
}

/// A visit, as who waits for it sees it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Seen {
    /// It goes on.
    pub runs: bool,
    /// What was done so far, in words.
    pub progress: Vec<String>,
    /// What came of it, once it is over.
    pub report: Option<Report>,
}

/// The visit of a service: the present one, or what came of the last one.
#[derive(Default)]
pub struct Doctor {
    visit: Option<(Visit, Order)>,
    seen: Seen,
}

impl Doctor {
    /// Begins a visit, if none goes on.
    pub fn begin(&mut self, now: Micros, order: Order) -> Result<(), String> {
        if let Some((_, order)) = &self.visit {
            return Err(format!("{} is being examined: one visit at a time", order.line));
        }
        self.seen = Seen { runs: true, ..Seen::default() };
        self.visit = Some((Visit::new(now, order.clone()), order));
        Ok(())
    }

    /// Ends it; false: there was none.
    pub fn stop(&mut self, now: Micros) -> bool {
        self.visit.iter_mut().for_each(|(visit, _)| visit.stop(now));
        self.visit.is_some()
    }

    /// What can be seen of it.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Whether one goes on.
    pub fn runs(&self) -> bool {
        self.visit.is_some()
    }

    /// Something happened on a line.
    pub fn examined(&mut self, now: Micros, examined: Box<Examined>) {
        self.handle(now, Event::Examined(examined));
    }

    /// Something happened in the switch; given back where it is for somebody else.
    pub fn switched(&mut self, now: Micros, event: SwitchEvent) -> Option<SwitchEvent> {
        if !Visit::is_concerned(&event) {
            return Some(event);
        }
        self.handle(now, Event::Switch(event));
        None
    }

    /// When [`Doctor::timer`] is due.
    pub fn deadline(&self) -> Option<Micros> {
        self.visit.as_ref().and_then(|(visit, _)| visit.deadline())
    }

    /// Does what is due.
    pub fn timer(&mut self, now: Micros) {
        if self.deadline().is_some_and(|at| at <= now) {
            self.handle(now, Event::Timer);
        }
    }

    fn handle(&mut self, now: Micros, event: Event) {
        self.visit.iter_mut().for_each(|(visit, _)| visit.handle(now, event.clone()));
    }

    /// The next thing to be done for it.
    pub fn poll(&mut self) -> Option<Effect> {
        let (visit, order) = self.visit.as_mut()?;
        while let Some(effect) = visit.poll() {
            match effect {
                Effect::Progress(text) if self.seen.progress.len() < MAX_WORDS => self.seen.progress.push(text),
                Effect::Progress(_) => {}
                effect => return Some(effect),
            }
        }
        if let Some(outcome) = visit.outcome() {
            self.seen.report = Some(Report::of(order, outcome));
            self.seen.runs = false;
            self.visit = None;
        }
        None
    }
}

/// The numbers as they are dialled; the reason where that cannot be.
pub fn order(asked: &Asked, config: &Config) -> Result<Order, String> {
    let plan = config.dialling_plan();
    if asked.line.is_empty() || asked.with.is_empty() {
        return Err("two lines are needed: the one to be examined, and one that helps".into());
    }
    let number = |line: &str, said: &str| {
        let said = if said.is_empty() { config.number_of_line(line).unwrap_or_default() } else { said.into() };
        dialled(&plan, line, &said)
    };
    let order = Order {
        line: asked.line.clone(),
        number: number(&asked.line, &asked.number)?,
        with: asked.with.clone(),
        with_number: number(&asked.with, &asked.with_number)?,
    };
    if order.number.is_empty() && order.with_number.is_empty() {
        let (a, b) = (&asked.line, &asked.with);
        return Err(format!(
            "the number of {b} or of {a} is needed: write number = \"…\" in a [[line]] of the configuration, or say it with \
             --with-number and --number"
        ));
    }
    Ok(order)
}

fn dialled(plan: &Plan, line: &str, number: &str) -> Result<String, String> {
    let digits = plan.on_line(number, Form::Dialled).digits;
    if number.is_empty() {
        return Ok(String::new());
    }
    if !digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | 'w' | 'W')) {
        return Err(format!("{number}, the number of {line}, cannot be dialled here: digits, * and # are wanted"));
    }
    if plan.class(number) == Class::Emergency || plan.class(&digits) == Class::Emergency {
        return Err(format!("{number} calls help, and is no number of {line}"));
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(lines: &str) -> Config {
        let text = format!("[box]\ncountry = \"gb\"\n[plan]\narea_code = \"20\"\n{lines}");
        Config::parse(std::path::Path::new("box.toml"), &text).expect("good")
    }

    const LINES: &str = "[[line]]\nline = \"dahdi 3/1\"\nnumber = \"+442079460101\"\n[[line]]\nline = \"dahdi 3/2\"\nnumber = \"102\"\n";

    fn asked() -> Asked {
        Asked { line: "dahdi 3/1".into(), with: "dahdi 3/2".into(), ..Asked::default() }
    }

    #[test]
    fn inst5_numbers_are_the_configurations_as_one_dials_them() {
        let order = order(&asked(), &config(LINES)).expect("good");
        assert_eq!((order.number.as_str(), order.with_number.as_str()), ("02079460101", "102"));
        let asked = Asked { with_number: "9w103".into(), ..asked() };
        assert_eq!(super::order(&asked, &config(LINES)).expect("good").with_number, "9w103");
    }

    #[test]
    fn inst5_no_number_no_line_and_no_help_is_called() {
        let why = |asked: &Asked, lines: &str| order(asked, &config(lines)).expect_err("refused");
        assert!(why(&asked(), "").contains("--with-number"));
        assert!(why(&Asked { with: String::new(), ..asked() }, LINES).contains("two lines"));
        assert!(why(&Asked { with_number: "999".into(), ..asked() }, LINES).contains("calls help"));
        assert!(why(&Asked { with_number: "12-34".into(), ..asked() }, LINES).contains("cannot be dialled"));
    }

    #[test]
    fn inst5_one_visit_at_a_time_and_its_end_can_be_seen() {
        let mut doctor = Doctor::default();
        let order = Order { line: "a".into(), number: "1".into(), with: "b".into(), with_number: String::new() };
        doctor.begin(Micros::ZERO, order.clone()).expect("begun");
        assert!(doctor.begin(Micros::ZERO, order.clone()).is_err_and(|why| why.contains("one visit at a time")));
        let lent = std::iter::from_fn(|| doctor.poll()).count();
        assert_eq!((lent, doctor.seen().runs), (2, true));
        assert!(doctor.stop(Micros::from_s(1)));
        let returned = std::iter::from_fn(|| doctor.poll()).count();
        assert_eq!((returned, doctor.runs()), (2, false));
        let report = doctor.seen().report.as_ref().expect("a report");
        assert_eq!((report.failure.as_deref(), doctor.deadline()), (Some("stopped"), None));
        assert!(!doctor.stop(Micros::ZERO) && doctor.begin(Micros::ZERO, order).is_ok());
    }
}
