//! From the configuration's words to those of the rooms: groups of lines, who may be called. Nothing is
//! decided here but what a missing entry means.

use tipring_analog::callerid::Format;
use tipring_analog::fxs::{self, Telling};
use tipring_analog::{Codes, Manner};
use tipring_card::Micros;
use tipring_card::{SpanId, SpanKind, Use};
use tipring_countries::CallerId;
use tipring_dahdi::{Coding, Framing, Line, Place, SpanSetup};
use tipring_dsp::ZoneId;
use tipring_dsp::fsk::Standard;
use tipring_guard::spending::{self, Limits, Night};
use tipring_isdn::Role;
use tipring_lines::{AnalogLine, Group, LinesConfig, Order, Telephone};
use tipring_numbering::{Class, Form, Plan};

use crate::config::{self, Config, NumberClass, NumberForm, TelephoneCallerId};

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
        telephones: telephones(config),
        uses: uses(config),
        analog_lines: config.lines_that_differ().iter().map(|line| analog_line(line, config)).collect(),
    }
}

/// What channels are used as, where the configuration says it.
fn uses(config: &Config) -> Vec<(SpanId, u8, Use)> {
    let of = |span: &config::SpanEntry| {
        let id = SpanId(span.number);
        span.uses().into_iter().map(move |(timeslot, to)| (id, timeslot, to))
    };
    config.span.iter().flat_map(of).collect()
}

/// A span as DAHDI is to bring it up.
pub fn span(span: &config::SpanEntry) -> SpanSetup {
    let kind = match span.kind {
        config::SpanKind::E1 => SpanKind::E1,
        config::SpanKind::T1 => SpanKind::T1,
        config::SpanKind::Analog => SpanKind::Analog,
    };
    let framing = match (span.framing, kind) {
        (config::Framing::D4, _) => Framing::D4,
        (config::Framing::Esf, _) | (config::Framing::Usual, SpanKind::T1) => Framing::Esf,
        (config::Framing::Ccs | config::Framing::Usual, _) => Framing::Ccs,
    };
    let coding = match (span.coding, kind) {
        (config::Coding::Ami, _) => Coding::Ami,
        (config::Coding::B8zs, _) | (config::Coding::Usual, SpanKind::T1) => Coding::B8zs,
        (config::Coding::Hdb3 | config::Coding::Usual, _) => Coding::Hdb3,
    };
    let crc4 = kind == SpanKind::E1 && span.crc4;
    let line = Line { framing, coding, crc4, build_out: span.build_out, clock: span.clock };
    SpanSetup {
        id: SpanId(span.number),
        place: match span.card.as_str() {
            "" => Place::Number(span.number),
            card => Place::Card { card: card.into(), port: span.port },
        },
        kind,
        line: (kind != SpanKind::Analog).then_some(line),
        uses: span.uses(),
    }
}

/// A line that is used in another way than the others.
fn analog_line(line: &config::LineEntry, config: &Config) -> AnalogLine {
    AnalogLine {
        line: line.line.clone(),
        number: line.number.clone().unwrap_or_default(),
        config: analog(&line.analog(&config.analog), line.zone(config)),
        receive_gain_db: line.receive_gain_db.unwrap_or(0),
        send_gain_db: line.send_gain_db.unwrap_or(0),
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

/// Ports with telephones, and sound devices, which are such ports too.
fn telephones(config: &Config) -> Vec<Telephone> {
    let ports = config.telephone.iter().map(|wanted| telephone(wanted, config));
    ports.chain(config.sound.iter().map(|wanted| sound_device(wanted, config))).collect()
}

/// The telephone that a sound device is.
fn sound_device(wanted: &config::Sound, config: &Config) -> Telephone {
    Telephone {
        line: wanted.line(),
        number: wanted.number.clone(),
        inside_ring_ms: &[],
        config: fxs::Config {
            zone: config.zone(),
            // A loudspeaker would say the caller's number in tones.
            caller_id: Telling::Never,
            // Judged: digits, and not too many.
            hotline: wanted.hotline.as_str().try_into().unwrap_or_default(),
            hands_free: wanted.used_as != config::SoundUse::Handset,
            ..fxs::Config::default()
        },
    }
}

/// A port with a telephone.
pub fn telephone(wanted: &config::Telephone, config: &Config) -> Telephone {
    let keyed = |standard, alert| Manner::Keyed { standard, format: Format::Multiple, alert };
    let form = match wanted.caller_id {
        TelephoneCallerId::Country => of_country(config).unwrap_or(TelephoneCallerId::Bell),
        form => form,
    };
    Telephone {
        line: wanted.line.clone(),
        number: wanted.number.clone(),
        inside_ring_ms: match wanted.inside_ring {
            config::InsideRing::Country => &[],
            config::InsideRing::Double => &[400, 400, 400, 3_800],
            config::InsideRing::Triple => &[300, 300, 300, 300, 300, 3_500],
        },
        config: fxs::Config {
            zone: config.zone(),
            caller_id: match form {
                TelephoneCallerId::None => Telling::Never,
                TelephoneCallerId::V23 => Telling::AfterRing(keyed(Standard::V23, false)),
                TelephoneCallerId::V23Before => Telling::BeforeRing(keyed(Standard::V23, true)),
                TelephoneCallerId::DtmfBefore => Telling::BeforeRing(Manner::Digits(Codes::AToHash)),
                TelephoneCallerId::Bell | TelephoneCallerId::Country => {
                    Telling::AfterRing(keyed(Standard::Bell202, false))
                }
            },
            first_digit: Micros::from_s(wanted.first_digit_s),
            next_digit: Micros::from_s(wanted.next_digit_s),
            disconnect: Micros::from_ms(wanted.disconnect_ms),
            ..fxs::Config::default()
        },
    }
}

/// The country's first form of caller id that a port of ours can send.
fn of_country(config: &Config) -> Option<TelephoneCallerId> {
    let forms = config.country().map(|country| country.caller_id.as_slice()).unwrap_or_default();
    forms.iter().find_map(|form| match form {
        CallerId::BellAfterRing => Some(TelephoneCallerId::Bell),
        CallerId::V23AfterRing => Some(TelephoneCallerId::V23),
        CallerId::V23BeforeRing => Some(TelephoneCallerId::V23Before),
        CallerId::DtmfBeforeRing => Some(TelephoneCallerId::DtmfBefore),
        CallerId::V23Japan | CallerId::DtmfAfterRing | CallerId::Aon => None,
    })
}

/// How analogue lines are used.
pub fn analog(wanted: &config::Analog, zone: ZoneId) -> tipring_analog::Config {
    use tipring_analog::{AnswerSign, Reversal, Trusted};
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
        trusted: Trusted {
            battery: wanted.hang_up_battery,
            reversal: match wanted.hang_up_reversal {
                config::ReversalSign::Ignored => Reversal::Ignored,
                config::ReversalSign::Doubted => Reversal::Doubted,
                config::ReversalSign::Certain => Reversal::Certain,
            },
            tones: wanted.hang_up_tones,
            dial_tone: wanted.hang_up_dial_tone,
        },
        silence_limit: Micros::from_s(wanted.hang_up_silence_s),
        ..tipring_analog::Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a third person writes, and nobody here has ever seen.
    const ELSEWHERE: &str = r#"[zz]
name = "Elsewhere"
dial = ["510"]
ringback = ["610 700/2100"]
busy = ["510 330/170"]
congestion = ["610 200/100/200/500"]
ring_ms = [700, 2100]
caller_id = ["v23-after-ring"]
fxo_mode = "TBR21"
law = "a"
hang_up = ["tone"]
emergency = ["4711"]
framing = "e1"
"#;

    fn elsewhere() -> Config {
        let dir = super::super::outcome::ScratchDir::new().expect("a folder");
        let file = dir.path.join("own.toml");
        std::fs::write(&file, ELSEWHERE).expect("written");
        let text = format!("[box]\ncountry = \"zz\"\ncountries = \"{}\"\n", file.display());
        Config::parse(std::path::Path::new("box.toml"), &text).expect("good")
    }

    /// What a line's handset hears of a tone that is made here, sample by sample.
    fn heard_on_a_line(zone: ZoneId, hz: f64, on_off_ms: [usize; 2]) -> Vec<tipring_analog::Heard> {
        use tipring_analog::{Handset, Listen};
        let mut handset = Handset::new(tipring_card::Law::A, zone);
        handset.listen(Listen::Progress);
        let mut heard = Vec::new();
        for block in 0..400 {
            let mut octets = [0; tipring_card::BLOCK];
            for (at, octet) in octets.iter_mut().enumerate() {
                let n = block * tipring_card::BLOCK + at;
                let sounds = (n / 8) % (on_off_ms[0] + on_off_ms[1]) < on_off_ms[0];
                let value = (std::f64::consts::TAU * hz * n as f64 / 8000.0).sin() * 6000.0;
                *octet = tipring_dsp::alaw_encode(if sounds { value as i16 } else { 0 });
            }
            handset.hear(&octets);
            heard.extend(std::iter::from_fn(|| handset.poll()));
        }
        heard
    }

    #[test]
    fn inst4_a_third_persons_country_is_what_the_box_plays_and_hears() {
        let config = elsewhere();
        let api = ([127, 0, 0, 1], 8080).into();
        let router = super::super::serve::router_config(&config, 1, tipring_resources::Stamp(0), api);
        let lines = lines(&config);
        assert_eq!((router.zone, lines.analog.zone), (config.zone(), config.zone()));
        assert_eq!(iso(&config), "ZZ");
        // Heard: its busy tone on a line of the box, and nobody else's.
        let busy = |zone, hz, on_off| {
            let heard = heard_on_a_line(zone, hz, on_off);
            heard.iter().any(|heard| matches!(heard, tipring_analog::Heard::Busy))
        };
        assert!(busy(lines.analog.zone, 510.0, [330, 170]), "its own");
        assert!(!busy(lines.analog.zone, 425.0, [500, 500]), "Europe's");
        assert!(!busy(ZoneId::default(), 510.0, [330, 170]), "in the United States");
        assert!(busy(ZoneId::of("pt").expect("a zone"), 425.0, [500, 500]), "the measurement itself hears");
        // Played: ringback, by its crossings of zero and its silence.
        let mut samples = vec![0; 8 * 2800];
        tipring_dsp::CadenceTone::new(router.zone.tones().ringback[0], -10.0).fill(&mut samples);
        assert!(samples[8 * 700..].iter().all(|sample| *sample == 0) && samples[..8 * 690].iter().any(|it| *it > 3000));
        let crossings = samples[..8 * 700].windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
        assert!((425..=428).contains(&crossings), "{crossings} in 700 ms of 610 Hz");
        // Help of that country passes whatever is closed.
        let plan = config.dialling_plan();
        assert_eq!((plan.class("4711"), plan.class("4712")), (Class::Emergency, Class::Short));
        assert_eq!(lines.plan, plan);
        assert_eq!(router.plan, plan);
    }

    #[test]
    fn a_line_that_differs_has_settings_of_its_own_and_its_spans_come_before_it() {
        let text = "[box]\ncountry = \"gb\"\n[analog]\nanswer = \"dialled\"\nhang_up_silence_s = 40\n\
                    [[line]]\nline = \"dahdi 3/2\"\nnumber = \"21\"\nreceive_gain_db = 3\nhang_up_tone = \"510 330/170\"\n\
                    [[line]]\nline = \"dahdi 3\"\nsend_gain_db = -2\nhang_up_battery = false\n";
        let config = Config::parse(std::path::Path::new("box.toml"), text).expect("good");
        let lines = lines(&config);
        let [span, line] = &lines.analog_lines[..] else { panic!("{:?}", lines.analog_lines) };
        assert_eq!((span.line.as_str(), line.line.as_str()), ("dahdi 3", "dahdi 3/2"));
        assert_eq!((span.number.as_str(), span.receive_gain_db, span.send_gain_db), ("", 0, -2));
        assert_eq!((line.number.as_str(), line.receive_gain_db, line.send_gain_db), ("21", 3, -2));
        for one in [span, line] {
            assert!(!one.config.trusted.battery && lines.analog.trusted.battery);
            assert_eq!(one.config.answer, tipring_analog::AnswerSign::Dialled);
            assert_eq!(one.config.silence_limit, Micros::from_s(40));
        }
        let busy = |zone, hz, on_off| heard_on_a_line(zone, hz, on_off).contains(&tipring_analog::Heard::Busy);
        assert!(busy(line.config.zone, 510.0, [330, 170]), "the exchange's own");
        assert!(busy(line.config.zone, 400.0, [375, 375]), "its country's");
        assert!(!busy(span.config.zone, 510.0, [330, 170]), "and no other line's");
    }

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
