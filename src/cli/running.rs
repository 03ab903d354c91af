//! Where the service that runs on this box is asked: its control socket, found with the same configuration.

use std::path::PathBuf;

use crate::config::Sources;
use crate::config::last_good::{self, Keeper};
use crate::daemon::control;

/// Its control socket.
pub fn socket(sources: &Sources) -> PathBuf {
    control::socket_of(&runtime_dir(sources))
}

/// The service runs on what it took last. Files that are refused now still say best where that is; where they say
/// nothing, or are for others to read, it is the usual place.
fn runtime_dir(sources: &Sources) -> PathBuf {
    match last_good::load(Keeper::Service, sources) {
        Ok(loaded) => loaded.config.this.runtime_dir,
        Err(refusal) => refusal.folders.runtime_dir,
    }
}
