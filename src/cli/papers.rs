//! What a package ships beside the program: man pages of every subcommand and completions, from the same source as
//! `--help`, and the man pages that are written as Markdown. Not for daily use: `tipring gen-docs` is hidden.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

/// The pages that do not come from the command line: name, section, title, file under `docs`.
const PAGES: [(&str, &str, &str, &str); 2] = [
    ("tipring.toml", "5", "configuration of tipring", "configuration.md"),
    ("tipring.service", "8", "tipring as a service of the system", "reference/service.md"),
];

/// Writes `man/*`, `bash/tipring`, `zsh/_tipring`, `fish/tipring.fish` into `dir`; `docs` is the folder of the documents.
pub(super) fn write(command: Command, docs: &Path, dir: &Path) -> io::Result<()> {
    let man = dir.join("man");
    fs::create_dir_all(&man)?;
    // The commit is no part of a manual.
    let mut command = command.version(env!("CARGO_PKG_VERSION"));
    clap_mangen::generate_to(command.clone(), &man)?;
    for (name, section, title, file) in PAGES {
        let path = docs.join(file);
        let text = fs::read_to_string(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        fs::write(man.join(format!("{name}.{section}")), page(name, section, title, &text))?;
    }
    for (shell, folder) in [(Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
        let folder = dir.join(folder);
        fs::create_dir_all(&folder)?;
        clap_complete::generate_to(shell, &mut command, "tipring", &folder)?;
    }
    fs::rename(dir.join("bash/tipring.bash"), dir.join("bash/tipring"))
}

/// A manual page out of the Markdown that the documents use: headings, paragraphs, lists, tables, blocks of code.
fn page(name: &str, section: &str, title: &str, markdown: &str) -> String {
    let mut roff = Roff::new();
    let version = concat!("tipring ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", [name, section, "", version, ""]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {title}"))]);
    roff.control("SH", ["DESCRIPTION"]);
    let mut writer = Writer { roff, paragraph: String::new(), item: false, head: true };
    let mut lines = markdown.lines().skip_while(|line| line.starts_with("# ") || line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            writer.end_paragraph();
            writer.roff.control("SH", [heading.to_uppercase().as_str()]);
        } else if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')) {
            writer.end_paragraph();
            writer.roff.control("SS", [heading]);
        } else if line.starts_with("```") {
            writer.code(lines.by_ref().take_while(|line| !line.starts_with("```")));
        } else if line.starts_with("    ") && writer.paragraph.is_empty() {
            let mut block = vec![&line[4..]];
            while let Some(next) = lines.next_if(|next| next.starts_with("    ")) {
                block.push(&next[4..]);
            }
            writer.code(block.into_iter());
        } else if line.starts_with('|') {
            writer.row(line);
        } else if let Some((sign, item)) = item(line) {
            writer.end_paragraph();
            writer.roff.control("IP", [sign, "3"]);
            writer.item = true;
            writer.paragraph.push_str(item);
        } else if line.trim().is_empty() {
            writer.end_paragraph();
        } else {
            if !writer.paragraph.is_empty() {
                writer.paragraph.push(' ');
            }
            writer.paragraph.push_str(line.trim());
        }
    }
    writer.end_paragraph();
    writer.roff.to_roff()
}

/// The sign and the text of an entry of a list.
fn item(line: &str) -> Option<(&str, &str)> {
    if let Some(text) = line.strip_prefix("- ") {
        return Some(("•", text));
    }
    let (number, text) = line.split_once(". ")?;
    let numbered = !number.is_empty() && number.bytes().all(|octet| octet.is_ascii_digit());
    numbered.then_some((number, text))
}

struct Writer {
    roff: Roff,
    /// What has been read of the paragraph under way.
    paragraph: String,
    /// It is one of a list, and has its sign already.
    item: bool,
    /// The next row of a table is its head, which a manual page does without.
    head: bool,
}

impl Writer {
    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.paragraph);
        if !text.is_empty() {
            if !std::mem::take(&mut self.item) {
                self.roff.control("PP", []);
            }
            self.roff.text(inlines(&text));
        }
        self.head = true;
    }

    fn code<'a>(&mut self, lines: impl Iterator<Item = &'a str>) {
        self.end_paragraph();
        self.roff.control("RS", ["4"]);
        self.roff.control("nf", []);
        for line in lines {
            self.roff.text([roman(line)]);
        }
        self.roff.control("fi", []);
        self.roff.control("RE", []);
    }

    /// The first cell names, the last explains, one between them is a default.
    fn row(&mut self, line: &str) {
        if self.head || line.starts_with("| ---") {
            self.head = false;
            return;
        }
        let line = line.trim().trim_matches('|').replace("\\|", "¦");
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('¦', "|")).collect();
        let [name, between @ .., last] = cells.as_slice() else { return };
        self.roff.control("TP", []);
        let mut tag = inlines(name);
        for cell in between {
            tag.push(roman("  "));
            tag.extend(inlines(cell));
        }
        self.roff.text(tag);
        self.roff.text(inlines(last));
    }
}

/// Code in bold, emphasis in italics, links as their words.
fn inlines(text: &str) -> Vec<Inline> {
    let mut parts = Vec::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            parts.push(bold(part));
            continue;
        }
        for (index, part) in unlinked(part).split("**").enumerate() {
            parts.push(if index % 2 == 1 { italic(part) } else { roman(part) });
        }
    }
    parts
}

fn unlinked(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, words, after)) = link(rest) {
        plain.push_str(before);
        plain.push_str(words);
        rest = after;
    }
    plain + rest
}

/// What stands before the first `[words](target)`, its words, and what stands after it.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('[')?;
    let (words, rest) = rest.split_once("](")?;
    let (_, after) = rest.split_once(')')?;
    Some((before, words, after))
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn a_table_becomes_tagged_paragraphs_and_a_leading_dot_is_no_request() {
        let text =
            "# Title\n\n.first\n\n| key | default | what |\n| --- | --- | --- |\n| `a.b` | `1` | see [there](x.md) |\n";
        let page = page("x", "5", "a thing", text);
        assert!(page.contains(".TP\n\\fBa.b\\fR  \\fB1\\fR\nsee there\n"), "{page}");
        assert!(page.contains("\n\\&.first\n"), "{page}");
        assert!(!page.contains("default"), "{page}");
    }
}
