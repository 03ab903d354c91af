//! Temperature and supply against their limits. A limit that was passed is left only when the figure is well back, so one
//! that trembles about it says so once.

use crate::words::Reading;

/// What is too warm, too low, too high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From here it is warm, in tenths of a degree Celsius.
    pub warm_c10: i16,
    /// From here it is hot.
    pub hot_c10: i16,
    /// So much below a limit it is passed back.
    pub back_c10: i16,
    /// Below this the supply is low, in millivolts.
    pub low_mv: u16,
    /// Above this it is high.
    pub high_mv: u16,
    /// So much within a limit it is passed back.
    pub back_mv: u16,
}

impl Default for Limits {
    /// Of a box with a supply of twelve volts.
    fn default() -> Self {
        Limits { warm_c10: 700, hot_c10: 850, back_c10: 50, low_mv: 10_800, high_mv: 13_200, back_mv: 200 }
    }
}

/// How warm it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heat {
    /// In order.
    #[default]
    Normal,
    /// Warm: look at the fan.
    Warm,
    /// Hot: parts age, and may fail.
    Hot,
}

/// How the supply is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Supply {
    /// In order.
    #[default]
    Normal,
    /// Too low.
    Low,
    /// Too high.
    High,
}

/// Both, as they were told last.
#[derive(Default)]
pub(super) struct Levels {
    limits: Limits,
    pub(super) reading: Reading,
    pub(super) heat: Heat,
    pub(super) supply: Supply,
}

impl Levels {
    pub(super) fn new(limits: Limits) -> Self {
        Levels { limits, ..Levels::default() }
    }

    /// What has changed by a reading. A sensor that says nothing changes nothing.
    pub(super) fn read(&mut self, reading: Reading) -> (Option<Heat>, Option<Supply>) {
        self.reading = reading;
        let heat = reading.temperature_c10.map_or(self.heat, |c10| self.heat_of(c10));
        let supply = reading.supply_mv.map_or(self.supply, |mv| self.supply_of(mv));
        let heat_before = core::mem::replace(&mut self.heat, heat);
        let supply_before = core::mem::replace(&mut self.supply, supply);
        (Some(heat).filter(|heat| *heat != heat_before), Some(supply).filter(|supply| *supply != supply_before))
    }

    fn heat_of(&self, c10: i16) -> Heat {
        let Limits { warm_c10, hot_c10, back_c10, .. } = self.limits;
        let passed = |limit: i16, beyond: bool| c10 >= if beyond { limit.saturating_sub(back_c10) } else { limit };
        if passed(hot_c10, self.heat == Heat::Hot) {
            Heat::Hot
        } else if passed(warm_c10, self.heat >= Heat::Warm) {
            Heat::Warm
        } else {
            Heat::Normal
        }
    }

    fn supply_of(&self, mv: u16) -> Supply {
        let Limits { low_mv, high_mv, back_mv, .. } = self.limits;
        let low = if self.supply == Supply::Low { low_mv.saturating_add(back_mv) } else { low_mv };
        let high = if self.supply == Supply::High { high_mv.saturating_sub(back_mv) } else { high_mv };
        if mv < low {
            Supply::Low
        } else if mv > high {
            Supply::High
        } else {
            Supply::Normal
        }
    }
}

impl Heat {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Heat::Normal => "normal",
            Heat::Warm => "warm",
            Heat::Hot => "hot",
        }
    }
}

impl Supply {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Supply::Normal => "normal",
            Supply::Low => "low",
            Supply::High => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(levels: &mut Levels, c10: i16, mv: u16) -> (Option<Heat>, Option<Supply>) {
        levels.read(Reading { temperature_c10: Some(c10), supply_mv: Some(mv) })
    }

    #[test]
    fn a_figure_that_trembles_about_its_limit_says_so_once() {
        let mut levels = Levels::new(Limits::default());
        assert_eq!(read(&mut levels, 699, 10_800), (None, None));
        assert_eq!(read(&mut levels, 700, 10_799), (Some(Heat::Warm), Some(Supply::Low)));
        for _ in 0..100 {
            assert_eq!(read(&mut levels, 699, 10_801), (None, None));
            assert_eq!(read(&mut levels, 701, 10_999), (None, None));
        }
        assert_eq!(read(&mut levels, 649, 11_000), (Some(Heat::Normal), Some(Supply::Normal)));
    }

    #[test]
    fn from_hot_the_way_back_is_by_warm_unless_it_is_cold() {
        let mut levels = Levels::new(Limits::default());
        assert_eq!(read(&mut levels, 851, 12_000).0, Some(Heat::Hot));
        assert_eq!(read(&mut levels, 801, 12_000).0, None);
        assert_eq!(read(&mut levels, 799, 12_000).0, Some(Heat::Warm));
        assert_eq!(read(&mut levels, 900, 12_000).0, Some(Heat::Hot));
        assert_eq!(read(&mut levels, -400, 12_000).0, Some(Heat::Normal));
    }

    #[test]
    fn a_supply_goes_from_one_fault_to_the_other_at_once() {
        let mut levels = Levels::new(Limits::default());
        assert_eq!(read(&mut levels, 200, 0).1, Some(Supply::Low));
        assert_eq!(read(&mut levels, 200, 14_000).1, Some(Supply::High));
        assert_eq!(read(&mut levels, 200, 13_100).1, None);
        assert_eq!(read(&mut levels, 200, 13_000).1, Some(Supply::Normal));
    }

    #[test]
    fn a_sensor_that_says_nothing_changes_nothing_and_extremes_overflow_nothing() {
        let mut levels = Levels::new(Limits { back_c10: i16::MAX, back_mv: u16::MAX, ..Limits::default() });
        for (c10, mv) in [(i16::MAX, u16::MAX), (i16::MIN + 1, 0), (i16::MAX, 0)] {
            read(&mut levels, c10, mv);
        }
        let before = (levels.heat, levels.supply);
        assert_eq!(levels.read(Reading::default()), (None, None));
        assert_eq!((levels.heat, levels.supply), before);
    }
}
