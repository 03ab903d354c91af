//! What the system says, beside the kernel: who may open DAHDI's nodes, which modules are built, whether Asterisk is there.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::Serialize;

use super::files::{LIST_OCTETS, MODULES_OCTETS, lines};

/// The account of the service.
const SERVICE: &str = "tipring";
/// The nodes that a service opens.
const NODES: &[&str] = &["ctl", "channel", "timer"];

/// A device node of DAHDI's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Node {
    /// `/dev/dahdi/ctl`
    pub path: String,
    /// Its rights.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// The group's name; its number where it has none.
    pub group: String,
}

/// Whoever is to open the nodes: the service's account where root asks and there is one, else whoever asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct User {
    /// Its name; its number where it has none.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its groups.
    pub groups: Vec<u32>,
}

impl User {
    /// Whether it may read and write a node.
    pub fn may(&self, node: &Node) -> bool {
        let rights = match self {
            _ if self.uid == 0 => 0o6,
            _ if self.uid == node.uid => node.mode >> 6,
            _ if self.groups.contains(&node.gid) => node.mode >> 3,
            _ => node.mode,
        };
        rights & 0o6 == 0o6
    }
}

/// Another program that wants the cards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Asterisk {
    /// It is installed.
    pub installed: bool,
    /// Its service can start. Not known of one that was started by hand.
    pub starts: bool,
}

pub(super) fn nodes(system: &Path) -> Vec<Node> {
    let node = |name: &&str| {
        let data = fs::metadata(system.join("dev/dahdi").join(name)).ok()?;
        let group = name_of(system, "group", data.gid()).unwrap_or_else(|| data.gid().to_string());
        let path = format!("/dev/dahdi/{name}");
        Some(Node { path, mode: data.mode() & 0o777, uid: data.uid(), gid: data.gid(), group })
    };
    NODES.iter().filter_map(node).collect()
}

pub(super) fn user(system: &Path) -> Option<User> {
    let status = lines(&system.join("proc/self/status"), super::FILE_OCTETS)?;
    let numbers = |key: &str| {
        let line = status.iter().find_map(|line| line.strip_prefix(key))?;
        Some(line.split_whitespace().filter_map(|word| word.parse::<u32>().ok()).collect::<Vec<_>>())
    };
    // Real, effective, saved, of files: the second decides.
    let uid = *numbers("Uid:")?.get(1)?;
    let gid = *numbers("Gid:")?.get(1)?;
    if uid == 0
        && let Some(service) = account(system, SERVICE)
    {
        return Some(service);
    }
    let name = name_of(system, "passwd", uid).unwrap_or_else(|| uid.to_string());
    let groups = std::iter::once(gid).chain(numbers("Groups:").unwrap_or_default()).collect();
    Some(User { name, uid, groups })
}

/// An account of a name, with all its groups.
fn account(system: &Path, name: &str) -> Option<User> {
    let passwd = lines(&system.join("etc/passwd"), LIST_OCTETS)?;
    let fields = passwd.iter().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name)?;
    let (uid, gid) = (fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?);
    let mut groups = vec![gid];
    for line in lines(&system.join("etc/group"), LIST_OCTETS).unwrap_or_default() {
        let fields: Vec<&str> = line.split(':').collect();
        let member = fields.get(3).is_some_and(|members| members.split(',').any(|member| member == name));
        groups.extend(fields.get(2).filter(|_| member).and_then(|gid| gid.parse::<u32>().ok()));
    }
    Some(User { name: name.to_string(), uid, groups })
}

/// The name that `passwd` or `group` has for a number.
fn name_of(system: &Path, list: &str, number: u32) -> Option<String> {
    let number = number.to_string();
    let lines = lines(&system.join("etc").join(list), LIST_OCTETS)?;
    let found = lines.iter().map(|line| line.split(':').collect::<Vec<_>>());
    let name =
        found.filter(|fields| fields.get(2) == Some(&number.as_str())).find_map(|fields| fields.first().copied());
    name.map(super::files::clean).filter(|name| !name.is_empty())
}

pub(super) fn asterisk(system: &Path) -> Asterisk {
    let installed = system.join("usr/sbin/asterisk").is_file();
    let masked = fs::read_link(system.join("etc/systemd/system/asterisk.service"));
    let masked = masked.is_ok_and(|target| target == Path::new("/dev/null"));
    Asterisk { installed, starts: installed && !masked }
}

/// The modules of telephone cards that are built for a kernel.
pub(super) fn built(system: &Path, kernel: &str) -> Option<BTreeSet<String>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '~' | '-');
    if kernel.is_empty() || kernel.starts_with('.') || !kernel.chars().all(plain) {
        return None;
    }
    let list = lines(&system.join("lib/modules").join(kernel).join("modules.dep"), MODULES_OCTETS)?;
    let name = |line: &String| {
        let path = line.split(':').next().unwrap_or_default();
        let file = path.rsplit('/').next().unwrap_or_default();
        file.split(".ko").next().unwrap_or_default().replace('-', "_")
    };
    let names: BTreeSet<String> = list.iter().map(name).collect();
    Some(crate::ids::modules().filter(|module| names.contains(*module)).map(str::to_string).collect())
}
