//! Which line an outgoing call takes: groups as configured, resolved to the lines that the card has, and the choice
//! among them. No machine is touched: what a line is at the moment is asked through a function.

use tipring_card::{Cause, Micros};
use tipring_isdn::Role;
use tipring_numbering::Form;

use crate::config::{Group, Order};

/// One line of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineRef {
    /// A bearer: which span machine, which timeslot.
    Bearer(usize, u8),
    /// An analogue line: which one.
    Loop(usize),
    /// A port for a telephone: which one. Never taken but by a group that names it.
    Telephone(usize),
}

/// What a line is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    /// It may be taken; since when it has rested.
    Free(Micros),
    /// In use, or resting after it: it will be free again.
    Busy,
    /// Not usable, and nobody knows for how long.
    Down,
}

/// A line of the card with its names.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub line: LineRef,
    /// `dahdi 1`.
    pub span: String,
    /// `dahdi 1/7`.
    pub name: String,
}

/// How a group's calls are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Writing {
    pub form: Form,
    pub prefix: String,
}

struct Resolved {
    name: String,
    /// Lines of each entry, lowest first.
    entries: Vec<Vec<LineRef>>,
    order: Order,
    writing: Writing,
}

/// Groups of one card.
pub(crate) struct Groups {
    groups: Vec<Resolved>,
    every: Resolved,
    role: Role,
}

/// Why no line was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub cause: Cause,
    pub may_wait: bool,
    pub text: String,
}

/// Q.850: no route to destination.
const NO_ROUTE: Cause = Cause(3);

impl Groups {
    /// The groups, and a complaint for each entry that fits no line.
    pub fn new(config: &[Group], lines: &[Named], role: Role) -> (Groups, Vec<String>) {
        let mut complaints = Vec::new();
        let mut groups = Vec::new();
        for group in config {
            let mut entries = Vec::new();
            for entry in &group.lines {
                let fitting = lines.iter().filter(|l| l.span == *entry || l.name == *entry);
                let fitting: Vec<LineRef> = fitting.map(|l| l.line).collect();
                if fitting.is_empty() {
                    complaints.push(format!(
                        "group {}: the card has no line '{entry}' for outgoing calls: write a span as '{}' or a line \
                         as '{}'",
                        group.name,
                        lines.first().map_or("dahdi 1", |l| &l.span),
                        lines.first().map_or("dahdi 1/1", |l| &l.name),
                    ));
                }
                entries.push(fitting);
            }
            let writing = Writing { form: group.form, prefix: group.prefix.clone() };
            groups.push(Resolved { name: group.name.clone(), entries, order: group.order, writing });
        }
        let every = Resolved {
            name: String::new(),
            entries: spans(lines.iter().filter(|line| !matches!(line.line, LineRef::Telephone(_)))),
            order: Order::default(),
            writing: groups.first().map(|g| g.writing.clone()).unwrap_or_default(),
        };
        (Groups { groups, every, role }, complaints)
    }

    /// A line of the group that is free and was not tried yet. For an emergency any line will do when the group has
    /// none; no call is cut for it.
    pub fn choose(
        &self,
        name: &str,
        emergency: bool,
        tried: &[LineRef],
        now: &dyn Fn(LineRef) -> Availability,
    ) -> Result<(LineRef, &Writing), Refusal> {
        let group = self.group(name);
        let of_group = match group {
            Some(group) => self.choose_of(group, tried, now).ok_or_else(|| refusal(group, tried, now)),
            None => Err(self.unknown(name)),
        };
        match of_group {
            Ok(line) => Ok((line, &group.unwrap_or(&self.every).writing)),
            Err(refusal) if emergency => {
                let any = self.choose_of(&self.every, tried, now).map(|line| (line, self.writing_on(line)));
                any.ok_or(Refusal {
                    text: format!(
                        "{}; no other line is free for an emergency call, and none is cut for it",
                        refusal.text
                    ),
                    ..refusal
                })
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// How the first group that has the line writes on it.
    fn writing_on(&self, line: LineRef) -> &Writing {
        let group = self.groups.iter().find(|group| group.entries.iter().flatten().any(|&l| l == line));
        &group.unwrap_or(&self.every).writing
    }

    fn group(&self, name: &str) -> Option<&Resolved> {
        match (name, self.groups.first()) {
            ("", None) => Some(&self.every),
            ("", Some(first)) => Some(first),
            _ => self.groups.iter().find(|group| group.name == name),
        }
    }

    fn unknown(&self, name: &str) -> Refusal {
        let names: Vec<&str> = self.groups.iter().map(|group| group.name.as_str()).collect();
        let known = match names.is_empty() {
            true => "there are no groups, leave it empty".to_string(),
            false => format!("there are: {}", names.join(", ")),
        };
        Refusal { cause: NO_ROUTE, may_wait: false, text: format!("no group of lines is called '{name}'; {known}") }
    }

    fn choose_of(&self, group: &Resolved, tried: &[LineRef], now: &dyn Fn(LineRef) -> Availability) -> Option<LineRef> {
        let descending = match group.order {
            Order::Ascending => false,
            Order::Descending => true,
            Order::OppositeToNetwork => self.role == Role::User,
        };
        for entry in &group.entries {
            let free = |&&line: &&LineRef| match now(line) {
                Availability::Free(since) if !tried.contains(&line) => Some((line, since)),
                _ => None,
            };
            let mut found: Vec<(LineRef, Micros)> = entry.iter().filter_map(|line| free(&line)).collect();
            if descending {
                found.reverse();
            }
            let rotates = group.order == Order::OppositeToNetwork;
            let rest = |&(line, since): &(LineRef, Micros)| match line {
                LineRef::Loop(_) if rotates => since,
                _ => Micros::ZERO,
            };
            if let Some((line, _)) = found.into_iter().min_by_key(rest) {
                return Some(line);
            }
        }
        None
    }
}

/// The lines of each span, spans in order.
fn spans<'a>(lines: impl Iterator<Item = &'a Named> + Clone) -> Vec<Vec<LineRef>> {
    let mut names: Vec<&str> = lines.clone().map(|line| line.span.as_str()).collect();
    names.dedup();
    names.iter().map(|name| lines.clone().filter(|line| line.span == *name).map(|line| line.line).collect()).collect()
}

fn refusal(group: &Resolved, tried: &[LineRef], now: &dyn Fn(LineRef) -> Availability) -> Refusal {
    let lines = || group.entries.iter().flatten();
    let name = if group.name.is_empty() { "the card".to_string() } else { format!("group {}", group.name) };
    if lines().next().is_none() {
        let text = format!("{name} has no line for outgoing calls: see the notes at the start");
        return Refusal { cause: Cause::OUT_OF_ORDER, may_wait: false, text };
    }
    // A line that was tried and refused is in use at its other end.
    let busy = lines().filter(|line| tried.contains(line) || now(**line) == Availability::Busy).count();
    if busy == 0 {
        let text = format!("no line of {name} is in order: see the state of its spans");
        return Refusal { cause: Cause::NETWORK_OUT_OF_ORDER, may_wait: false, text };
    }
    if lines().all(|line| matches!(line, LineRef::Telephone(_))) {
        // Whoever calls a telephone hears that it is busy; nobody waits for it.
        let text = format!("every telephone of {name} that works is in use");
        return Refusal { cause: Cause::USER_BUSY, may_wait: false, text };
    }
    let text = format!("all lines of {name} are in use ({busy} of {}, the others are down)", lines().count());
    let text = if busy == lines().count() { format!("all {busy} lines of {name} are in use") } else { text };
    Refusal { cause: Cause::NO_CHANNEL, may_wait: true, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Named> {
        let bearer =
            |slot: u8| Named { line: LineRef::Bearer(0, slot), span: "sim 1".into(), name: format!("sim 1/{slot}") };
        let looped =
            |n: usize| Named { line: LineRef::Loop(n), span: "sim 2".into(), name: format!("sim 2/{}", n + 1) };
        (1..=3).map(bearer).chain((0..3).map(looped)).collect()
    }

    fn group(name: &str, lines: &[&str], order: Order) -> Group {
        Group { name: name.into(), lines: lines.iter().map(ToString::to_string).collect(), order, ..Group::default() }
    }

    fn all_free(_: LineRef) -> Availability {
        Availability::Free(Micros::ZERO)
    }

    #[test]
    fn each_end_takes_channels_from_its_own_side() {
        for (role, order, slot) in [
            (Role::User, Order::OppositeToNetwork, 3),
            (Role::Network, Order::OppositeToNetwork, 1),
            (Role::User, Order::Ascending, 1),
            (Role::Network, Order::Descending, 3),
        ] {
            let (groups, _) = Groups::new(&[group("out", &["sim 1"], order)], &lines(), role);
            let chosen = groups.choose("out", false, &[], &all_free).map(|(line, _)| line);
            assert_eq!(chosen, Ok(LineRef::Bearer(0, slot)));
        }
    }

    #[test]
    fn without_groups_all_lines_are_one_group_pri_first() {
        let (groups, complaints) = Groups::new(&[], &lines(), Role::User);
        assert!(complaints.is_empty());
        assert_eq!(groups.choose("", false, &[], &all_free).map(|(line, _)| line), Ok(LineRef::Bearer(0, 3)));
        let pri_busy = |line| match line {
            LineRef::Bearer(..) => Availability::Busy,
            LineRef::Loop(n) => Availability::Free(Micros::from_s([5, 2, 9][n])),
            LineRef::Telephone(_) => Availability::Down,
        };
        let chosen = groups.choose("", false, &[], &pri_busy).map(|(line, _)| line);
        assert_eq!(chosen, Ok(LineRef::Loop(1)), "it has rested longest");
    }

    #[test]
    fn a_group_that_is_not_there_is_answered_with_those_that_are() {
        let (groups, _) = Groups::new(&[group("a", &["sim 1"], Order::Ascending)], &lines(), Role::User);
        let refused = groups.choose("b", false, &[], &all_free).expect_err("no such group");
        assert_eq!((refused.cause, refused.may_wait), (NO_ROUTE, false));
        assert!(refused.text.contains("'b'") && refused.text.ends_with("there are: a"), "{}", refused.text);
        assert_eq!(groups.choose("", false, &[], &all_free).map(|(l, _)| l), Ok(LineRef::Bearer(0, 1)), "the default");
    }

    #[test]
    fn busy_may_wait_and_down_may_not() {
        let (groups, _) = Groups::new(&[group("a", &["sim 1/2", "sim 1/3"], Order::Ascending)], &lines(), Role::User);
        let one_busy = |line| match line {
            LineRef::Bearer(0, 2) => Availability::Busy,
            LineRef::Bearer(..) => Availability::Down,
            LineRef::Loop(_) => Availability::Free(Micros::ZERO),
            LineRef::Telephone(_) => Availability::Down,
        };
        let refused = groups.choose("a", false, &[], &one_busy).expect_err("none is free");
        assert_eq!((refused.cause, refused.may_wait), (Cause::NO_CHANNEL, true));
        let refused = groups.choose("a", false, &[], &|_| Availability::Down).expect_err("none works");
        assert_eq!((refused.cause, refused.may_wait), (Cause::NETWORK_OUT_OF_ORDER, false));
        let help = groups.choose("a", true, &[], &one_busy).map(|(line, _)| line);
        assert_eq!(help, Ok(LineRef::Loop(2)), "an emergency may use any line");
    }

    #[test]
    fn telephones_in_use_are_busy_and_nobody_waits_for_them() {
        let phone =
            |n: usize| Named { line: LineRef::Telephone(n), span: "sim 3".into(), name: format!("sim 3/{}", n + 1) };
        let all: Vec<Named> = lines().into_iter().chain((0..2).map(phone)).collect();
        let (groups, _) = Groups::new(
            &[group("desk", &["sim 3"], Order::Ascending), group("any", &["sim 3", "sim 2"], Order::Ascending)],
            &all,
            Role::User,
        );
        let lifted = |line| match line {
            LineRef::Telephone(0) => Availability::Busy,
            LineRef::Telephone(_) => Availability::Down,
            _ => Availability::Busy,
        };
        let refused = groups.choose("desk", false, &[], &lifted).expect_err("it is off hook");
        assert_eq!((refused.cause, refused.may_wait), (Cause::USER_BUSY, false));
        let refused = groups.choose("any", false, &[], &lifted).expect_err("none is free");
        assert_eq!((refused.cause, refused.may_wait), (Cause::NO_CHANNEL, true), "a line is waited for");
    }

    #[test]
    fn an_entry_that_fits_no_line_is_complained_of_and_the_group_is_out_of_order() {
        let (groups, complaints) = Groups::new(&[group("a", &["sim 9"], Order::Ascending)], &lines(), Role::User);
        assert!(complaints.len() == 1 && complaints[0].contains("'sim 9'"), "{complaints:?}");
        let refused = groups.choose("a", false, &[], &all_free).expect_err("it is empty");
        assert_eq!((refused.cause, refused.may_wait), (Cause::OUT_OF_ORDER, false));
    }

    #[test]
    fn a_line_that_was_tried_is_not_tried_again() {
        let (groups, _) = Groups::new(&[group("a", &["sim 1"], Order::Ascending)], &lines(), Role::User);
        let tried = [LineRef::Bearer(0, 1), LineRef::Bearer(0, 2)];
        assert_eq!(groups.choose("a", false, &tried, &all_free).map(|(l, _)| l), Ok(LineRef::Bearer(0, 3)));
    }
}
