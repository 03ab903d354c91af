//! Small files of the layer's state: read whole, replaced whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a file holds; `None`: nothing that can be used. A damaged one is put aside, where it can be looked at.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let octets = match fs::read(path) {
        Ok(octets) => octets,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "a file of the media layer cannot be read");
            return None;
        }
    };
    match serde_json::from_slice(&octets) {
        Ok(held) => Some(held),
        Err(error) => {
            let aside = path.with_extension("damaged");
            let moved = fs::rename(path, &aside).is_ok();
            tracing::error!(%error, path = %path.display(), moved, "a file of the media layer is damaged and put aside");
            None
        }
    }
}

/// Replaces a file, or leaves it as it was.
pub(crate) fn write<T: Serialize + ?Sized>(path: &Path, held: &T) -> io::Result<()> {
    put(path, &serde_json::to_vec_pretty(held).map_err(io::Error::other)?)
}

/// Puts a file in its place as a whole, for good.
pub(crate) fn put(path: &Path, octets: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let fresh = dir.join(name);
    let mut file = File::create(&fresh)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(dir)?.sync_all()
}
