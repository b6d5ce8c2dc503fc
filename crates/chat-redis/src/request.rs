//! A command or a script call, with the slot it belongs to.

use std::borrow::Cow;

use redis::{Cmd, ToRedisArgs};

use crate::scripts::Script;
use crate::slot::slot;

/// One command to one slot.
pub(crate) struct Request {
    pub(crate) slot: u16,
    pub(crate) cmd: Cmd,
    pub(crate) script: Option<&'static Script>,
    /// The name of the server's history is to be the last argument.
    pub(crate) with_life: bool,
}

impl Request {
    /// A command whose first argument is the key.
    pub(crate) fn command(name: &str, key: &str) -> Self {
        let mut cmd = redis::cmd(name);
        cmd.arg(key);
        Self { slot: slot(key), cmd, script: None, with_life: false }
    }

    /// A script over keys of one hash tag.
    pub(crate) fn script(script: &'static Script, keys: &[&str]) -> Self {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(script.hash()).arg(keys.len()).arg(keys);
        Self { slot: keys.first().map_or(0, |key| slot(key)), cmd, script: Some(script), with_life: false }
    }

    /// The server's history becomes the last argument.
    pub(crate) fn with_life(self) -> Self {
        Self { with_life: true, ..self }
    }

    /// As it is sent to a server of this history.
    pub(crate) fn of_life(&self, life: &str) -> Cow<'_, Cmd> {
        if !self.with_life {
            return Cow::Borrowed(&self.cmd);
        }
        let mut cmd = self.cmd.clone();
        cmd.arg(life);
        Cow::Owned(cmd)
    }

    pub(crate) fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }
}
