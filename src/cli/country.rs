//! `tipring country`: which countries there are, all that is known of one, and whether a file of one's own is good. It
//! opens no line; a service need not run.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use tipring_countries::Country;
use tipring_numbering::Plan;

use super::check;
use crate::config::{Config, Countries, Sources};
use crate::daemon::serve::default_file;

/// What is asked about countries.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every country that `box.country` may name
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Configuration file, for the countries of its `box.countries`
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// All that is known of one
    Show {
        /// Its code, such as gb
        code: String,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Configuration file, for the countries of its `box.countries`
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Judge a file of one's own countries
    Check {
        /// The file
        file: PathBuf,
    },
}

/// Answers.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::List { json, config } => match known(config) {
            Ok(countries) => list(&countries, json),
            Err(exit) => exit,
        },
        Command::Show { code, json, config } => match known(config) {
            Ok(countries) => show(&countries, &code, json),
            Err(exit) => exit,
        },
        Command::Check { file } => judge(&file),
    }
}

/// The countries of a configuration. Without one of its own the box has the built-in ones.
fn known(config: Option<PathBuf>) -> Result<Countries, ExitCode> {
    let named = config.is_some();
    let file = config.unwrap_or_else(default_file);
    match Config::load(&Sources::of(file.clone())) {
        Ok(loaded) => Ok(loaded.config.countries),
        Err(_) if !named && !file.exists() => Ok(Countries::default()),
        Err(refusal) => {
            check::tell(&refusal);
            Err(ExitCode::from(refusal.exit()))
        }
    }
}

fn list(countries: &Countries, as_json: bool) -> ExitCode {
    if as_json {
        let rows: Vec<Value> = countries.all().map(|country| row(countries, country)).collect();
        return print(&[json!({ "countries": rows }).to_string()]);
    }
    let mut lines = vec![format!("{:8}  {:28}  {:3}  {:24}  caller id", "code", "name", "law", "busy")];
    for country in countries.all() {
        let busy = busy(countries, country);
        let stand_in = stand_in(countries, country).map(|of| format!("; tones of {of}")).unwrap_or_default();
        let forms = words(country.caller_id.iter().map(|form| form.word()));
        let (code, name, law) = (&country.code, &country.name, country.law.word());
        lines.push(format!("{code:8}  {name:28}  {law:3}  {busy:24}  {forms}{stand_in}"));
    }
    print(&lines)
}

/// Lines for whoever reads them; who stops reading is no failure of ours.
fn print(lines: &[String]) -> ExitCode {
    let _ = writeln!(std::io::stdout(), "{}", lines.join("\n"));
    ExitCode::SUCCESS
}

fn row(countries: &Countries, country: &Country) -> Value {
    json!({
        "code": country.code, "name": country.name, "law": country.law, "busy": busy(countries, country),
        "caller_id": country.caller_id, "stand_in": stand_in(countries, country), "own": is_own(countries, country),
    })
}

fn show(countries: &Countries, code: &str, as_json: bool) -> ExitCode {
    let Some(country) = countries.find(code) else {
        eprintln!("tipring: {}", countries.unknown(code));
        return ExitCode::from(2);
    };
    let tones = countries.tones(country).map(|(_, tones)| tones);
    let plan = Plan::preset(&country.code);
    let all = json!({
        "code": country.code, "name": country.name, "also": country.also, "own": is_own(countries, country),
        "stand_in": stand_in(countries, country), "tones": tones, "caller_id": country.caller_id,
        "fxo_mode": country.fxo_mode, "law": country.law, "hang_up": country.hang_up,
        "emergency": emergency(country), "framing": country.framing,
        "plan": plan.map(|plan| json!({
            "country_code": plan.country, "trunk_prefix": plan.trunk_prefix,
            "international_prefix": plan.international_prefix,
        })),
    });
    if as_json {
        return print(&[all.to_string()]);
    }
    print(&told(&all).iter().map(|(name, value)| format!("{name:20}  {value}")).collect::<Vec<_>>())
}

/// Each fact of a country on a line of its own.
fn told(all: &Value) -> Vec<(&'static str, String)> {
    let one = |value: &Value| match value {
        Value::Null => "none".to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none known".to_string(),
        Value::Array(items) => words(items.iter().map(|item| item.as_str().map_or(item.to_string(), str::to_string))),
        other => other.to_string(),
    };
    let plan = match &all["plan"] {
        Value::Null => "none: write it into [plan]".to_string(),
        plan => format!(
            "country code {}, trunk prefix {}, international prefix {}",
            one(&plan["country_code"]),
            plan["trunk_prefix"].as_str().filter(|prefix| !prefix.is_empty()).unwrap_or("none"),
            one(&plan["international_prefix"])
        ),
    };
    let tones = match &all["stand_in"] {
        Value::Null => "its own".to_string(),
        of => format!("those of {}: none are known of this country itself", one(of)),
    };
    let mut told = vec![("code", one(&all["code"])), ("name", one(&all["name"]))];
    told.push(("from", if all["own"] == true { "box.countries" } else { "built-in" }.to_string()));
    told.push(("tones", tones));
    for name in ["dial", "ringback", "busy", "congestion", "congestion_step_db", "information", "ring_ms"] {
        told.push((name, one(&all["tones"][name])));
    }
    for name in ["caller_id", "fxo_mode", "law", "hang_up", "emergency", "framing"] {
        told.push((name, one(&all[name])));
    }
    told.push(("dialling plan", plan));
    told
}

/// Whatever calls help: the country's numbers, and those that call it anywhere.
fn emergency(country: &Country) -> Vec<String> {
    let plan = Plan { emergency: country.emergency.join(" "), ..Plan::preset(&country.code).unwrap_or_default() };
    let mut numbers: Vec<String> = country.emergency.clone();
    numbers
        .extend(plan.emergency_numbers().filter(|one| !country.emergency.iter().any(|own| own == one)).map(Into::into));
    numbers
}

fn judge(file: &Path) -> ExitCode {
    match Countries::of_file(file) {
        Ok(countries) => {
            let count = countries.own().len();
            let what = if count == 1 { "country" } else { "countries" };
            print(&[format!("{}: good: {count} {what}", file.display())])
        }
        Err(refusal) => {
            check::tell(&refusal);
            ExitCode::from(refusal.exit())
        }
    }
}

fn busy(countries: &Countries, country: &Country) -> String {
    let tones = countries.tones(country).map(|(_, tones)| tones.busy.as_slice()).unwrap_or_default();
    tones.first().map(ToString::to_string).unwrap_or_default()
}

/// The country whose tones are used in place of own ones.
fn stand_in<'a>(countries: &'a Countries, country: &'a Country) -> Option<&'a str> {
    let (of, _) = countries.tones(country)?;
    (of.code != country.code).then_some(of.code.as_str())
}

fn is_own(countries: &Countries, country: &Country) -> bool {
    countries.own().iter().any(|own| own.code == country.code)
}

fn words(words: impl Iterator<Item = impl Into<String>>) -> String {
    words.map(Into::into).collect::<Vec<String>>().join(", ")
}
