//! A command or a script call, with the slot it belongs to.

use redis::{Cmd, ToRedisArgs};

use crate::scripts::Script;
use crate::slot::slot;

/// One command to one slot.
pub(crate) struct Request {
    pub(crate) slot: u16,
    pub(crate) cmd: Cmd,
    pub(crate) script: Option<&'static Script>,
}

impl Request {
    /// A command whose first argument is the key.
    pub(crate) fn command(name: &str, key: &str) -> Self {
        let mut cmd = redis::cmd(name);
        cmd.arg(key);
        Self { slot: slot(key), cmd, script: None }
    }

    /// A script over keys of one hash tag.
    pub(crate) fn script(script: &'static Script, keys: &[&str]) -> Self {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(script.hash()).arg(keys.len()).arg(keys);
        Self { slot: keys.first().map_or(0, |key| slot(key)), cmd, script: Some(script) }
    }

    pub(crate) fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }
}
