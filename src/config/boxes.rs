//! `[boxes]`: other boxes that share this one's store, and how they ask each other. Opens nothing.

use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// `[boxes]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Boxes {
    /// Where other boxes ask this one; none when empty.
    pub listen: String,
    /// Where they find it, `https://host:port`; `http://` for loopback. Empty: what `listen` says.
    pub address: String,
    /// A file with the key that all boxes have; `cred:NAME` is one in `$CREDENTIALS_DIRECTORY`.
    pub key_file: String,
}

impl Default for Boxes {
    fn default() -> Self {
        Boxes { listen: String::new(), address: String::new(), key_file: "/etc/tipring/boxes.key".into() }
    }
}

impl Boxes {
    /// Where the others find this box; empty: nowhere.
    pub fn found_at(&self) -> String {
        match (self.address.is_empty(), self.listen.parse::<SocketAddr>()) {
            (false, _) | (_, Err(_)) => self.address.trim_end_matches('/').to_owned(),
            (true, Ok(listen)) if listen.ip().is_loopback() => format!("http://{listen}"),
            (true, Ok(listen)) => format!("https://{listen}"),
        }
    }

    /// What is wrong, by the name of its key.
    pub(super) fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if self.listen.is_empty() {
            if !self.address.is_empty() {
                faults.push(("address", "boxes.address: boxes.listen is empty: nobody would answer there".to_owned()));
            }
            return faults;
        }
        let listen = self.listen.parse::<SocketAddr>().ok();
        if listen.is_none() {
            faults.push(("listen", "boxes.listen: an address and a port are wanted, such as \"0.0.0.0:8444\"".into()));
        }
        let anywhere = listen.is_some_and(|it| it.ip().is_unspecified());
        if self.address.is_empty() && anywhere {
            let why = "boxes.address: the others must find this box: https:// and its own address and port are wanted";
            faults.push(("address", why.into()));
        }
        if !self.address.is_empty()
            && let Err(why) = super::media::address("boxes.address", &self.address)
        {
            faults.push(("address", why));
        }
        let named = match self.key_file.strip_prefix("cred:") {
            Some(name) => !name.is_empty() && !name.contains('/'),
            None => Path::new(&self.key_file).is_absolute(),
        };
        if !named {
            let why = "boxes.key_file: an absolute path or `cred:NAME` is wanted: the key that all boxes have";
            faults.push(("key_file", why.into()));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(listen: &str, address: &str) -> Vec<&'static str> {
        let boxes = Boxes { listen: listen.into(), address: address.into(), ..Boxes::default() };
        boxes.faults().into_iter().map(|it| it.0).collect()
    }

    #[test]
    fn what_the_others_could_not_use_is_refused() {
        assert_eq!(faults("", ""), [""; 0]);
        assert_eq!(faults("127.0.0.1:0", ""), [""; 0]);
        assert_eq!(faults("0.0.0.0:8444", "https://10.0.0.1:8444"), [""; 0]);
        assert_eq!(faults("0.0.0.0:8444", ""), ["address"]);
        assert_eq!(faults("", "https://10.0.0.1:8444"), ["address"]);
        assert_eq!(faults("0.0.0.0:8444", "http://10.0.0.1:8444"), ["address"]);
        assert_eq!(faults("here", "https://10.0.0.1:8444"), ["listen"]);
    }
}
