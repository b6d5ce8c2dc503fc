use parking_lot::Mutex;
use tokio::sync::oneshot;

/// A queue in which whoever comes takes a turn, and begins when the one before has ended (or was dropped).
#[derive(Debug, Default)]
pub struct Turns {
    last: Mutex<Option<oneshot::Receiver<()>>>,
}

/// A place in the queue.
#[derive(Debug)]
pub struct Turn {
    before: Option<oneshot::Receiver<()>>,
    ended: oneshot::Sender<()>,
}

impl Turns {
    pub fn take(&self) -> Turn {
        let (ended, next) = oneshot::channel();
        Turn { before: self.last.lock().replace(next), ended }
    }
}

impl Turn {
    /// Waits for those before. The next one begins when what this returns is dropped.
    pub async fn begin(self) -> oneshot::Sender<()> {
        if let Some(before) = self.before {
            // An error is the end as well: the sender is only ever dropped.
            let _ = before.await;
        }
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn turns_are_taken_in_order_whatever_the_scheduler_does() {
        let (turns, order) = (Turns::default(), Arc::new(Mutex::new(Vec::new())));
        let tasks = (0..500).map(|n| {
            let (turn, order) = (turns.take(), Arc::clone(&order));
            tokio::spawn(async move {
                let held = turn.begin().await;
                tokio::task::yield_now().await;
                order.lock().push(n);
                drop(held);
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("task");
        }
        assert!(order.lock().iter().copied().eq(0..500));
    }
}
