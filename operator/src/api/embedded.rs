//! The node that is a whole chat by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Pod, Quantity, Resources};

/// The node of the profile embedded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Embedded {
    #[serde(default)]
    pub storage: Storage,
    #[serde(default)]
    pub resources: Resources,
    #[serde(default)]
    pub pod: Pod,
}

/// The volume of log, store and files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// How large the volume is made. Later, resize the claim itself.
    #[serde(default = "Storage::default_size")]
    pub size: Quantity,
    /// The storage class; without it the cluster's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// What becomes of the volume when the ChatCluster is deleted.
    #[serde(default)]
    pub when_deleted: WhenDeleted,
}

impl Storage {
    fn default_size() -> Quantity {
        Quantity("10Gi".to_owned())
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self { size: Self::default_size(), class_name: None, when_deleted: WhenDeleted::default() }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WhenDeleted {
    /// The claim stays, and a cluster of the same name finds its data again.
    #[default]
    Retain,
    Delete,
}

impl WhenDeleted {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retain => "Retain",
            Self::Delete => "Delete",
        }
    }
}
