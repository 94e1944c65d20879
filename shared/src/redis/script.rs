//! Settles how a script travels: by its hash, and whole only when a node does not have it yet.

use redis::{Cmd, ToRedisArgs};

use super::Key;

/// A Lua script that works on one key.
pub struct Script {
    source: &'static str,
    hash: String,
}

impl Script {
    /// Hashes the source once.
    pub fn new(source: &'static str) -> Self {
        Self { source, hash: redis::Script::new(source).get_hash().to_owned() }
    }

    /// A call: `KEYS[1]` is `key`, `ARGV` are added with [`Call::arg`].
    pub fn call(&self, key: &Key) -> Call {
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(1).arg(key);
            command
        };
        Call { by_hash: command("EVALSHA", &self.hash), whole: command("EVAL", self.source) }
    }
}

/// A script with its arguments.
pub struct Call {
    pub(super) by_hash: Cmd,
    pub(super) whole: Cmd,
}

impl Call {
    /// Appends an argument.
    #[must_use]
    pub fn arg(mut self, value: impl ToRedisArgs) -> Self {
        self.by_hash.arg(&value);
        self.whole.arg(&value);
        self
    }
}
