//! The decoding child alone, as `tipring decode` of the product.

fn main() -> std::process::ExitCode {
    let container = std::env::args().nth(1).unwrap_or_default();
    match tipring_media::decode_alone(&container, std::io::stdin(), &mut std::io::stdout()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            std::process::ExitCode::FAILURE
        }
    }
}
