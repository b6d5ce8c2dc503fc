//! What a log record does to the store, as data. Pure: the writer and the embedded node apply the same mutations, and
//! history lays those of the newest events over a page that the store gave.

mod overlay;
mod project;

pub use overlay::overlay;
pub use project::project;
