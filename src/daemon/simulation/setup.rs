//! What a scenario's box is made of before its clock begins: folders, applications, the first account. Nothing runs here.

use std::net::SocketAddr;

use tipring_resources::{Account, AccountStatus, Sid, SidKind};

use super::{Around, EPOCH};
use crate::config::Config;
use crate::daemon::app::App;
use crate::daemon::handsets;
use crate::daemon::outcome::ScratchDir;
use crate::daemon::scenario::Scenario;
use crate::daemon::serve::StartError;

/// Where nobody listens: the port is reserved and belongs to no service of our days.
const NOBODY: ([u8; 4], u16) = ([127, 0, 0, 1], 1);

/// Host names, and where they are.
type Hosts = Vec<(String, SocketAddr)>;

/// The configuration of a scenario's box, with its folders.
pub(super) fn config(scenario: &Scenario, dir: &ScratchDir, around: &Around) -> Result<Config, StartError> {
    let mut config = Config::default();
    config.this.state_dir = around.state.clone().unwrap_or_else(|| dir.path.join("state"));
    config.this.cache_dir = around.sounds.clone().unwrap_or_else(|| dir.path.join("cache"));
    config.this.runtime_dir = dir.path.join("run");
    config.this.country = scenario.country.clone();
    config.outbound = scenario.outbound.clone();
    config.analog = scenario.analog.clone();
    config.line = scenario.line.clone();
    config.telephone = handsets::ports(scenario);
    config.media.trust = around.trust.clone();
    for dir in [&config.this.state_dir, &config.this.cache_dir, &config.this.runtime_dir] {
        std::fs::create_dir_all(dir)
            .map_err(|error| StartError { exit: 1, text: format!("{}: {error}", dir.display()) })?;
    }
    Ok(config)
}

/// The applications of a scenario, and which host is where.
pub(super) async fn applications(scenario: &Scenario, elsewhere: Hosts) -> Result<(App, Hosts), StartError> {
    let failed = |error: std::io::Error| StartError { exit: 1, text: format!("the application server: {error}") };
    let mut app = App::start(scenario.document.clone(), "127.0.0.1:0").await.map_err(failed)?;
    let wide = if scenario.wide_hosts.is_empty() { NOBODY.into() } else { app.goes_wide().await.map_err(failed)? };
    let address = |host: &String| match host {
        host if scenario.dead_hosts.contains(host) => NOBODY.into(),
        host if scenario.wide_hosts.contains(host) => wide,
        _ => app.address(),
    };
    let mut hosts = elsewhere;
    let named = scenario.hosts().into_iter().filter(|host| !hosts.iter().any(|(known, _)| known == host));
    hosts.extend(named.map(|host| (host.clone(), address(&host))).collect::<Vec<_>>());
    Ok((app, hosts))
}

/// The first account, made at the first start.
pub(super) async fn account(store: &tipring_store::Store, seed: u64) -> Result<Account, StartError> {
    if let Some(known) = store.accounts().await.map_err(of_store)?.into_iter().next() {
        return Ok(known);
    }
    let account = Account {
        sid: Sid::new(SidKind::Account, (u128::from(seed) << 64) | 1),
        friendly_name: "Scenario".into(),
        status: AccountStatus::Active,
        token: format!("{seed:032x}"),
        created: EPOCH,
        updated: EPOCH,
        parent: None,
        contact: String::new(),
        voice: tipring_resources::VoiceSettings::default(),
        public_media: false,
    };
    store.put_account(account.clone()).await.map_err(of_store)?;
    Ok(account)
}

pub(super) fn of_store(error: tipring_store::StoreError) -> StartError {
    StartError { exit: 1, text: format!("the store: {error}") }
}
