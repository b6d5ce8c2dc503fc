//! The one thread that writes. It gathers what waits into one transaction, so that one fsync serves many callers.

use std::thread::JoinHandle;

use chat_ports::PortError;
use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::failure::{BACKEND, port_error};

/// Jobs that may wait. Whoever comes then waits to be let in: that is the backpressure.
const QUEUE: usize = 4_096;
/// Jobs in one transaction, so that nobody waits for the whole queue.
const BATCH: usize = 1_024;

trait Job: Send {
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    /// The transaction is on the disk, or failed.
    fn finish(self: Box<Self>, outcome: Result<(), PortError>);
}

struct Call<F, T> {
    act: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, PortError>>,
}

impl<T: Send, F: FnMut(&Connection) -> rusqlite::Result<T> + Send> Job for Call<F, T> {
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.value = Some((self.act)(connection)?);
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<(), PortError>) {
        let Self { value, reply, .. } = *self;
        let answer = match (outcome, value) {
            (Ok(()), Some(value)) => Ok(value),
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(PortError::unavailable(BACKEND, "the write was not run")),
        };
        // Nobody may wait any more: then nobody needs the answer.
        let _ = reply.send(answer);
    }
}

pub struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub fn start(connection: Connection) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let thread =
            std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || run(connection, receiver))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs `act` in a transaction and answers when it is durable. `act` runs again when another job of the same
    /// transaction fails. Dropping the future stops nothing that was queued.
    pub async fn call<T, F>(&self, act: F) -> Result<T, PortError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let closed = || PortError::unavailable(BACKEND, "it is shutting down");
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.lock().clone().ok_or_else(closed)?;
        queue.send(Box::new(Call { act, value: None, reply })).await.map_err(|_| closed())?;
        drop(queue);
        answer.await.map_err(|_| closed())?
    }

    /// Takes no more, finishes what is queued, and folds the write-ahead log into the main file.
    pub async fn close(&self) {
        drop(self.queue.lock().take());
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn run(mut connection: Connection, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let mut batch = Vec::new();
    while let Some(first) = queue.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH {
            let Ok(job) = queue.try_recv() else { break };
            batch.push(job);
        }
        match transact(&mut connection, &mut batch) {
            Ok(()) => batch.drain(..).for_each(|job| job.finish(Ok(()))),
            // One job must not fail the others: each gets a transaction of its own.
            Err(_) if batch.len() > 1 => {
                for job in batch.drain(..) {
                    let mut alone = vec![job];
                    let outcome = transact(&mut connection, &mut alone).map_err(|error| report(&error));
                    for job in alone {
                        job.finish(outcome.clone());
                    }
                }
            }
            Err(error) => {
                let error = report(&error);
                batch.drain(..).for_each(|job| job.finish(Err(error.clone())));
            }
        }
    }
    if let Err(error) = connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::warn!(%error, "could not fold the write-ahead log into the main file; it will be read at the next start");
    }
}

fn report(error: &rusqlite::Error) -> PortError {
    let error = port_error(error);
    tracing::warn!(%error, "a write failed and was rolled back");
    error
}

fn transact(connection: &mut Connection, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    // Dropping the transaction rolls it back.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in jobs.iter_mut() {
        job.run(&transaction)?;
    }
    transaction.commit()
}
