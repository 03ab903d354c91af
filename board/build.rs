//! The list of built-in profiles: every file of `profiles`, so that a profile is one file and nothing else.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=profiles");
    match list() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error=board/profiles: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> std::io::Result<()> {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("profiles");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        // By the place of this crate when it is compiled: a folder of builds outlives a move of the sources.
        let text =
            format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?}))", format!("/profiles/{name}.toml"));
        let _ = writeln!(list, "    ({name:?}, {text}),");
    }
    list.push_str("]\n");
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("built_in.rs"), list)
}
