//! What only the meaning tells of `[listen]`: addresses, what may be plain, names and certificates. Opens nothing: whether
//! a port is free and a certificate can be read is seen at start.

use std::net::SocketAddr;

use super::Config;
use super::fault::Origin;
use super::judge::Verdict;
use super::keys;
use super::shape::Tree;

/// Names of the box in its certificate.
const NAMES_MAX: usize = 64;

/// A listener of the table.
struct Listener<'a> {
    path: &'static str,
    text: &'a str,
    may_be_empty: bool,
    /// What passes is not encrypted.
    plain: bool,
}

impl Verdict {
    pub(super) fn listeners(&mut self, config: &Config, tree: &Tree) {
        let listen = &config.listen;
        let of = |path, text, may_be_empty, plain| Listener { path, text, may_be_empty, plain };
        let wanted = [
            of("listen.api", &listen.api, false, true),
            of("listen.tls", &listen.tls, true, false),
            // Only what goes into its tunnels is answered outside loopback.
            of("listen.proxy", &listen.proxy, true, false),
            of("listen.metrics", &listen.metrics, true, true),
        ];
        let mut taken: Vec<(&str, SocketAddr)> = Vec::new();
        for Listener { path, text, may_be_empty, plain } in wanted {
            if text.is_empty() && may_be_empty {
                continue;
            }
            let origin = tree.place(path);
            let Ok(address) = text.parse::<SocketAddr>() else {
                let example = keys::find_path(path).map_or("", |key| key.example);
                self.refuse(origin, format!("{path}: an address and a port are wanted, such as {example}"));
                continue;
            };
            if let Some((first, _)) = taken.iter().find(|(_, held)| *held == address && address.port() != 0) {
                // The one that somebody wrote.
                let written = if origin == Origin::BuiltIn { tree.place(first) } else { origin.clone() };
                self.refuse(written, format!("{first} and {path}: both want {address}; give one of them another port"));
            }
            taken.push((path, address));
            if plain && !address.ip().is_loopback() {
                self.plain(config, path, address, origin);
            }
        }
        self.names(config, tree);
        self.certificate(config, tree);
    }

    fn plain(&mut self, config: &Config, path: &str, address: SocketAddr, origin: Origin) {
        if config.listen.plain {
            self.warn(origin, format!("{path}: {address} is plain HTTP: whoever is on the way reads it"));
            return;
        }
        let remedy = if path == "listen.api" { "; `tls` is the encrypted one" } else { "" };
        self.refuse(origin, format!("{path}: plain HTTP outside loopback needs `plain = true` in [listen]{remedy}"));
    }

    fn names(&mut self, config: &Config, tree: &Tree) {
        let names = &config.listen.names;
        if names.len() > NAMES_MAX {
            self.refuse(tree.place("listen.names"), format!("listen.names: at most {NAMES_MAX} are wanted"));
        }
        let places = tree.leaves.get("listen.names").map(|leaf| leaf.items.as_slice()).unwrap_or_default();
        for (at, name) in names.iter().enumerate().filter(|(_, name)| !tipring_door::is_name(name)) {
            let origin = places.get(at).cloned().unwrap_or_else(|| tree.place("listen.names"));
            let wanted = "a host name or an address without port is wanted, such as \"phone.office.lan\"";
            self.refuse(origin, format!("listen.names: {name:?}: {wanted}"));
        }
    }

    fn certificate(&mut self, config: &Config, tree: &Tree) {
        let (certificate, key) = (&config.listen.tls_certificate, &config.listen.tls_key);
        let both = [("listen.tls_certificate", certificate), ("listen.tls_key", key)];
        for (path, file) in both.iter().filter(|(_, file)| !file.as_os_str().is_empty() && !file.is_absolute()) {
            let why = format!("{path}: {}: an absolute path is wanted", file.display());
            self.refuse(tree.place(path), why);
        }
        let (has, lacks) = match (certificate.as_os_str().is_empty(), key.as_os_str().is_empty()) {
            (false, true) => (both[0].0, both[1].0),
            (true, false) => (both[1].0, both[0].0),
            _ => return,
        };
        self.refuse(tree.place(has), format!("{has}: {lacks} is missing: a certificate and its key go together"));
    }
}
