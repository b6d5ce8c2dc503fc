//! On one server of each kind.

mod away;
mod files;
mod network;
mod nodes;
mod people;
mod servers;
mod writers;
