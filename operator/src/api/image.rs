//! Which images run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which images, and how they are pulled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// What stands before the images' names `chat-node`, `writer` and `web`.
    #[serde(default = "default_repository")]
    #[schemars(length(min = 1, max = 255))]
    pub repository: String,
    /// The tag of all images. Without it and without digests, the operator's own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub tag: Option<String>,
    /// The images by digest, instead of a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<Digests>,
    /// When a node pulls an image.
    #[serde(default)]
    pub pull_policy: PullPolicy,
    /// Secrets with the registry's credentials, in the cluster's namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub pull_secrets: Vec<PullSecret>,
}

fn default_repository() -> String {
    "ghcr.io/elastic-chat".to_owned()
}

impl Default for Image {
    fn default() -> Self {
        Self {
            repository: default_repository(),
            tag: None,
            digests: None,
            pull_policy: PullPolicy::default(),
            pull_secrets: Vec::new(),
        }
    }
}

/// `sha256:` and 64 hexadecimal digits for each image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Digests {
    /// Of `chat-node`.
    #[schemars(length(min = 71, max = 71))]
    pub chat_node: String,
    /// Of `writer`. Profile distributed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 71, max = 71))]
    pub writer: Option<String>,
    /// Of `web`. Profile distributed, unless `web.enabled` is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 71, max = 71))]
    pub web: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    Always,
    #[default]
    IfNotPresent,
    Never,
}

impl PullPolicy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PullSecret {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

impl Image {
    /// The full name of `chat-node`, `writer` or `web`; `version` where the spec names none.
    pub fn of(&self, name: &str, version: &str) -> String {
        let repository = self.repository.trim_end_matches('/');
        let digest = self.digests.as_ref().and_then(|digests| match name {
            "chat-node" => Some(&digests.chat_node),
            "writer" => digests.writer.as_ref(),
            _ => digests.web.as_ref(),
        });
        match digest {
            Some(digest) => format!("{repository}/{name}@{digest}"),
            None => format!("{repository}/{name}:{}", self.tag.as_deref().unwrap_or(version)),
        }
    }
}
