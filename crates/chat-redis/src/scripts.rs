//! The scripts, each for one hash tag. They are loaded when a connection is made and called by their hash.

use std::sync::LazyLock;

/// A script as the server gets it.
pub(crate) struct Script {
    pub(crate) text: &'static str,
    hash: LazyLock<String>,
}

impl Script {
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }
}

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {
        $(pub(crate) static $name: Script = {
            const TEXT: &str = concat!($(include_str!(concat!("scripts/", $file, ".lua"))),+);
            Script { text: TEXT, hash: LazyLock::new(|| redis::Script::new(TEXT).get_hash().to_owned()) }
        };)*

        /// What a connection loads before it is used.
        pub(crate) static ALL: &[&Script] = &[$(&$name),*];
    };
}

scripts! {
    APPEND = "life" "trim" "append";
    REPAIR = "life" "trim" "repair";
    PERSISTED = "trim" "persisted";
    POSITION = "life" "position";
    SINCE = "life" "since";
    NEWER = "newer";
    SENT = "sent";
    CLAIM = "claim";
    HOLD = "hold";
    SETTLE = "settle";
    RELEASE = "release";
    CURSOR = "cursor";
    SESSION = "session";
    RENEW = "renew";
    RETIRE = "retire";
    LEASES = "leases";
    TAKE = "take";
}
