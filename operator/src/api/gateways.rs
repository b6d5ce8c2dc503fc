//! Gateways: how many, and how their number moves.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Pod, Resources};

/// What clients connect to, and between which bounds their number moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gateways {
    /// Never fewer pods. This is what `kubectl scale` and a HorizontalPodAutoscaler set: a floor, which the traffic may
    /// exceed.
    #[serde(default = "default_min")]
    #[schemars(range(min = 1, max = 1000))]
    pub min: u32,
    /// Never more pods.
    #[serde(default = "default_max")]
    #[schemars(range(min = 1, max = 1000))]
    pub max: u32,
    #[serde(default)]
    pub target: GatewayTarget,
    #[serde(default)]
    pub limit: GatewayLimit,
    /// How the number grows.
    #[serde(default)]
    pub scale_up: ScaleUp,
    /// How the number shrinks.
    #[serde(default)]
    pub scale_down: ScaleDown,
    #[serde(default)]
    pub rebalance: Rebalance,
    #[serde(default)]
    pub resources: Resources,
    #[serde(default)]
    pub pod: Pod,
}

fn default_min() -> u32 {
    2
}

fn default_max() -> u32 {
    20
}

impl Default for Gateways {
    fn default() -> Self {
        Self {
            min: default_min(),
            max: default_max(),
            target: GatewayTarget::default(),
            limit: GatewayLimit::default(),
            scale_up: ScaleUp::default(),
            scale_down: ScaleDown::default(),
            rebalance: Rebalance::default(),
            resources: Resources::default(),
            pod: Pod::default(),
        }
    }
}

/// What one gateway should carry. The resource that wants most pods decides; 0 leaves one out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayTarget {
    /// Open connections.
    #[serde(default = "GatewayTarget::default_connections")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub connections: u32,
    /// Events handed to clients, each counted once for every client.
    #[serde(default = "GatewayTarget::default_deliveries")]
    #[schemars(range(min = 0, max = 10_000_000))]
    pub deliveries_per_second: u32,
    /// Of what the pod may use: its CPU limit, or its request where there is no limit, but of at least 0.1 cores then.
    #[serde(default = "GatewayTarget::default_cpu")]
    #[schemars(range(min = 0, max = 100))]
    pub cpu_percent: u32,
}

impl GatewayTarget {
    fn default_connections() -> u32 {
        8_000
    }
    fn default_deliveries() -> u32 {
        40_000
    }
    fn default_cpu() -> u32 {
        65
    }
}

impl Default for GatewayTarget {
    fn default() -> Self {
        Self {
            connections: Self::default_connections(),
            deliveries_per_second: Self::default_deliveries(),
            cpu_percent: Self::default_cpu(),
        }
    }
}

/// What one gateway can carry at most. Where it is known, the headroom between target and limit follows what the traffic
/// was seen to need; without it the target counts as the limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayLimit {
    /// Open connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections: Option<u32>,
    /// Events handed to clients in a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub deliveries_per_second: Option<u32>,
    /// Of what the pod may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub cpu_percent: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleUp {
    /// How far ahead capacity is provided. Without it, as long as a new pod was measured to take until it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub look_ahead_seconds: Option<u32>,
    /// The largest step up in one decision: pods, or percent of those that are wanted now.
    #[serde(default = "Share::whole")]
    pub max_step: Share,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleDown {
    /// Capacity goes only after it was not wanted for so long.
    #[serde(default = "ScaleDown::default_stabilization")]
    #[schemars(range(min = 0, max = 86_400))]
    pub stabilization_seconds: u32,
    /// Over how many seconds the clients of a gateway that ends are asked to move to another. The pod gets as long to
    /// end, and some more for its last words.
    #[serde(default = "ScaleDown::default_drain")]
    #[schemars(range(min = 1, max = 3600))]
    pub drain_seconds: u32,
    /// How many gateways may drain at the same time: pods, or percent of all; at least one. Evictions may take as many,
    /// but never all that there are with `gateways.min`.
    #[serde(default = "Share::tenth")]
    pub max_draining: Share,
}

impl ScaleDown {
    fn default_stabilization() -> u32 {
        300
    }
    fn default_drain() -> u32 {
        120
    }
}

impl Default for ScaleDown {
    fn default() -> Self {
        Self {
            stabilization_seconds: Self::default_stabilization(),
            drain_seconds: Self::default_drain(),
            max_draining: Share::tenth(),
        }
    }
}

/// Moving connections to gateways that are new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rebalance {
    /// Without it new gateways fill with new connections alone.
    #[serde(default = "super::defaults::yes")]
    pub enabled: bool,
    /// A gateway with more connections than so much over the mean gives some away.
    #[serde(default = "Rebalance::default_over")]
    #[schemars(range(min = 1, max = 1000))]
    pub over_mean_percent: u32,
}

impl Rebalance {
    fn default_over() -> u32 {
        15
    }
}

impl Default for Rebalance {
    fn default() -> Self {
        Self { enabled: true, over_mean_percent: Self::default_over() }
    }
}

/// A number of pods, or a percentage such as `10%`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share(pub IntOrString);

impl Share {
    fn whole() -> Self {
        Self(IntOrString::String("100%".to_owned()))
    }
    fn tenth() -> Self {
        Self(IntOrString::String("10%".to_owned()))
    }

    /// The percentage, when it is one.
    pub fn percent(&self) -> Option<f64> {
        match &self.0 {
            IntOrString::String(text) => text.strip_suffix('%').and_then(|number| number.parse().ok()),
            IntOrString::Int(_) => None,
        }
    }

    /// This share, or what of it leaves at least one pod, of `least` pods or more. Of one pod: that one.
    #[must_use]
    pub fn but_one(&self, least: u32) -> Self {
        let most = least.saturating_sub(1).max(1);
        match self.percent() {
            _ if self.of(least) <= most && least > 1 => self.clone(),
            // Kubernetes rounds up. With 60 % of two it would be both; with 50 % it is one, and never all of more.
            Some(percent) => {
                let rest = 100 * (u64::from(least.max(2)) - 1) / u64::from(least.max(2));
                #[allow(clippy::cast_precision_loss)] // at most 100
                let percent = percent.min(rest as f64);
                Self(IntOrString::String(format!("{percent:.0}%")))
            }
            None => Self(IntOrString::Int(i32::try_from(most).unwrap_or(i32::MAX))),
        }
    }

    /// How many pods of `all` that is, rounded up; at least one.
    pub fn of(&self, all: u32) -> u32 {
        let pods = match (&self.0, self.percent()) {
            (IntOrString::Int(pods), _) => u32::try_from(*pods).unwrap_or(1),
            // The schema bounds the percentage, and pods are few.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            (_, Some(percent)) => (f64::from(all) * percent / 100.0).ceil() as u32,
            (_, None) => 1,
        };
        pods.max(1)
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::whole()
    }
}

impl JsonSchema for Share {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Share".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-int-or-string": true, "maxLength": 8})
    }
}
