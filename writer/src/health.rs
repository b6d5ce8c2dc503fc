use std::time::Instant;

use parking_lot::Mutex;

/// How a backend did at its last calls. Says a change once, not every failure.
pub struct Health {
    name: &'static str,
    failing: Mutex<Option<(Instant, String)>>,
}

impl Health {
    pub fn new(name: &'static str) -> Self {
        Self { name, failing: Mutex::new(None) }
    }

    pub fn works(&self) {
        if let Some((since, _)) = self.failing.lock().take() {
            tracing::info!(backend = self.name, seconds = since.elapsed().as_secs(), "works again");
        }
    }

    pub fn fails(&self, error: &impl std::fmt::Display) {
        let text = error.to_string();
        let mut failing = self.failing.lock();
        match failing.as_mut() {
            Some((_, known)) if *known == text => {}
            Some((_, known)) => *known = text,
            None => {
                tracing::warn!(backend = self.name, error = text, "fails; it is tried again until it works");
                *failing = Some((Instant::now(), text));
            }
        }
    }

    /// Why, and for how many seconds.
    pub fn failure(&self) -> Option<(u64, String)> {
        self.failing.lock().as_ref().map(|(since, error)| (since.elapsed().as_secs(), error.clone()))
    }
}
