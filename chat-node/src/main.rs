//! `chat-node`: see `chat-node --help`.

/// Password hashing takes 19 MiB at a time on changing threads: the system's allocator would keep that for each of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    chat_node::cli::run()
}
