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
        let elsewhere = matches!(self.asked(), Ok(MediaFace::Remote { .. }));
        let wanted = !self.listen.is_empty() || elsewhere || !self.ask_first.is_empty();
        let named = is_named(&self.key_file);
        let why = "media.key_file: an absolute path or `cred:NAME` is wanted: the key that both hosts have";
        (wanted && !named).then(|| why.into())
    }

    /// Why the seal key cannot be where it is said to be.
    pub(super) fn seal_fault(&self) -> Option<String> {
        let why = "media.seal_key_file: an absolute path or `cred:NAME` is wanted: 32 octets in base64";
        (!self.seal_key_file.is_empty() && !is_named(&self.seal_key_file)).then(|| why.into())
    }

    /// Why there can be no such store.
    pub(super) fn store_fault(&self) -> Option<String> {
        if self.store.is_empty() {
            return None;
        }
        let wanted = "media.store: s3://BUCKET/PREFIX or file:///FOLDER is wanted";
        let Ok(url) = url::Url::parse(&self.store) else { return Some(wanted.into()) };
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        match (url.scheme(), url.host_str().unwrap_or_default()) {
            ("file", "") if bare && url.path().len() > 1 => None,
            ("s3", bucket) if bare && !bucket.is_empty() && self.seal_key_file.is_empty() => Some(
                "media.store: a store of others holds ciphertext only: name a key in media.seal_key_file, the same on all \
                 boxes, made once by `openssl rand -base64 32`"
                    .into(),
            ),
            ("s3", bucket) if bare && !bucket.is_empty() => None,
            _ => Some(wanted.into()),
        }
    }

    /// Why the store cannot be asked there.
    pub(super) fn endpoint_fault(&self) -> Option<String> {
        let endpoint = &self.store_endpoint;
        if endpoint.is_empty() {
            return None;
        }
        match url::Url::parse(endpoint).as_ref().map(|url| (url.scheme(), url.host_str())) {
            Ok(("https", Some(_))) => None,
            Ok(("http", Some(_))) if self.store_plain => None,
            Ok(("http", Some(_))) => Some(
                "media.store_endpoint: https:// is wanted; or set media.store_plain, if the way there is one that you trust"
                    .into(),
            ),
            _ => Some("media.store_endpoint: https://HOST:PORT is wanted".into()),
        }
    }

    /// Why the store's access key cannot be where it is said to be, or is wanted and not said.
    pub(super) fn store_key_fault(&self) -> Option<String> {
        let file = &self.store_key_file;
        if file.is_empty() {
            let why = "media.store_key_file: media.store is a bucket: a file with the name and the secret of its access key \
                       is wanted, a line each";
            return self.store.starts_with("s3:").then(|| why.into());
        }
        let why = "media.store_key_file: an absolute path or `cred:NAME` is wanted";
        (!is_named(file)).then(|| why.into())
    }

    /// Media layers that are asked first, or why one cannot be.
    pub fn others(&self) -> Result<Vec<MediaFace>, String> {
        let one = |face: &String| {
            address("media.ask_first", face).map(|(tls, host, port)| MediaFace::Remote { tls, host, port })
        };
        self.ask_first.iter().map(one).collect()
    }
}

fn is_named(file: &str) -> bool {
    match file.strip_prefix("cred:") {
        Some(name) => !name.is_empty() && !name.contains('/'),
        None => Path::new(file).is_absolute(),
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
