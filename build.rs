//! What `tipring --version` says: version, commit, date, target. The commit is `TIPRING_COMMIT`, else git's word in a release
//! build; the date is `SOURCE_DATE_EPOCH`, else today. A development build reads no git, so that a commit rebuilds nothing.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TIPRING_COMMIT");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let version = env("CARGO_PKG_VERSION").unwrap_or_default();
    let target = env("TARGET").unwrap_or_default();
    let release = env("PROFILE").as_deref() == Some("release");
    let commit = env("TIPRING_COMMIT").or_else(|| release.then(commit).flatten());
    println!("cargo::rustc-env=TIPRING_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    let about = match commit {
        Some(commit) => format!("commit {commit}, built {}", date()),
        None if release => format!("commit unknown, built {}", date()),
        None => "development build".to_string(),
    };
    println!("cargo::rustc-env=TIPRING_VERSION={version} ({about}, {target})");
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The commit that is checked out, with a plus after it if files differ from it. `None` without git, as in a tarball.
fn commit() -> Option<String> {
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    // Every commit and checkout is written there.
    if std::path::Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some();
    Some(if changed { format!("{commit}+") } else { commit })
}

/// What git says, if anything.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_string()).filter(|text| !text.is_empty())
}

/// The day as `2026-01-31`, UTC.
fn date() -> String {
    let today = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seconds = env("SOURCE_DATE_EPOCH").and_then(|text| text.parse().ok()).unwrap_or_else(today);
    // Days to year, month, day: years of 400 × 365.2425 days that begin in March.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
