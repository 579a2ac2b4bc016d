//! `portcullis`: see the library of this crate.

fn main() -> std::process::ExitCode {
    portcullis_cli::main()
}
