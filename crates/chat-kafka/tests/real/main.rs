//! The log against a real broker: `ELASTIC_CHAT_TEST_KAFKA=127.0.0.1:PORT`, or `./dev test`. With
//! `…_KAFKA_TLS`, `…_KAFKA_SECURED` and `…_SECRETS` also its listeners with TLS, and with TLS and a password: `./dev stack up
//! --secured`.

mod consuming;
mod producing;
mod refusals;
mod rig;
mod searching;
mod topics;

mod log {
    use crate::rig::rig;
    chat_ports::contract_tests!(log, rig);
}
