//! The tones of the world's telephone networks: what dial tone, ringback, busy and congestion sound like, country by
//! country. A table and its reading; who generates and who listens stands elsewhere.
//!
//! Source: ITU-T E.180 supplement 2 and the zone table of DAHDI's tools, compared.

/// A country's place in the table. Cheap to copy, so that it may travel in commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(u8);

/// A sound and its rhythm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cadence {
    /// One or two frequencies that sound together; 0 = none.
    pub hz: [u16; 2],
    /// The second frequency modulates the first instead of being added.
    pub modulated: bool,
    /// On and off in turn, in milliseconds; empty: without end.
    pub on_off_ms: &'static [u16],
}

/// The tones of one country.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zone {
    /// ISO 3166 code in lower case.
    pub code: &'static str,
    /// Dial tone; one entry for each form that is met.
    pub dial: &'static [Cadence],
    /// Ringback.
    pub ringback: &'static [Cadence],
    /// Busy.
    pub busy: &'static [Cadence],
    /// Congestion, reorder.
    pub congestion: &'static [Cadence],
}

impl ZoneId {
    /// The zone of a country's code, in either case; `us-old` too. `None`: not in the table.
    pub fn of(code: &str) -> Option<ZoneId> {
        let at = ZONES.iter().position(|zone| zone.code.eq_ignore_ascii_case(code))?;
        u8::try_from(at).ok().map(ZoneId)
    }

    /// Its tones.
    pub fn tones(self) -> &'static Zone {
        ZONES.get(usize::from(self.0)).unwrap_or(&ZONES[0])
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = ZoneId> {
        (0..ZONES.len()).filter_map(|at| u8::try_from(at).ok()).map(ZoneId)
    }
}

impl Default for ZoneId {
    /// The United States, the first of the table.
    fn default() -> Self {
        ZoneId(0)
    }
}

const fn tone(hz: [u16; 2], on_off_ms: &'static [u16]) -> Cadence {
    Cadence { hz, modulated: false, on_off_ms }
}

static ZONES: &[Zone] = &[Zone {
    code: "us",
    dial: &[tone([350, 440], &[])],
    ringback: &[tone([440, 480], &[2000, 4000])],
    busy: &[tone([480, 620], &[500, 500])],
    congestion: &[tone([480, 620], &[250, 250])],
}];
