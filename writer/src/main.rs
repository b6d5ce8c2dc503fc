use std::process::ExitCode;

fn main() -> ExitCode {
    writer::cli::run()
}
