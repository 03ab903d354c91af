//! The telephone networks of the world: tones, caller id, electrics, law, hang-up signs, emergency numbers and framing of
//! each country, from one data file, `countries.toml`. Whoever misses a country writes an entry there or into a file of
//! his own; [`read`] judges it, with the place and the remedy of every complaint.
//!
//! Not here: what the tones sound like as samples and who listens to them (`dsp`, whose table is generated from the same
//! file), and dialling plans (`numbering`).
#![forbid(unsafe_code)]

mod book;
mod fault;
mod form;
mod near;
mod read;
mod room;
mod tone;
mod words;

use std::sync::OnceLock;

use serde::Serialize;

pub use book::Book;
pub use fault::Fault;
pub use form::ToneKind;
pub use read::{
    CODE_CHARS, EMERGENCY_DIGITS, FORMS, MAX_COUNTRIES, MAX_FAULTS, MAX_OCTETS, STEP_DB, read, read_beside,
};
pub use room::{MAX_ATOMS, MAX_RHYTHMS, MAX_SOUNDS, Room};
pub use tone::{HZ, Information, MAX_SPANS, MODULATION_HZ, SPAN_MS, Tone};
pub use words::{CallerId, FXO_MODES, Framing, HangUp, Law};

/// The data file.
pub const BUILT_IN: &str = include_str!("../countries.toml");

/// One country.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Country {
    /// ISO 3166 in lower case, or another short code such as `us-old`.
    pub code: String,
    /// In English.
    pub name: String,
    /// Further codes that mean the same.
    pub also: Vec<String>,
    /// The country whose tones are used in place of own ones; `None`: it has its own.
    pub tones_of: Option<String>,
    /// Its own tones; `None`: it has a stand-in.
    pub tones: Option<Tones>,
    /// Forms of caller id in the order in which to try them.
    pub caller_id: Vec<CallerId>,
    /// The line's electrics: a mode of DAHDI's drivers.
    pub fxo_mode: String,
    /// Of digital trunks.
    pub law: Law,
    /// Signs by which the end of a call may be known, the surest first.
    pub hang_up: Vec<HangUp>,
    /// Numbers that call help, as dialled.
    pub emergency: Vec<String>,
    /// Of digital trunks.
    pub framing: Framing,
}

impl Country {
    /// Whether a code, in either case, means this country.
    pub fn is(&self, code: &str) -> bool {
        self.codes().any(|own| own.eq_ignore_ascii_case(code))
    }

    /// Its code, and those that mean the same.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.code).chain(&self.also).map(String::as_str)
    }
}

/// The tones of a network; of each the commonest form first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Tones {
    /// Dial tone.
    pub dial: Vec<Tone>,
    /// What a caller hears while it rings.
    pub ringback: Vec<Tone>,
    /// Busy.
    pub busy: Vec<Tone>,
    /// Congestion, reorder; empty where no source has one.
    pub congestion: Vec<Tone>,
    /// Every second burst of congestion is stronger by so much than the first.
    pub congestion_step_db: i8,
    /// What says that a number cannot be reached.
    pub information: Vec<Information>,
    /// Ringing of a called telephone, on and off in turn.
    pub ring_ms: Vec<u16>,
}

/// The countries of the data file, in its order; the United States come first.
pub fn built_in() -> &'static [Country] {
    static COUNTRIES: OnceLock<Vec<Country>> = OnceLock::new();
    // That the file is right is what the tests, and the build of `dsp`, are for.
    COUNTRIES.get_or_init(|| read(BUILT_IN).unwrap_or_default())
}
