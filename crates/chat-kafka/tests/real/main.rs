//! The log against a real broker: `ELASTIC_CHAT_TEST_KAFKA=127.0.0.1:PORT`, or `./dev test`.

mod consuming;
mod producing;
mod rig;
mod topics;

mod log {
    use crate::rig::rig;
    chat_ports::contract_tests!(log, rig);
}
