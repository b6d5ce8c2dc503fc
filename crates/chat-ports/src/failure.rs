/// Why a backend did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PortError {
    /// No answer in time, no connection, too few replicas. Trying again later may do.
    #[error("{backend} is unavailable: {detail}")]
    Unavailable { backend: &'static str, detail: String },
    /// No room for more data. Reads go on.
    #[error("{backend} is full: {detail}")]
    Full { backend: &'static str, detail: String },
    /// The backend refused this very request, and will again.
    #[error("{backend} refused: {detail}")]
    Refused { backend: &'static str, detail: String },
    /// What was read cannot be right.
    #[error("{backend} returned damaged data: {detail}")]
    Corrupt { backend: &'static str, detail: String },
}

impl PortError {
    pub fn unavailable(backend: &'static str, detail: impl std::fmt::Display) -> Self {
        Self::Unavailable { backend, detail: detail.to_string() }
    }

    /// May the same call succeed later?
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Full { .. })
    }
}
