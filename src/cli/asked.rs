//! Which configuration a command is asked about: a file, and keys that win over everything it says.

use std::path::PathBuf;

use crate::config::{DEFAULT_FILE, Sources};

/// The flags that name a configuration.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Asked {
    /// Configuration file; conf.d/*.toml beside it are read too
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set a key, whatever files and environment say; may be given again
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
}

impl Asked {
    /// All sources.
    pub fn sources(self) -> Sources {
        let file = self.config.unwrap_or_else(|| DEFAULT_FILE.into());
        Sources { flags: self.set, ..Sources::of(file) }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.trim().is_empty());
    let (key, value) = pair.ok_or("KEY=VALUE is wanted, such as box.drain_s=5")?;
    Ok((key.trim().into(), value.into()))
}
