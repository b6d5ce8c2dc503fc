//! The part of the admin port that services share: who may ask, and who answers.

mod access;
mod tokens;

use std::time::Instant;

use serde::Serialize;

pub use access::{AdminAccess, guard};
pub use tokens::{TokenFileError, check_token_file};

/// Who answers: the first fields of every `/load`.
#[derive(Debug, Clone)]
pub struct Identity {
    node_id: String,
    role: &'static str,
    began: Instant,
}

/// An [`Identity`] as it is told, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    pub node_id: String,
    /// `gateway` or `writer`.
    pub role: &'static str,
    pub version: &'static str,
    /// Since the process began. When it falls, all totals began anew.
    pub uptime_seconds: f64,
}

impl Identity {
    /// To be made when the process starts: the uptime counts from here.
    pub fn new(node_id: impl Into<String>, role: &'static str) -> Self {
        Self { node_id: node_id.into(), role, began: Instant::now() }
    }

    pub fn about(&self) -> About {
        About {
            node_id: self.node_id.clone(),
            role: self.role,
            version: crate::build::version(),
            uptime_seconds: self.began.elapsed().as_secs_f64(),
        }
    }
}
