//! The tipring binary.

fn main() -> std::process::ExitCode {
    tipring::cli::main()
}
