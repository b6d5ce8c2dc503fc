//! The web client is built into the binary: a new build of it makes a new binary.

fn main() {
    println!("cargo::rerun-if-changed=../web/dist/index.html");
}
