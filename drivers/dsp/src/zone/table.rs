//! The table itself: one row for each country, its commonest form first. Where the two sources disagree both forms stand
//! there, since a listener must accept either. The United States come first: they are the default.
//!
//! Source: ITU-T E.180 supplement 2 and the zone table of DAHDI's tools, compared; facts only. A row
//! names what differs from the commonest European or American form.

use super::{Cadence, Information, Zone};

const fn tone(hz: [u16; 2], on_off_ms: &'static [u16]) -> Cadence {
    Cadence { hz, modulated: false, on_off_ms }
}

const fn one(hz: u16, on_off_ms: &'static [u16]) -> Cadence {
    tone([hz, 0], on_off_ms)
}

/// A carrier and what modulates it.
const fn am(carrier: u16, by: u16, on_off_ms: &'static [u16]) -> Cadence {
    Cadence { hz: [carrier, by], modulated: true, on_off_ms }
}

const fn rising(hz: [u16; 3]) -> Information {
    Information::Rising { hz, ms: [330; 3], gap_ms: 0, pause_ms: 1000 }
}

const fn parted(hz: [u16; 3], ms: u16, gap_ms: u16) -> Information {
    Information::Rising { hz, ms: [ms; 3], gap_ms, pause_ms: 1000 }
}

/// Endless.
const ON: &[u16] = &[];
/// The double ring of Britain and of whom she taught.
const DOUBLE: &[u16] = &[400, 200, 400, 2000];
/// 950, 1400 and 1800 Hz, a third of a second each.
const SIT: &[Information] = &[rising([950, 1400, 1800])];

/// Finland and Estonia: 950 Hz for 325 ms, then 1400 Hz for 1300 ms (950 Hz for 650 ms goes before, 325 ms of silence
/// between).
const NORTHERN: &[Information] =
    &[Information::Rising { hz: [950, 1400, 0], ms: [325, 1300, 0], gap_ms: 30, pause_ms: 2600 }];

/// 425 Hz for everything.
const EUROPE: Zone = Zone {
    code: "",
    name: "",
    dial: &[one(425, ON)],
    ringback: &[one(425, &[1000, 4000])],
    busy: &[one(425, &[500, 500])],
    congestion: &[one(425, &[200, 200])],
    congestion_step_db: 0,
    information: SIT,
    ring_ms: &[1000, 4000],
};

/// The pairs of North America.
const AMERICA: Zone = Zone {
    dial: &[tone([350, 440], ON)],
    ringback: &[tone([440, 480], &[2000, 4000])],
    busy: &[tone([480, 620], &[500, 500])],
    congestion: &[tone([480, 620], &[250, 250])],
    ring_ms: &[2000, 4000],
    ..EUROPE
};

pub(super) static ZONES: &[Zone] = &[
    Zone { code: "us", name: "United States, Canada", ..AMERICA },
    Zone {
        code: "us-old",
        name: "United States, the old tones",
        ringback: &[am(420, 40, &[2000, 4000])],
        busy: &[am(500, 100, &[500, 500])],
        congestion: &[am(500, 100, &[250, 250])],
        ..AMERICA
    },
    Zone {
        code: "gb",
        name: "United Kingdom",
        dial: &[tone([350, 440], ON)],
        ringback: &[tone([400, 450], DOUBLE)],
        busy: &[one(400, &[375, 375])],
        congestion: &[one(400, &[400, 350, 225, 525])],
        information: &[parted([950, 1400, 1800], 330, 15)],
        ring_ms: DOUBLE,
        ..EUROPE
    },
    // Dial tone is 400, 425 and 450 Hz at once, which is what the modulation makes.
    Zone {
        code: "ie",
        name: "Ireland",
        dial: &[am(425, 25, ON)],
        ringback: &[tone([400, 450], DOUBLE)],
        congestion: &[],
        information: &[parted([950, 1400, 1800], 333, 0)],
        ring_ms: DOUBLE,
        ..EUROPE
    },
    Zone {
        code: "au",
        name: "Australia",
        dial: &[tone([415, 440], ON), tone([400, 450], ON)],
        ringback: &[tone([413, 438], DOUBLE)],
        busy: &[one(425, &[375, 375]), one(400, &[375, 375])],
        congestion: &[one(425, &[375, 375])],
        congestion_step_db: -10,
        information: &[Information::Rhythm(one(425, &[2500, 500]))],
        ring_ms: DOUBLE,
    },
    Zone {
        code: "nz",
        name: "New Zealand",
        dial: &[one(400, ON)],
        ringback: &[tone([400, 450], DOUBLE)],
        busy: &[one(400, &[500, 500])],
        congestion: &[one(400, &[250, 250]), one(900, &[250, 250])],
        information: &[Information::Rhythm(one(400, &[750, 100, 750, 100, 750, 100, 750, 400]))],
        ring_ms: DOUBLE,
        ..EUROPE
    },
    Zone {
        code: "fr",
        name: "France",
        dial: &[one(440, ON)],
        ringback: &[one(440, &[1500, 3500])],
        busy: &[one(440, &[500, 500])],
        congestion: &[one(440, &[250, 250])],
        information: &[rising([950, 1400, 1800]), parted([950, 1400, 1800], 300, 30)],
        ring_ms: &[1500, 3500],
        ..EUROPE
    },
    Zone {
        code: "de",
        name: "Germany",
        dial: &[one(425, ON), one(450, ON)],
        busy: &[one(425, &[480, 480])],
        congestion: &[one(425, &[240, 240])],
        ..EUROPE
    },
    Zone {
        code: "at",
        name: "Austria",
        dial: &[one(420, ON)],
        ringback: &[one(420, &[1000, 5000])],
        busy: &[one(420, &[400, 400])],
        congestion: &[one(420, &[200, 200])],
        information: &[rising([950, 1450, 1850]), rising([950, 1400, 1800])],
        ring_ms: &[1000, 5000],
        ..EUROPE
    },
    Zone { code: "ch", name: "Switzerland", busy: &[one(425, &[500, 500]), one(425, &[250, 250])], ..EUROPE },
    Zone {
        code: "nl",
        name: "Netherlands",
        busy: &[one(425, &[500, 500]), one(425, &[250, 250])],
        congestion: &[one(425, &[250, 250])],
        ..EUROPE
    },
    Zone {
        code: "be",
        name: "Belgium",
        ringback: &[one(425, &[1000, 3000])],
        congestion: &[one(425, &[167, 167])],
        information: &[rising([900, 1400, 1800]), rising([900, 1380, 1860])],
        ring_ms: &[1000, 3000],
        ..EUROPE
    },
    Zone {
        code: "es",
        name: "Spain",
        ringback: &[one(425, &[1500, 3000])],
        busy: &[one(425, &[200, 200])],
        congestion: &[one(425, &[200, 200, 200, 200, 200, 600])],
        information: &[Information::Rhythm(one(950, &[330, 1000])), rising([950, 1400, 1800])],
        ring_ms: &[1500, 3000],
        ..EUROPE
    },
    Zone {
        code: "it",
        name: "Italy",
        dial: &[one(425, &[200, 200, 600, 1000]), one(425, &[600, 1000, 200, 200])],
        busy: &[one(425, &[500, 500]), one(425, &[200, 200])],
        ..EUROPE
    },
    Zone { code: "pt", name: "Portugal", ringback: &[one(425, &[1000, 5000])], ring_ms: &[1000, 5000], ..EUROPE },
    Zone {
        code: "se",
        name: "Sweden",
        ringback: &[one(425, &[1000, 5000])],
        busy: &[one(425, &[250, 250])],
        congestion: &[one(425, &[250, 750])],
        information: &[parted([950, 1400, 1800], 330, 24)],
        ring_ms: &[1000, 5000],
        ..EUROPE
    },
    Zone { code: "no", name: "Norway", congestion: &[one(425, &[200, 200]), one(425, &[250, 250])], ..EUROPE },
    Zone {
        code: "dk",
        name: "Denmark",
        busy: &[one(425, &[500, 500]), one(425, &[250, 250])],
        congestion: &[one(425, &[200, 200]), one(425, &[250, 250])],
        ..EUROPE
    },
    Zone { code: "fi", name: "Finland", busy: &[one(425, &[300, 300])], information: NORTHERN, ..EUROPE },
    Zone { code: "pl", name: "Poland", congestion: &[one(425, &[500, 500])], ..EUROPE },
    Zone {
        code: "cz",
        name: "Czechia",
        dial: &[one(425, &[330, 330, 660, 660])],
        busy: &[one(425, &[330, 330])],
        congestion: &[one(425, &[165, 165])],
        ..EUROPE
    },
    Zone {
        code: "hu",
        name: "Hungary",
        ringback: &[one(425, &[1250, 3750])],
        busy: &[one(425, &[300, 300])],
        congestion: &[one(425, &[300, 300])],
        ring_ms: &[1250, 3750],
        ..EUROPE
    },
    Zone {
        code: "gr",
        name: "Greece",
        dial: &[one(425, &[200, 300, 700, 800])],
        busy: &[one(425, &[300, 300])],
        congestion: &[one(425, &[200, 200]), one(425, &[150, 150])],
        ..EUROPE
    },
    Zone {
        code: "ru",
        name: "Russia",
        ringback: &[one(425, &[1000, 4000]), one(425, &[800, 3200])],
        busy: &[one(425, &[350, 350]), one(425, &[400, 400])],
        congestion: &[one(425, &[175, 175])],
        information: &[rising([950, 1440, 1800])],
        ..EUROPE
    },
    Zone {
        code: "tr",
        name: "Türkiye",
        dial: &[one(450, ON)],
        ringback: &[one(450, &[2000, 4000])],
        busy: &[one(450, &[500, 500])],
        congestion: &[one(450, &[200, 200, 200, 200, 200, 200, 600, 200])],
        information: &[Information::Rhythm(tone([950, 1400], &[300, 1000]))],
        ring_ms: &[2000, 4000],
        ..EUROPE
    },
    Zone {
        code: "il",
        name: "Israel",
        dial: &[one(414, ON)],
        ringback: &[one(414, &[1000, 3000])],
        busy: &[one(414, &[500, 500])],
        congestion: &[one(414, &[250, 250])],
        information: &[rising([1000, 1400, 1800]), rising([975, 1400, 1800])],
        ring_ms: &[1000, 3000],
        ..EUROPE
    },
    Zone {
        code: "za",
        name: "South Africa",
        dial: &[am(400, 33, ON), tone([367, 433], ON)],
        ringback: &[am(400, 33, DOUBLE)],
        busy: &[one(400, &[500, 500])],
        congestion: &[one(400, &[250, 250])],
        ring_ms: DOUBLE,
        ..EUROPE
    },
    Zone {
        code: "in",
        name: "India",
        dial: &[am(400, 25, ON)],
        ringback: &[am(400, 25, DOUBLE)],
        busy: &[one(400, &[750, 750])],
        congestion: &[one(400, &[250, 250])],
        ring_ms: DOUBLE,
        ..EUROPE
    },
    Zone {
        code: "cn",
        name: "China",
        dial: &[one(450, ON)],
        ringback: &[one(450, &[1000, 4000])],
        busy: &[one(450, &[350, 350])],
        congestion: &[one(450, &[700, 700])],
        information: &[Information::Rhythm(one(450, &[100, 100, 100, 100, 100, 100, 400, 400]))],
        ..EUROPE
    },
    // One source adds the 15 Hz to the carrier; no telephone line carries 15 Hz, so it modulates.
    Zone {
        code: "jp",
        name: "Japan",
        dial: &[one(400, ON)],
        ringback: &[am(400, 15, &[1000, 2000]), tone([384, 416], &[1000, 2000])],
        busy: &[one(400, &[500, 500])],
        congestion: &[one(400, &[500, 500])],
        ring_ms: &[1000, 2000],
        ..EUROPE
    },
    Zone {
        code: "kr",
        name: "Korea",
        ringback: &[tone([440, 480], &[1000, 2000])],
        congestion: &[tone([480, 620], &[300, 200])],
        information: &[Information::Rhythm(one(450, &[200, 100, 200, 1500]))],
        ring_ms: &[1000, 2000],
        ..AMERICA
    },
    Zone {
        code: "hk",
        name: "Hong Kong",
        ringback: &[tone([440, 480], &[400, 200, 400, 3000])],
        information: &[Information::Rhythm(tone([480, 620], ON))],
        ring_ms: &[400, 200, 400, 3000],
        ..AMERICA
    },
    Zone {
        code: "tw",
        name: "Taiwan",
        ringback: &[tone([440, 480], &[1000, 2000])],
        ring_ms: &[1000, 4000],
        ..AMERICA
    },
    Zone {
        code: "sg",
        name: "Singapore",
        ringback: &[am(425, 24, DOUBLE)],
        busy: &[one(425, &[750, 750])],
        congestion: &[one(425, &[250, 250])],
        ring_ms: DOUBLE,
        ..EUROPE
    },
    Zone {
        code: "my",
        name: "Malaysia",
        ringback: &[one(425, DOUBLE)],
        congestion: &[one(425, &[500, 500]), one(425, &[250, 250])],
        ring_ms: DOUBLE,
        ..EUROPE
    },
    Zone {
        code: "th",
        name: "Thailand",
        dial: &[am(400, 50, ON)],
        ringback: &[one(400, &[1000, 4000])],
        busy: &[one(400, &[500, 500])],
        congestion: &[one(400, &[300, 300])],
        ..EUROPE
    },
    Zone {
        code: "ph",
        name: "Philippines",
        ringback: &[tone([425, 480], &[1000, 4000])],
        busy: &[tone([480, 620], &[500, 500])],
        congestion: &[tone([480, 620], &[250, 250])],
        ..EUROPE
    },
    Zone {
        code: "br",
        name: "Brazil",
        busy: &[one(425, &[250, 250])],
        congestion: &[one(425, &[250, 250, 750, 250])],
        ..EUROPE
    },
    Zone {
        code: "mx",
        name: "Mexico",
        busy: &[one(425, &[250, 250])],
        congestion: &[one(425, &[250, 250])],
        information: &[parted([950, 1400, 1800], 330, 30)],
        ring_ms: &[2000, 4000],
        ..EUROPE
    },
    Zone {
        code: "ar",
        name: "Argentina",
        ringback: &[one(425, &[1000, 4500]), one(425, &[1000, 4000])],
        busy: &[one(425, &[300, 300]), one(425, &[300, 200])],
        congestion: &[one(425, &[200, 300]), one(425, &[300, 400])],
        information: &[Information::Rhythm(one(425, &[100, 100]))],
        ring_ms: &[1000, 4500],
        ..EUROPE
    },
    Zone {
        code: "cl",
        name: "Chile",
        dial: &[one(400, ON)],
        ringback: &[one(400, &[1000, 3000])],
        busy: &[one(400, &[500, 500])],
        congestion: &[one(400, &[200, 200])],
        ring_ms: &[1000, 3000],
        ..EUROPE
    },
    Zone {
        code: "ae",
        name: "United Arab Emirates",
        dial: &[tone([350, 440], ON)],
        ringback: &[tone([400, 425], DOUBLE)],
        busy: &[one(400, &[375, 375])],
        congestion: &[one(425, &[400, 350, 225, 525])],
        information: &[rising([950, 1450, 1850])],
        ring_ms: &[1500, 4000],
        ..EUROPE
    },
    Zone {
        code: "ve",
        name: "Venezuela",
        congestion: &[one(425, &[250, 250])],
        information: &[rising([950, 1440, 1800])],
        ..EUROPE
    },
    Zone {
        code: "sa",
        name: "Saudi Arabia",
        ringback: &[one(425, &[1200, 4600])],
        congestion: &[],
        information: &[],
        ring_ms: &[1200, 4600],
        ..EUROPE
    },
    Zone { code: "bg", name: "Bulgaria", congestion: &[one(425, &[250, 250])], ..EUROPE },
    Zone { code: "ee", name: "Estonia", busy: &[one(425, &[300, 300])], information: NORTHERN, ..EUROPE },
    Zone { code: "lt", name: "Lithuania", busy: &[one(425, &[350, 350])], ..EUROPE },
];
