//! `chat-node`: see `chat-node --help`.

fn main() -> std::process::ExitCode {
    chat_node::cli::run()
}
