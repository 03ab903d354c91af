//! The table of tones, generated from the file of countries: `drivers/countries/countries.toml` into `zones.rs`. The
//! library itself stays without the standard library and without the reader.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use tipring_countries::{Country, Information, Tone, Tones};

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    let countries = match tipring_countries::read(tipring_countries::BUILT_IN) {
        Ok(countries) => countries,
        Err(faults) => {
            for fault in faults {
                println!("cargo::error=drivers/countries/countries.toml:{fault}");
            }
            return ExitCode::FAILURE;
        }
    };
    let Some(folder) = std::env::var_os("OUT_DIR") else {
        println!("cargo::error=OUT_DIR is not set");
        return ExitCode::FAILURE;
    };
    match std::fs::write(Path::new(&folder).join("zones.rs"), table(&countries)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error=zones.rs cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A row for each country that has tones, in the order of the file; every other code leads to a row.
fn table(countries: &[Country]) -> String {
    let mut text = String::from("static ZONES: &[Zone] = &[\n");
    for (country, tones) in countries.iter().filter_map(|country| Some((country, country.tones.as_ref()?))) {
        zone(&mut text, country, tones);
    }
    text.push_str("];\n\nstatic ALIASES: &[(&str, &str)] = &[\n");
    for country in countries {
        let row = country.tones_of.as_ref().unwrap_or(&country.code);
        for code in country.codes().filter(|code| code != row) {
            let _ = writeln!(text, "    ({code:?}, {row:?}),");
        }
    }
    text + "];\n"
}

fn zone(text: &mut String, country: &Country, tones: &Tones) {
    let _ = writeln!(text, "    Zone {{\n        code: {:?},\n        name: {:?},", country.code, country.name);
    let lists = [
        ("dial", &tones.dial),
        ("ringback", &tones.ringback),
        ("busy", &tones.busy),
        ("congestion", &tones.congestion),
    ];
    for (name, list) in lists {
        let _ = writeln!(text, "        {name}: &[{}],", joined(list, cadence));
    }
    let _ = writeln!(text, "        congestion_step_db: {},", tones.congestion_step_db);
    let _ = writeln!(text, "        information: &[{}],", joined(&tones.information, information));
    let _ = writeln!(text, "        ring_ms: &{:?},\n    }},", tones.ring_ms);
}

fn cadence(tone: &Tone) -> String {
    let Tone { hz, modulated, on_off_ms } = tone;
    format!("Cadence {{ hz: {hz:?}, modulated: {modulated}, on_off_ms: &{on_off_ms:?} }}")
}

fn information(information: &Information) -> String {
    match information {
        Information::Rhythm(tone) => format!("Information::Rhythm({})", cadence(tone)),
        Information::Rising { hz, ms, gap_ms, pause_ms } => {
            format!("Information::Rising {{ hz: {hz:?}, ms: {ms:?}, gap_ms: {gap_ms}, pause_ms: {pause_ms} }}")
        }
    }
}

fn joined<T>(list: &[T], written: fn(&T) -> String) -> String {
    list.iter().map(written).collect::<Vec<_>>().join(", ")
}
