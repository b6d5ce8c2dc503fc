//! What one person, address or frame may take.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What one person, address or frame may take; `off` switches one off. What is not given is the node's default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Messages of one person, such as `30/10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 20))]
    pub sends_per_user: Option<String>,
    /// Connections of one person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 1, "maximum" = 1_000_000))]
    pub connections_per_user: Option<LimitValue>,
    /// New connections at one gateway, such as `500/1s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 20))]
    pub handshakes: Option<String>,
    /// Registrations and logins from one address, such as `30/60s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 20))]
    pub auth_per_address: Option<String>,
    /// Bytes of one frame from a client; `off` means 16 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 1_024, "maximum" = 16_777_216))]
    pub frame_bytes: Option<LimitValue>,
    /// Characters of one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 1, "maximum" = 16_777_216))]
    pub text_chars: Option<LimitValue>,
    /// Members of one group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 2, "maximum" = 10_000_000))]
    pub group_members: Option<LimitValue>,
    /// Bytes of one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 1, "maximum" = 1_099_511_627_776_i64))]
    pub file_bytes: Option<LimitValue>,
    /// Bytes that may wait for one connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 16_384, "maximum" = 1_073_741_824))]
    pub queue_bytes: Option<LimitValue>,
}

/// A number, or `off`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LimitValue {
    At(i64),
    Off(String),
}

impl fmt::Display for LimitValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(bound) => bound.fmt(f),
            Self::Off(text) => f.write_str(text),
        }
    }
}

impl JsonSchema for LimitValue {
    fn schema_name() -> Cow<'static, str> {
        "LimitValue".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-int-or-string": true, "maxLength": 16})
    }
}

impl Limits {
    /// The limits that are given, by the name of their flag: `--limit-…`.
    pub fn flags(&self) -> Vec<(&'static str, String)> {
        let shown = |value: &Option<LimitValue>| value.as_ref().map(LimitValue::to_string);
        [
            ("sends-per-user", self.sends_per_user.clone()),
            ("connections-per-user", shown(&self.connections_per_user)),
            ("handshakes", self.handshakes.clone()),
            ("auth-per-address", self.auth_per_address.clone()),
            ("frame-bytes", shown(&self.frame_bytes)),
            ("text-chars", shown(&self.text_chars)),
            ("group-members", shown(&self.group_members)),
            ("file-bytes", shown(&self.file_bytes)),
            ("queue-bytes", shown(&self.queue_bytes)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}
