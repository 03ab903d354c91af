//! `tipring board`: which boxes tipring knows, all that it knows of one, and whether a profile of one's own is good. It
//! opens no device; a service need not run.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tipring_board::{BoardError, Book, Inventory, Known, Machine, Profile, Roots, Tree};

use super::asked::Asked;
use super::board_status;
use crate::daemon::serve::default_file;

/// What is asked about boxes.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every profile, and which one is this machine's
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// All that is known of one: slots, ports, lamps, relays
    Show {
        /// Its id, such as reference-4-1; without it: this machine's
        id: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// The board controller as the running service sees it: relays, watchdog, sensors, the relays' last test
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        asked: Asked,
    },
    /// Judge a profile of one's own
    Check {
        /// The file
        file: PathBuf,
    },
}

/// Where to look.
#[derive(Clone, Debug, Default, Args)]
pub struct Place {
    /// Folder of profiles of one's own; without it: `boards` beside the configuration file
    #[arg(long, value_name = "DIR")]
    boards: Option<PathBuf>,
    /// The kernel's files in place of /sys, and all others beside them
    #[arg(long, value_name = "DIR", hide = true)]
    sysfs: Option<PathBuf>,
}

impl Place {
    /// Whether the machine is another one than this.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.sysfs.is_some()
    }

    fn roots(&self) -> Roots {
        self.sysfs.as_deref().map_or_else(Roots::host, Roots::of_sysfs)
    }

    /// All profiles, with those beside a configuration file. Complaints are told here.
    fn book(&self, config: Option<&Path>) -> Result<Book, ExitCode> {
        let beside = || crate::config::boards(&config.map_or_else(default_file, Path::to_path_buf));
        let folder = self.boards.clone().unwrap_or_else(beside);
        Book::with_folder(&folder).map_err(|error| refused(&error))
    }

    /// What is in the machine.
    pub(super) fn inventory(&self, config: Option<&Path>, known: &[Known]) -> Result<Inventory, ExitCode> {
        let book = self.book(config)?;
        let tree = Tree::read(&self.roots());
        Ok(Inventory::of(&tree, book.recognise(&tree.machine), known))
    }
}

/// Answers.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::List { json, place } => with_book(&place, |book| list(book, &Machine::read(&place.roots()), json)),
        Command::Show { id, json, place } => {
            with_book(&place, |book| show(book, id.as_deref(), &Machine::read(&place.roots()), json))
        }
        Command::Status { json, asked } => board_status::run(&asked.sources(), json),
        Command::Check { file } => judge(&file),
    }
}

fn with_book(place: &Place, answer: impl FnOnce(&Book) -> ExitCode) -> ExitCode {
    match place.book(None) {
        Ok(book) => answer(&book),
        Err(exit) => exit,
    }
}

/// Text for whoever reads it; who stops reading is no failure of ours.
fn print(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    ExitCode::SUCCESS
}

fn list(book: &Book, machine: &Machine, as_json: bool) -> ExitCode {
    let here = &book.recognise(machine).id;
    if as_json {
        let row = |profile: &Profile| {
            json!({
                "id": profile.id, "name": profile.name, "manufacturer": profile.manufacturer, "own": is_own(book, profile),
                "this": profile.id == *here,
            })
        };
        return print(&json!({ "boards": book.all().map(row).collect::<Vec<Value>>() }).to_string());
    }
    let mut lines = vec![format!("{:20}  {:36}  made by", "id", "name")];
    for profile in book.all() {
        let this = if profile.id == *here { "; this machine" } else { "" };
        let own = if is_own(book, profile) { "; your own" } else { "" };
        lines.push(format!("{:20}  {:36}  {}{own}{this}", profile.id, profile.name, profile.manufacturer));
    }
    print(&lines.join("\n"))
}

fn show(book: &Book, id: Option<&str>, machine: &Machine, as_json: bool) -> ExitCode {
    let here = book.recognise(machine);
    let Some(profile) = id.map_or(Some(here), |id| book.find(id)) else {
        eprintln!("tipring: {}", book.unknown(id.unwrap_or_default()));
        return ExitCode::from(2);
    };
    if as_json {
        let all = json!({ "board": profile, "own": is_own(book, profile), "this": profile.id == here.id });
        return print(&all.to_string());
    }
    print(&tipring_board::page(profile))
}

fn judge(file: &Path) -> ExitCode {
    match Profile::of_file(file) {
        Ok(profile) => {
            let (id, slots, ports) = (&profile.id, profile.slots.len(), profile.ports.len());
            print(&format!("{}: good: {id}, {slots} slot(s), {ports} port(s)", file.display()))
        }
        Err(error) => refused(&error),
    }
}

/// Tells why profiles cannot be used; the exit code for it.
fn refused(error: &BoardError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(if error.is_denied() { 77 } else { 78 })
}

fn is_own(book: &Book, profile: &Profile) -> bool {
    book.own().iter().any(|own| own.id == profile.id)
}
