//! What fault tests are made of: a [`Rig`] is a whole chat on real servers, and a [`trial`](Trial) has people talk on it
//! while something goes wrong, with the history checker watching.

#![allow(clippy::missing_panics_doc, reason = "what does not go as it should is a panic: that is how a test fails")]

mod course;
mod person;
mod rig;
mod table;
mod trial;

pub use course::{Course, Trouble};
pub use person::{Person, Socket};
pub use rig::{Rig, Shape, until};
pub use trial::Trial;
