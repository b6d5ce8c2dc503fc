//! On one server of each kind.

mod away;
mod files;
mod network;
mod nodes;
mod people;
mod poison;
mod servers;
mod writers;
