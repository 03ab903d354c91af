//! What an LED shows for which state: one table. No two states of a line, and no two of the box, have the same pattern, so
//! whoever cannot tell the colours apart can tell the states apart. It lights nothing; the chip knows how.

/// What an LED shines in. A board that has fewer colours shows the nearest, as the patterns say it all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Colour {
    /// None: dark.
    #[default]
    Dark = 0,
    /// Green: in order.
    Green = 1,
    /// Amber: in order, but not all of it; somebody may look.
    Amber = 2,
    /// Red: out of order.
    Red = 3,
    /// Blue: somebody else has it.
    Blue = 4,
    /// White.
    White = 5,
}

/// How it shines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Pattern {
    /// Not at all.
    #[default]
    Off = 0x00,
    /// All the time.
    Steady = 0x01,
    /// Two seconds on, two off.
    Slow = 0x02,
    /// Half a second on, half a second off.
    Blink = 0x03,
    /// A tenth on, a tenth off.
    Fast = 0x04,
    /// Dark, with one flash in three seconds.
    Flash1 = 0x11,
    /// Two flashes.
    Flash2 = 0x12,
    /// Three.
    Flash3 = 0x13,
    /// Four.
    Flash4 = 0x14,
    /// Five.
    Flash5 = 0x15,
    /// Six.
    Flash6 = 0x16,
    /// Lit, with one gap in three seconds.
    Wink1 = 0x21,
    /// Two gaps.
    Wink2 = 0x22,
    /// Three.
    Wink3 = 0x23,
}

/// What one LED shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// How.
    pub pattern: Pattern,
    /// In what.
    pub colour: Colour,
}

impl Look {
    /// Dark.
    pub const DARK: Look = Look { pattern: Pattern::Off, colour: Colour::Dark };
}

const fn look(colour: Colour, pattern: Pattern) -> Look {
    Look { pattern, colour }
}

/// The LED of the whole box. It shows [`Appliance`], and what the chip has to say itself.
pub const BOX_LED: u8 = 0;

/// Whether the LED shines `at_ms` after its pattern began: what the pattern's words mean exactly.
pub const fn is_lit(pattern: Pattern, at_ms: u64) -> bool {
    let (cycle_ms, first_ms) = (at_ms % CYCLE_MS, at_ms % (2 * FLASH_MS));
    let flashes = match pattern {
        Pattern::Off => return false,
        Pattern::Steady => return true,
        Pattern::Slow => return at_ms % 4000 < 2000,
        Pattern::Blink => return at_ms % 1000 < 500,
        Pattern::Fast => return at_ms % 200 < 100,
        Pattern::Flash1 | Pattern::Wink1 => 1,
        Pattern::Flash2 | Pattern::Wink2 => 2,
        Pattern::Flash3 | Pattern::Wink3 => 3,
        Pattern::Flash4 => 4,
        Pattern::Flash5 => 5,
        Pattern::Flash6 => 6,
    };
    let flash = cycle_ms < flashes * 2 * FLASH_MS && first_ms < FLASH_MS;
    flash != matches!(pattern, Pattern::Wink1 | Pattern::Wink2 | Pattern::Wink3)
}

/// Length of a flash, of the pause behind it, and of a gap.
pub const FLASH_MS: u64 = 150;
/// Length of a cycle of flashes.
pub const CYCLE_MS: u64 = 3000;

/// What a line is doing, as its LED tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Ready, no call.
    Idle,
    /// A call comes in.
    Ringing,
    /// A call goes out and nobody has answered yet.
    Dialling,
    /// In a call.
    InCall,
    /// The telephone on it is off hook, without a call.
    OffHook,
    /// Lent to the line doctor.
    Doctor,
    /// Taken out of use: by the operator, or by the other end.
    Blocked,
    /// No battery on it: nothing is plugged in.
    Unplugged,
    /// Loss of signal or frame.
    RedAlarm,
    /// The other end has an alarm.
    YellowAlarm,
    /// The network between has an alarm.
    BlueAlarm,
    /// In order, but nobody speaks on its D channel.
    DChannelDown,
    /// The card, or the channel, is gone.
    Gone,
    /// Not in the configuration.
    Disabled,
}

impl Line {
    /// All of them.
    pub const ALL: [Line; 14] = [
        Line::Idle,
        Line::Ringing,
        Line::Dialling,
        Line::InCall,
        Line::OffHook,
        Line::Doctor,
        Line::Blocked,
        Line::Unplugged,
        Line::RedAlarm,
        Line::YellowAlarm,
        Line::BlueAlarm,
        Line::DChannelDown,
        Line::Gone,
        Line::Disabled,
    ];

    /// What its LED shows.
    pub const fn look(self) -> Look {
        match self {
            Line::Idle => look(Colour::Green, Pattern::Steady),
            Line::Ringing => look(Colour::Green, Pattern::Fast),
            Line::Dialling => look(Colour::Green, Pattern::Blink),
            Line::InCall => look(Colour::Green, Pattern::Wink1),
            Line::OffHook => look(Colour::Green, Pattern::Wink2),
            Line::Doctor => look(Colour::Blue, Pattern::Wink3),
            Line::Blocked => look(Colour::Amber, Pattern::Slow),
            Line::Unplugged => look(Colour::Amber, Pattern::Flash1),
            Line::Gone => look(Colour::Red, Pattern::Flash2),
            Line::RedAlarm => look(Colour::Red, Pattern::Flash3),
            Line::YellowAlarm => look(Colour::Amber, Pattern::Flash4),
            Line::BlueAlarm => look(Colour::Blue, Pattern::Flash5),
            Line::DChannelDown => look(Colour::Red, Pattern::Flash6),
            Line::Disabled => Look::DARK,
        }
    }

    /// In words, for whoever asks the running service.
    pub const fn word(self) -> &'static str {
        match self {
            Line::Idle => "idle",
            Line::Ringing => "ringing",
            Line::Dialling => "dialling",
            Line::InCall => "in-call",
            Line::OffHook => "off-hook",
            Line::Doctor => "doctor",
            Line::Blocked => "blocked",
            Line::Unplugged => "unplugged",
            Line::RedAlarm => "red-alarm",
            Line::YellowAlarm => "yellow-alarm",
            Line::BlueAlarm => "blue-alarm",
            Line::DChannelDown => "d-channel-down",
            Line::Gone => "gone",
            Line::Disabled => "disabled",
        }
    }
}

/// What the whole box is doing, as its own LED tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appliance {
    /// It has power, and no service has spoken with the chip yet, or the service is not ready yet.
    Starting,
    /// Calls can be taken on all lines.
    Ready,
    /// Calls can be taken, not on all lines or not with all that belongs to them.
    Degraded,
    /// The audio path stands still; the relays will let go.
    NoMedia,
    /// The relays have let go: the lines are connected straight through.
    RelayReleased,
}

impl Appliance {
    /// All of them.
    pub const ALL: [Appliance; 5] =
        [Appliance::Starting, Appliance::Ready, Appliance::Degraded, Appliance::NoMedia, Appliance::RelayReleased];

    /// What its LED shows.
    pub const fn look(self) -> Look {
        match self {
            Appliance::Starting => look(Colour::Amber, Pattern::Blink),
            Appliance::Ready => look(Colour::Green, Pattern::Steady),
            Appliance::Degraded => look(Colour::Amber, Pattern::Flash1),
            Appliance::NoMedia => look(Colour::Red, Pattern::Fast),
            Appliance::RelayReleased => look(Colour::Red, Pattern::Slow),
        }
    }

    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Appliance::Starting => "starting",
            Appliance::Ready => "ready",
            Appliance::Degraded => "degraded",
            Appliance::NoMedia => "no-media",
            Appliance::RelayReleased => "relay-released",
        }
    }
}

impl Colour {
    /// From its octet.
    pub const fn from_octet(octet: u8) -> Option<Colour> {
        Some(match octet {
            0 => Colour::Dark,
            1 => Colour::Green,
            2 => Colour::Amber,
            3 => Colour::Red,
            4 => Colour::Blue,
            5 => Colour::White,
            _ => return None,
        })
    }
}

impl Pattern {
    /// From its octet.
    pub const fn from_octet(octet: u8) -> Option<Pattern> {
        Some(match octet {
            0x00 => Pattern::Off,
            0x01 => Pattern::Steady,
            0x02 => Pattern::Slow,
            0x03 => Pattern::Blink,
            0x04 => Pattern::Fast,
            0x11 => Pattern::Flash1,
            0x12 => Pattern::Flash2,
            0x13 => Pattern::Flash3,
            0x14 => Pattern::Flash4,
            0x15 => Pattern::Flash5,
            0x16 => Pattern::Flash6,
            0x21 => Pattern::Wink1,
            0x22 => Pattern::Wink2,
            0x23 => Pattern::Wink3,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    /// Typed by hand, not taken from above: word, colour, pattern.
    const LINES: [(&str, &str, &str); 14] = [
        ("idle", "Green", "Steady"),
        ("ringing", "Green", "Fast"),
        ("dialling", "Green", "Blink"),
        ("in-call", "Green", "Wink1"),
        ("off-hook", "Green", "Wink2"),
        ("doctor", "Blue", "Wink3"),
        ("blocked", "Amber", "Slow"),
        ("unplugged", "Amber", "Flash1"),
        ("red-alarm", "Red", "Flash3"),
        ("yellow-alarm", "Amber", "Flash4"),
        ("blue-alarm", "Blue", "Flash5"),
        ("d-channel-down", "Red", "Flash6"),
        ("gone", "Red", "Flash2"),
        ("disabled", "Dark", "Off"),
    ];
    const BOX: [(&str, &str, &str); 5] = [
        ("starting", "Amber", "Blink"),
        ("ready", "Green", "Steady"),
        ("degraded", "Amber", "Flash1"),
        ("no-media", "Red", "Fast"),
        ("relay-released", "Red", "Slow"),
    ];

    fn written(word: &'static str, look: Look) -> (&'static str, String, String) {
        (word, std::format!("{:?}", look.colour), std::format!("{:?}", look.pattern))
    }

    #[test]
    fn every_state_of_a_line_and_of_the_box_shows_what_the_table_says() {
        let lines: Vec<_> = Line::ALL.iter().map(|line| written(line.word(), line.look())).collect();
        assert_eq!(lines, LINES.map(|(word, colour, pattern)| (word, colour.into(), pattern.into())));
        let of_box: Vec<_> = Appliance::ALL.iter().map(|state| written(state.word(), state.look())).collect();
        assert_eq!(of_box, BOX.map(|(word, colour, pattern)| (word, colour.into(), pattern.into())));
    }

    /// What is seen of a pattern in twelve seconds, which every pattern divides.
    fn seen(pattern: Pattern) -> String {
        (0..12_000).step_by(10).map(|at| if is_lit(pattern, at) { '#' } else { ' ' }).collect()
    }

    #[test]
    fn no_two_states_are_told_by_colour_alone() {
        for looks in [Line::ALL.map(Line::look).to_vec(), Appliance::ALL.map(Appliance::look).to_vec()] {
            for (at, look) in looks.iter().enumerate() {
                let same = looks[..at].iter().find(|other| seen(other.pattern) == seen(look.pattern));
                assert_eq!(same, None, "{look:?}");
            }
        }
    }

    #[test]
    fn flashes_and_gaps_are_as_many_as_the_pattern_says() {
        let edges = |pattern, from, to| {
            let lit = |at: u64| is_lit(pattern, at + CYCLE_MS - 1);
            (1..=CYCLE_MS).filter(|at| lit(*at) == to && lit(at - 1) == from).count()
        };
        for (pattern, count) in [
            (Pattern::Flash1, 1),
            (Pattern::Flash2, 2),
            (Pattern::Flash3, 3),
            (Pattern::Flash4, 4),
            (Pattern::Flash5, 5),
            (Pattern::Flash6, 6),
        ] {
            assert_eq!(edges(pattern, false, true), count, "{pattern:?}");
        }
        for (pattern, count) in [(Pattern::Wink1, 1), (Pattern::Wink2, 2), (Pattern::Wink3, 3)] {
            assert_eq!(edges(pattern, true, false), count, "{pattern:?}");
        }
    }

    #[test]
    fn octets_of_colours_and_patterns_are_those_of_their_names_and_no_others() {
        for octet in 0..=u8::MAX {
            assert!(Colour::from_octet(octet).is_none_or(|colour| colour as u8 == octet));
            assert!(Pattern::from_octet(octet).is_none_or(|pattern| pattern as u8 == octet));
        }
        assert_eq!((0..=u8::MAX).filter_map(Colour::from_octet).count(), 6);
        assert_eq!((0..=u8::MAX).filter_map(Pattern::from_octet).count(), 14);
    }
}
