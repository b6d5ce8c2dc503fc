//! Defaults that several types share.

pub(super) fn yes() -> bool {
    true
}
