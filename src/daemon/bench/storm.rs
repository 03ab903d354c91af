//! A storm in the largest conference that the box has: 240 callers who all speak, of whom somebody is muted, heard again,
//! put out or comes back as fast as the API takes it. The media thread must be in time for every block meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tipring_sim::Step;

use super::application::{Answer, Answers};
use super::cost::{Client, Connection, fill_with};
use super::figures::{Goal, Row, round};
use super::process::load;
use super::world::{Size, World};
use crate::daemon::serve::StartError;

/// Everybody of eight E1 spans.
const PARTIES: usize = 240;
/// Who joins, leaves, is muted or heard again: each counts as one.
const CHANGES: usize = 1_000;
/// How long somebody who was put out may take to be back.
const BACK: Duration = Duration::from_secs(20);
/// How loud everybody speaks, and for how long: longer than the bench.
const VOICE_DBM0: f32 = -20.0;
const SPEAKS_MS: u32 = 600_000;
/// Length of a block.
const BLOCK_MS: f64 = 10.0;

fn failed(what: &str) -> StartError {
    StartError { exit: 1, text: format!("bench: the storm: {what}") }
}

/// A room to which everybody comes back who is put out.
fn room() -> Arc<Answers> {
    Arc::new(|_, _| {
        Answer::document(
            "<Response><Dial><Conference beep=\"false\" waitUrl=\"\">storm</Conference></Dial>\
             <Redirect>/room</Redirect></Response>",
        )
    })
}

struct Storm {
    world: World,
    connection: Connection,
    /// The room's participants, as the API has them.
    path: String,
}

/// Late blocks of the storm.
pub(super) fn run() -> Result<Row, StartError> {
    let world = World::start(Size { spans: 8, analog: 0 }, room())?;
    world.number("200", "/room")?;
    let voice = Step::Tone { hz: 440.0, ms: SPEAKS_MS, level_dbm0: VOICE_DBM0 };
    fill_with(&world, 0, PARTIES, &[voice])?;
    let account = &world.service().account;
    let client = Client::new(world.service().api, &account.sid.to_string(), &account.token);
    let path = format!("/2010-04-01/Accounts/{}/Conferences/storm/Participants", account.sid);
    let mut storm = Storm { connection: client.connect()?, world, path };
    storm.wait_for_all()?;
    let gauges = storm.world.service().gauges.clone().ok_or_else(|| failed("the box has no card"))?;
    let (audio, switch, work) = (gauges.audio(), gauges.switch(), gauges.work());
    let (loaded, begun) = (load(), Instant::now());
    let counts = storm.changes()?;
    storm.wait_for_all()?;
    let lasted = begun.elapsed();
    let (audio_after, switch_after, work) = (gauges.audio(), gauges.switch(), gauges.work().since(&work));
    let row =
        Row::new("room.storm", (audio_after.late_blocks - audio.late_blocks) as f64, "late blocks", Goal::AtMost(0.0));
    let row = row
        .note("parties", PARTIES)
        .note("joined", counts["joined"])
        .note("left", counts["left"])
        .note("muted", counts["muted"])
        .note("heard_again", counts["heard_again"])
        .note("seconds", round(lasted.as_secs_f64()))
        .note("ticks", work.ticks())
        .note("tick_ms_p50", round(work.at_ms(0.5)))
        .note("tick_ms_p99", round(work.at_ms(0.99)))
        .note("tick_ms_worst", round(work.at_ms(1.0)))
        .note("block_ms", BLOCK_MS)
        .note("late_ticks", audio_after.late_ticks - audio.late_ticks)
        .note("lost_blocks", audio_after.lost_blocks - audio.lost_blocks)
        .note("dropped_events", switch_after.dropped_events - switch.dropped_events)
        .note("load", loaded);
    storm.world.stop();
    Ok(row)
}

impl Storm {
    /// SIDs of the calls that are in the room.
    fn parties(&mut self) -> Result<Vec<String>, StartError> {
        let text = self.connection.ask("GET", &format!("{}.json?PageSize=1000", self.path), "")?;
        let listed: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let all = listed["participants"].as_array().cloned().unwrap_or_default();
        Ok(all.iter().filter_map(|one| one["call_sid"].as_str().map(str::to_owned)).collect())
    }

    fn wait_for_all(&mut self) -> Result<(), StartError> {
        let until = Instant::now() + BACK;
        loop {
            let there = self.parties()?.len();
            if there == PARTIES {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(failed(&format!("{there} of {PARTIES} are in the room")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Somebody is muted, heard again, and put out, in turn; who was put out comes back by himself.
    fn changes(&mut self) -> Result<HashMap<&'static str, usize>, StartError> {
        let parties = self.parties()?;
        self.world.app.take_visits();
        let mut counts = HashMap::from([("joined", 0), ("left", 0), ("muted", 0), ("heard_again", 0)]);
        // One who is put out makes two changes.
        let turns = CHANGES * 3 / 4;
        for turn in 0..turns {
            let one = &parties[turn / 3 * 7 % parties.len()];
            let path = format!("{}/{one}.json", self.path);
            let (what, method, form) = match turn % 3 {
                0 => ("muted", "POST", "Muted=true"),
                1 => ("heard_again", "POST", "Muted=false"),
                _ => ("left", "DELETE", ""),
            };
            self.connection.ask(method, &path, form)?;
            *counts.entry(what).or_default() += 1;
        }
        self.wait_for_all()?;
        counts.insert("joined", self.world.app.take_visits().len());
        Ok(counts)
    }
}
