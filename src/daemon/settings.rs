//! From the configuration's words to those of the rooms: groups of lines, who may be called. Nothing is
//! decided here but what a missing entry means.

use tipring_card::Micros;
use tipring_dsp::ZoneId;
use tipring_guard::spending::{self, Limits, Night};
use tipring_isdn::Role;
use tipring_lines::{Group, LinesConfig, Order};
use tipring_numbering::{Class, Form, Plan};

use crate::config::{self, Config, NumberClass, NumberForm};

/// The two letters of ISO 3166 of the box's country, as the API shows them; empty where it has none.
pub fn iso(config: &Config) -> String {
    let code = config.country().map_or("", |country| country.code.as_str());
    if code.len() == 2 { code.to_uppercase() } else { String::new() }
}

/// The zone of a built-in country; the United States' where it has none.
pub fn zone(country: &str) -> ZoneId {
    ZoneId::of(country).unwrap_or_default()
}

/// Who may be called, and under which numbers.
pub fn outbound(wanted: &config::Outbound) -> tipring_router::Outbound {
    tipring_router::Outbound {
        open: wanted.open.iter().map(|class| self::class(*class)).collect(),
        caller_ids: wanted.caller_ids.clone(),
        queue_limit: Micros::from_s(wanted.queue_s),
        limits: limits(wanted),
    }
}

/// What calls may cost.
pub fn limits(wanted: &config::Outbound) -> Limits {
    Limits {
        calls_per_second: wanted.calls_per_second,
        calls_per_minute: wanted.calls_per_minute,
        lines_percent: wanted.lines_percent,
        longest: Micros::from_s(wanted.longest_minutes * 60),
        minutes_per_day: wanted.minutes_per_day,
        international_minutes_per_day: wanted.international_minutes_per_day,
        stop_patterns: wanted.stop_patterns,
    }
}

/// What a night from 22:00 to 06:00 can cost at most, in minutes, on a box with so many lines and accounts; `None`: nothing
/// bounds it.
pub fn worst_night(wanted: &config::Outbound, lines: u32, accounts: u32) -> Option<u64> {
    use NumberClass::{International, Mobile, National, Premium, Unknown};
    let open = |classes: &[NumberClass]| wanted.open.iter().any(|class| classes.contains(class));
    let (home, abroad) = (open(&[National, Mobile, Premium, Unknown]), open(&[International]));
    let night = Night { home, abroad, ..Night::usual(lines, accounts) };
    spending::worst_night(&limits(wanted), &night)
}

/// Minutes that cost something, all and those abroad, of minutes by number called.
pub fn spent(plan: &Plan, minutes: &[(String, i64)]) -> (u32, u32) {
    let (mut all, mut abroad) = (0_u32, 0_u32);
    for (number, minutes) in minutes {
        let minutes = u32::try_from(*minutes).unwrap_or(0);
        match plan.class(number) {
            Class::Emergency | Class::Short | Class::TollFree => {}
            Class::International => (all, abroad) = (all.saturating_add(minutes), abroad.saturating_add(minutes)),
            Class::National | Class::Mobile | Class::Premium | Class::Unknown => all = all.saturating_add(minutes),
        }
    }
    (all, abroad)
}

fn class(class: NumberClass) -> Class {
    match class {
        NumberClass::Short => Class::Short,
        NumberClass::TollFree => Class::TollFree,
        NumberClass::National => Class::National,
        NumberClass::Mobile => Class::Mobile,
        NumberClass::International => Class::International,
        NumberClass::Premium => Class::Premium,
        NumberClass::Unknown => Class::Unknown,
    }
}

/// The lines of the card and how calls go out on them.
pub fn lines(config: &Config) -> LinesConfig {
    let card = config.card.first();
    LinesConfig {
        role: match card.map(|card| card.role).unwrap_or_default() {
            config::Role::User => Role::User,
            config::Role::Network => Role::Network,
        },
        prefill: card.map_or(2, |card| card.prefill),
        plan: config.dialling_plan(),
        groups: config.group.iter().map(self::group).collect(),
        analog: analog(&config.analog, config.zone()),
        ..LinesConfig::default()
    }
}

/// A group of lines.
pub fn group(group: &config::Group) -> Group {
    Group {
        name: group.name.clone(),
        lines: group.lines.clone(),
        order: match group.order {
            config::Order::OppositeToNetwork => Order::OppositeToNetwork,
            config::Order::Ascending => Order::Ascending,
            config::Order::Descending => Order::Descending,
        },
        form: match group.numbers {
            NumberForm::Dialled => Form::Dialled,
            NumberForm::Typed => Form::Typed,
            NumberForm::Digits => Form::Digits,
            NumberForm::Plus => Form::Plus,
        },
        prefix: group.prefix.clone(),
    }
}

/// How analogue lines are used.
pub fn analog(wanted: &config::Analog, zone: ZoneId) -> tipring_analog::Config {
    use tipring_analog::AnswerSign;
    tipring_analog::Config {
        zone,
        answer: match wanted.answer {
            config::AnswerSign::Reversal => AnswerSign::Reversal,
            config::AnswerSign::Voice => AnswerSign::Voice,
            config::AnswerSign::Dialled => AnswerSign::Dialled,
        },
        dial_tone_limit: Micros::from_ms(wanted.dial_tone_ms),
        dial_anyway: wanted.dial_anyway,
        caller_id: wanted.caller_id,
        ..tipring_analog::Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_spent_by_numbers_that_cost_something() {
        let plan = Plan::preset("us").expect("a plan");
        let minutes =
            [("+12025550123", 7), ("+4930123456", 5), ("+19005550123", 2), ("911", 3), ("+18005550123", 9), ("100", 4)];
        let minutes = minutes.map(|(number, minutes)| (number.to_owned(), minutes));
        assert_eq!(spent(&plan, &minutes), (14, 5));
    }

    #[test]
    fn a_bad_night_costs_what_the_document_says() {
        let opens = |open: &[NumberClass]| config::Outbound { open: open.to_vec(), ..config::Outbound::default() };
        let night = |outbound: &config::Outbound| worst_night(outbound, 30, 1);
        assert_eq!(night(&opens(&[])), Some(0));
        assert_eq!(night(&opens(&[NumberClass::Short, NumberClass::TollFree])), Some(0));
        assert_eq!(night(&opens(&[NumberClass::National, NumberClass::International])), Some(240));
        assert_eq!(night(&opens(&[NumberClass::International])), Some(0));
        let text = include_str!("../../docs/configuration.md");
        assert!(text.contains("a night from 22:00 to 06:00 costs at most 240 minutes"));
    }
}
