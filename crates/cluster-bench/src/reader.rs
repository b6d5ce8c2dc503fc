//! When is what was published readable in the store?

use std::sync::Arc;
use std::time::Duration;

use chat_ports::ChatStore;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::producer::Watched;

/// Of a sample's age: looks are this exact, and cost the store little.
const FINENESS: f64 = 0.05;
const LEAST_PAUSE: Duration = Duration::from_millis(3);
/// Ten come in a second, and each is taken at once.
const WAITING: usize = 256;
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks the store for each watched record until it is there.
pub struct Reader {
    watched: mpsc::Sender<Watched>,
    task: JoinHandle<Vec<f64>>,
}

impl Reader {
    pub fn start(store: &Arc<dyn ChatStore>) -> Self {
        let (watched, mut receiver) = mpsc::channel::<Watched>(WAITING);
        let store = Arc::clone(store);
        let task = tokio::spawn(async move {
            let (mut looks, mut ages) = (JoinSet::new(), Vec::new());
            loop {
                tokio::select! {
                    next = receiver.recv() => match next {
                        Some(record) => drop(looks.spawn(until_there(Arc::clone(&store), record))),
                        None => break,
                    },
                    Some(age) = looks.join_next() => ages.extend(age),
                }
            }
            ages.extend(looks.join_all().await);
            ages
        });
        Self { watched, task }
    }

    /// One too many is not watched.
    pub fn watch(&self, record: Watched) {
        let _ = self.watched.try_send(record);
    }

    /// Milliseconds from publishing to reading, ascending.
    pub async fn finish(self) -> anyhow::Result<Vec<f64>> {
        let Self { watched, task } = self;
        drop(watched);
        let mut ages = task.await?;
        ages.sort_by(f64::total_cmp);
        Ok(ages)
    }
}

/// Infinite when it does not come, or the store can't be read.
async fn until_there(store: Arc<dyn ChatStore>, record: Watched) -> f64 {
    loop {
        match store.message(record.conversation, record.seq).await {
            Ok(Some(_)) => return record.intended.elapsed().as_secs_f64() * 1e3,
            _ if record.intended.elapsed() > PATIENCE => return f64::INFINITY,
            _ => tokio::time::sleep(record.intended.elapsed().mul_f64(FINENESS).max(LEAST_PAUSE)).await,
        }
    }
}

/// The value below which `part` of an ascending list lies.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a list's length"
)]
pub fn quantile(ascending: &[f64], part: f64) -> f64 {
    let at = (ascending.len() as f64 * part) as usize;
    ascending.get(at.min(ascending.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
