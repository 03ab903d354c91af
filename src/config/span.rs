//! `[[span]]`: a span that the box brings up by itself: which card's it is, its framing and clock, and what each of its
//! channels is used as. Without entries spans are taken as `dahdi_cfg` made them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tipring_card::Use;

use super::fault::Origin;
use super::judge::Verdict;
use super::near;
use super::shape::{Entry, Tree};
use super::{CardKind, Config, Role};

/// Timeslots of an E1 and of a T1, and ports of an analogue card at most.
const TIMESLOTS: [(SpanKind, u8); 3] = [(SpanKind::E1, 31), (SpanKind::T1, 24), (SpanKind::Analog, 32)];

/// `[[span]]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpanEntry {
    /// Its number with us: 1 is `dahdi 1`.
    pub number: u16,
    /// Its card, by hardware id or place; empty: the span that has this number in DAHDI.
    pub card: String,
    /// Which span of that card.
    pub port: u8,
    /// E1, T1 or analogue ports.
    pub kind: SpanKind,
    /// How timeslots are found.
    pub framing: Framing,
    /// How bits are pulses.
    pub coding: Coding,
    /// E1: check sums in the framing.
    pub crc4: bool,
    /// Code of the cable's length.
    pub build_out: u8,
    /// 0: we give the clock; else whom we ask first for it.
    pub clock: u8,
    /// What its channels are used as.
    pub signalling: Signalling,
    /// Channels that are used as something else: `24 fxs`, `3-5 unused`.
    pub channels: Vec<String>,
}

impl Default for SpanEntry {
    fn default() -> Self {
        SpanEntry {
            number: 0,
            card: String::new(),
            port: 1,
            kind: SpanKind::E1,
            framing: Framing::Usual,
            coding: Coding::Usual,
            crc4: true,
            build_out: 0,
            clock: 1,
            signalling: Signalling::Unused,
            channels: Vec::new(),
        }
    }
}

/// What kind of span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// 31 timeslots.
    #[default]
    E1,
    /// 24 timeslots.
    T1,
    /// Analogue ports.
    Analog,
}

/// How timeslots are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// CCS on an E1, ESF on a T1.
    #[default]
    Usual,
    /// E1.
    Ccs,
    /// T1, extended superframe.
    Esf,
    /// T1, superframe.
    D4,
}

/// How bits are pulses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// HDB3 on an E1, B8ZS on a T1.
    #[default]
    Usual,
    /// E1.
    Hdb3,
    /// T1.
    B8zs,
    /// Either.
    Ami,
}

/// What channels are used as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signalling {
    /// Bearer channels and the D channel of a PRI.
    Pri,
    /// Lines towards an exchange that drops the battery behind a call.
    Fxo,
    /// Lines towards one that does not.
    FxoLoop,
    /// Lines that are seized by grounding a wire.
    FxoGround,
    /// Ports for telephones.
    Fxs,
    /// The same without a dropped battery.
    FxsLoop,
    /// Ports for a PBX that seizes by grounding a wire.
    FxsGround,
    /// Nothing.
    #[default]
    Unused,
}

/// Words of one channel.
const CHANNEL_WORDS: [&str; 7] = ["fxo", "fxo-loop", "fxo-ground", "fxs", "fxs-loop", "fxs-ground", "unused"];

/// Why an entry of `channels` is none, and from which character on.
struct Misfit {
    at: usize,
    character: usize,
    text: String,
}

impl SpanEntry {
    /// The last timeslot that it may have.
    fn timeslots(&self) -> u8 {
        TIMESLOTS.iter().find(|(kind, _)| *kind == self.kind).map_or(0, |(_, count)| *count)
    }

    fn d_channel(&self) -> Option<u8> {
        let d = if self.kind == SpanKind::E1 { 16 } else { 24 };
        (self.signalling == Signalling::Pri).then_some(d)
    }

    /// Every channel that it speaks of, and what it is used as. Of an analogue card those that are named: how many there
    /// are the card knows alone.
    pub fn uses(&self) -> Vec<(u8, Use)> {
        self.try_uses().unwrap_or_default()
    }

    fn try_uses(&self) -> Result<Vec<(u8, Use)>, Misfit> {
        let all = if self.kind == SpanKind::Analog { 0 } else { self.timeslots() };
        let usual = |timeslot: u8| match self.signalling {
            Signalling::Pri if Some(timeslot) == self.d_channel() => Use::DChannel,
            Signalling::Pri => Use::Bearer,
            Signalling::Fxo => Use::Fxo,
            Signalling::FxoLoop => Use::FxoLoopStart,
            Signalling::FxoGround => Use::FxoGroundStart,
            Signalling::Fxs => Use::Fxs,
            Signalling::FxsLoop => Use::FxsLoopStart,
            Signalling::FxsGround => Use::FxsGroundStart,
            Signalling::Unused => Use::Unused,
        };
        let mut uses: BTreeMap<u8, Use> = (1..=all).map(|timeslot| (timeslot, usual(timeslot))).collect();
        let mut named: Vec<u8> = Vec::new();
        for (at, text) in self.channels.iter().enumerate() {
            let misfit = |character, text| Misfit { at, character, text };
            let Some((range, word)) = text.split_once(' ') else {
                return Err(misfit(1, "a channel and its use are wanted, such as \"24 fxs\" or \"3-5 unused\"".into()));
            };
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let number = |text: &str| text.parse::<u8>().ok().filter(|n| (1..=self.timeslots()).contains(n));
            let (Some(first), Some(last)) = (number(first), number(last)) else {
                return Err(misfit(1, format!("channels from 1 to {} are wanted", self.timeslots())));
            };
            if first > last {
                return Err(misfit(1, format!("{range}: the lower channel comes first")));
            }
            let behind = range.chars().count() + 2;
            let Some(to) = Use::ALL.into_iter().find(|to| to.as_str() == word && CHANNEL_WORDS.contains(&word)) else {
                let meant = near::nearest(word, CHANNEL_WORDS);
                let meant = meant.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
                let words = CHANNEL_WORDS.join(", ");
                return Err(misfit(behind, format!("{word:?}: a channel is used as {words}{meant}")));
            };
            for timeslot in first..=last {
                if named.contains(&timeslot) {
                    return Err(misfit(1, format!("channel {timeslot} stands twice")));
                }
                if self.signalling == Signalling::Pri && to != Use::Unused {
                    let why = "in a span with a PRI a channel is part of it or unused";
                    return Err(misfit(behind, why.into()));
                }
                if Some(timeslot) == self.d_channel() {
                    return Err(misfit(1, format!("channel {timeslot} is the PRI's D channel")));
                }
                named.push(timeslot);
                uses.insert(timeslot, to);
            }
        }
        Ok(uses.into_iter().collect())
    }

    /// The key that does not fit the kind of span, and why.
    fn misfit(&self) -> Option<(&'static str, &'static str)> {
        match (self.kind, self.framing, self.coding, self.signalling) {
            (SpanKind::E1, Framing::Esf | Framing::D4, ..) => Some(("framing", "an E1 is framed as ccs")),
            (SpanKind::T1, Framing::Ccs, ..) => Some(("framing", "a T1 is framed as esf or d4")),
            (SpanKind::E1, _, Coding::B8zs, _) => Some(("coding", "an E1 is coded in hdb3 or ami")),
            (SpanKind::T1, _, Coding::Hdb3, _) => Some(("coding", "a T1 is coded in b8zs or ami")),
            (SpanKind::E1, .., Signalling::Pri | Signalling::Unused) => None,
            (SpanKind::E1, ..) => Some(("signalling", "an E1 carries a PRI; lines are on a T1 or an analogue card")),
            (SpanKind::Analog, .., Signalling::Pri) => Some(("signalling", "a PRI is on an E1 or a T1")),
            _ => None,
        }
    }
}

impl Verdict {
    /// Who gives the clock to whom: what slips by it is seen as errors without an alarm, long after.
    fn clocks(&mut self, config: &Config, tree: &Tree) {
        let network = config.card.iter().any(|card| card.role == Role::Network);
        let mut orders: BTreeMap<u8, u16> = BTreeMap::new();
        for (entry, span) in tree.sound("span").zip(&config.span).filter(|(_, span)| span.kind != SpanKind::Analog) {
            let (number, clock) = (span.number, span.clock);
            let is_pri = span.signalling == Signalling::Pri;
            let why = match orders.get(&clock).copied().filter(|_| clock > 0) {
                Some(other) => Some(format!(
                    "{clock} is span {other}'s place too, in the order in which spans are asked; give each its own"
                )),
                None if is_pri && network && clock > 0 => Some(
                    "a PBX, which stands at a card with role = \"network\", takes its clock from us: 0 is wanted"
                        .into(),
                ),
                None if is_pri && !network && clock == 0 => {
                    Some("a network gives the clock: with 0 both ends do, and frames slip".into())
                }
                None => None,
            };
            orders.entry(clock).or_insert(number);
            if let Some(why) = why {
                let key = if entry.leaves.contains_key("clock") { "clock" } else { "number" };
                self.warn(entry.place(key), format!("span {number}: clock: {why}"));
            }
        }
    }

    pub(super) fn spans(&mut self, config: &Config, tree: &Tree) {
        self.clocks(config, tree);
        let mut numbers: BTreeMap<u16, &Entry> = BTreeMap::new();
        let mut places: BTreeMap<(&str, u8), &Entry> = BTreeMap::new();
        for (entry, span) in tree.sound("span").zip(&config.span) {
            let number = span.number;
            if let Some(first) = numbers.insert(number, entry) {
                let why = format!("span {number} stands twice; first at {}", first.place("number"));
                self.refuse(entry.place("number"), why);
            }
            if span.card.is_empty() && entry.leaves.contains_key("port") {
                let why = format!("span {number}: port: which card's port it is stands in `card`, which is missing");
                self.refuse(entry.place("port"), why);
            } else if !span.card.is_empty()
                && let Some(first) = places.insert((span.card.as_str(), span.port), entry)
            {
                let why =
                    format!("span {number}: card: port {} of it is another entry's, at {}", span.port, first.origin);
                self.refuse(entry.place("card"), why);
            }
            if let Some((key, why)) = span.misfit() {
                self.refuse(entry.place(key), format!("span {number}: {key}: {why}"));
            }
            if let Err(misfit) = span.try_uses() {
                let items = entry.leaves.get("channels").map(|leaf| leaf.items.as_slice()).unwrap_or_default();
                let origin = items.get(misfit.at).cloned().unwrap_or_else(|| entry.place("channels"));
                let origin = match origin {
                    Origin::File { file, line, column } => {
                        Origin::File { file, line, column: column.saturating_add(misfit.character) }
                    }
                    elsewhere => elsewhere,
                };
                self.refuse(origin, format!("span {number}: channels: {}", misfit.text));
            }
            if !config.card.iter().any(|card| card.kind == CardKind::Dahdi) {
                let why = format!("span {number}: there is no [[card]] of kind \"dahdi\" whose span it could be");
                self.warn(entry.place("number"), why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let text = format!("[[card]]\nkind = \"dahdi\"\n{text}");
        Config::parse(std::path::Path::new("t.toml"), &text).map_err(|refusal| refusal.to_string())
    }

    fn uses(text: &str) -> Vec<(u8, Use)> {
        parse(text).unwrap_or_else(|refusal| panic!("{refusal}")).span[0].uses()
    }

    #[test]
    fn a_pri_has_its_d_channel_where_its_kind_has_it() {
        let e1 = uses("[[span]]\nnumber = 1\nkind = \"e1\"\nsignalling = \"pri\"\nchannels = [\"3-5 unused\"]\n");
        assert_eq!((e1.len(), e1[15], e1[16]), (31, (16, Use::DChannel), (17, Use::Bearer)));
        assert!(e1[2..5].iter().all(|(_, to)| *to == Use::Unused) && e1[5].1 == Use::Bearer);
        let t1 = uses("[[span]]\nnumber = 1\nkind = \"t1\"\nsignalling = \"pri\"\n");
        assert_eq!((t1.len(), t1[23], t1[15]), (24, (24, Use::DChannel), (16, Use::Bearer)));
    }

    #[test]
    fn of_lines_each_channel_may_be_another_thing_and_of_an_analogue_card_those_are_that_are_named() {
        let t1 = uses(
            "[[span]]\nnumber = 1\nkind = \"t1\"\nsignalling = \"fxo\"\nchannels = [\"24 fxs\", \"1-2 fxo-loop\"]\n",
        );
        assert_eq!((t1[0].1, t1[2].1, t1[23].1), (Use::FxoLoopStart, Use::Fxo, Use::Fxs));
        let card = uses("[[span]]\nnumber = 1\nkind = \"analog\"\nchannels = [\"1-2 fxo\", \"4 fxs\"]\n");
        assert_eq!(card, [(1, Use::Fxo), (2, Use::Fxo), (4, Use::Fxs)]);
    }

    #[test]
    fn two_clocks_or_none_are_warned_of() {
        let warned = |role: &str, spans: &[(u16, &str)]| {
            let mut text = format!("[[card]]\nkind = \"dahdi\"\nrole = \"{role}\"\n");
            for (number, more) in spans {
                text += &format!("[[span]]\nnumber = {number}\nkind = \"e1\"\nsignalling = \"pri\"\n{more}\n");
            }
            let loaded = crate::config::sources::of_text(std::path::Path::new("t.toml"), &text).expect("good");
            loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(warned("user", &[(1, ""), (2, "clock = 2")]), "");
        assert!(warned("user", &[(1, ""), (2, "")]).contains("1 is span 1's place too"));
        assert!(warned("user", &[(1, "clock = 0")]).contains("with 0 both ends do"));
        assert!(warned("network", &[(1, "")]).contains("takes its clock from us"));
        assert_eq!(warned("network", &[(1, "clock = 0"), (2, "clock = 0")]), "");
    }

    #[test]
    fn what_does_not_fit_is_refused_where_it_stands() {
        let span = |text: &str| format!("[[span]]\nnumber = 1\nkind = \"t1\"\nsignalling = \"fxo\"\n{text}");
        for (text, wanted) in [
            (span("channels = [\"24 fxs\", \"24 fxo\"]"), "t.toml:7:24: span 1: channels: channel 24 stands twice"),
            (span("channels = [\"25 fxs\"]"), "t.toml:7:14: span 1: channels: channels from 1 to 24 are wanted"),
            (span("channels = [\"5-3 fxs\"]"), "t.toml:7:14: span 1: channels: 5-3: the lower channel comes first"),
            (span("channels = [\"3-5 fsx\"]"), "t.toml:7:18: span 1: channels: \"fsx\": a channel is used as"),
            (span("channels = [\"3\"]"), "a channel and its use are wanted"),
            (span("framing = \"ccs\""), "span 1: framing: a T1 is framed as esf or d4"),
            (span("port = 2"), "span 1: port: which card's port it is stands in `card`"),
            (span("") + &span(""), "span 1 stands twice; first at t.toml:4:10"),
            (span("").replace("t1", "e1"), "span 1: signalling: an E1 carries a PRI"),
            (span("").replace("fxo", "pri") + "channels = [\"24 unused\"]", "channel 24 is the PRI's D channel"),
            (span("").replace("fxo", "pri") + "channels = [\"2 fxs\"]", "part of it or unused"),
        ] {
            let refusal = parse(&text).expect_err(&text);
            assert!(refusal.contains(wanted), "{refusal}\n{wanted}");
        }
    }
}
