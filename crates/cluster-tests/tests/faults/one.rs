//! On one server of each kind.

mod away;
mod drains;
mod files;
mod network;
mod nodes;
mod people;
mod poison;
mod refusals;
mod seats;
mod sends;
mod servers;
mod writers;
