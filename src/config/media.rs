//! What only the meaning tells of the media layer: where it runs, where it is asked, and who may ask. Opens nothing: whether
//! the key can be read and the port is free is seen at start.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::Media;

/// Octets of a Unix socket's path.
const SOCKET_OCTETS: usize = 107;

/// Where the media layer is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaFace {
    /// It runs in the service's own process.
    Inside,
    /// It runs by itself on this host, behind this socket.
    Socket(PathBuf),
    /// It runs at a TCP address.
    Remote {
        /// With TLS.
        tls: bool,
        /// A name or an address.
        host: String,
        /// Its port.
        port: u16,
    },
}

impl Media {
    /// What `face` says, or why it says nothing.
    pub fn asked(&self) -> Result<MediaFace, String> {
        let face = self.face.as_str();
        if face.is_empty() {
            return Ok(MediaFace::Inside);
        }
        if face.contains("://") {
            let (tls, host, port) = address("media.face", face)?;
            return Ok(MediaFace::Remote { tls, host, port });
        }
        if !Path::new(face).is_absolute() || face.len() > SOCKET_OCTETS {
            return Err(format!(
                "media.face: an absolute path of at most {SOCKET_OCTETS} octets is wanted, or https://HOST:PORT of \
                 another host"
            ));
        }
        Ok(MediaFace::Socket(face.into()))
    }

    /// Why `listen` cannot be listened at.
    pub(super) fn listen_fault(&self) -> Option<String> {
        if self.listen.is_empty() {
            return None;
        }
        if self.listen.parse::<SocketAddr>().is_err() {
            return Some("media.listen: an address and a port are wanted, such as \"0.0.0.0:7443\"".into());
        }
        let elsewhere = matches!(self.asked(), Ok(MediaFace::Remote { .. }));
        let why =
            "media.listen: media.face names a media layer elsewhere; a host asks another one, or is asked: take one";
        elsewhere.then(|| why.into())
    }

    /// Why the key of both hosts cannot be where it is said to be, if it is wanted at all.
    pub(super) fn key_fault(&self) -> Option<String> {
        let wanted = !self.listen.is_empty() || matches!(self.asked(), Ok(MediaFace::Remote { .. }));
        let named = match self.key_file.strip_prefix("cred:") {
            Some(name) => !name.is_empty() && !name.contains('/'),
            None => Path::new(&self.key_file).is_absolute(),
        };
        let why = "media.key_file: an absolute path or `cred:NAME` is wanted: the key that both hosts have";
        (wanted && !named).then(|| why.into())
    }
}

/// The address of another host: whether with TLS, its name and its port.
pub(super) fn address(key: &str, text: &str) -> Result<(bool, String, u16), String> {
    let wanted = format!("{key}: https://HOST:PORT is wanted, such as \"https://speech.lan:7443\"");
    let url = url::Url::parse(text).map_err(|error| format!("{wanted}: {error}"))?;
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.path() == "/";
    let (Some(host), true, None) = (url.host_str(), bare, url.fragment()) else {
        return Err(format!("{wanted}, and nothing more"));
    };
    let tls = match url.scheme() {
        "https" => true,
        "http" if is_loopback(host) => false,
        "http" => return Err(format!("{key}: plain HTTP stays on this host; https:// goes to another one")),
        _ => return Err(wanted),
    };
    let port = url.port_or_known_default().ok_or(wanted)?;
    Ok((tls, host.into(), port))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}
