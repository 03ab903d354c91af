//! The pages of `docs/hardware`, made from the profiles; `TIPRING_WRITE=1` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use tipring_board::{Book, page};

const INDEX: &str = "\
# Hardware

What tipring knows of boxes: a *profile* for each says how it is recognised, which slots and ports it has, what its lamps and
relays are. `tipring board list` shows which one fits the machine, `tipring lines` what is in it. A box that is not here is
[one file](../how-to/add-a-board-profile.md). A chip on a box that drives lamps and relays speaks the
[board controller's protocol](controller-protocol.md).

| profile | what it is | made by |
| --- | --- | --- |
";

#[test]
fn the_pages_of_the_profiles_are_what_the_profiles_say() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/hardware");
    let (book, mut index) = (Book::default(), INDEX.to_string());
    let mut pages = Vec::new();
    for profile in book.all() {
        let _ = writeln!(index, "| [`{0}`]({0}.md) | {1} | {2} |", profile.id, profile.name, profile.manufacturer);
        pages.push((format!("{}.md", profile.id), page(profile)));
    }
    pages.push(("README.md".to_string(), index));
    for (name, page) in pages {
        let path = docs.join(&name);
        if std::env::var_os("TIPRING_WRITE").is_some() {
            std::fs::create_dir_all(&docs).expect("a folder");
            std::fs::write(&path, &page).expect("written");
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(there, page, "docs/hardware/{name} is old: TIPRING_WRITE=1 cargo test -p tipring-board pages");
    }
}
