//! Where the service that runs on this box is asked: its control socket, found with the same configuration.

use std::path::PathBuf;

use crate::config::{Config, Sources, last_good};
use crate::daemon::control;

/// Its control socket.
pub fn socket(sources: &Sources) -> PathBuf {
    control::socket_of(&runtime_dir(sources))
}

/// The service runs on what it took last. Files that are refused now still say best where that is; where they say
/// nothing, or are for others to read, it is the usual place.
fn runtime_dir(sources: &Sources) -> PathBuf {
    if let Ok(loaded) = last_good::load(sources) {
        return loaded.config.this.runtime_dir;
    }
    let text = std::fs::read_to_string(&sources.file).unwrap_or_default();
    let named =
        text.parse::<toml::Table>().ok().and_then(|all| Some(all.get("box")?.get("runtime_dir")?.as_str()?.into()));
    named.unwrap_or_else(|| Config::default().this.runtime_dir)
}
