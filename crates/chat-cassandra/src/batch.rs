//! Rows of one partition on their way together.

use chat_ports::PortError;
use futures_util::future::try_join_all;
use scylla::serialize::row::SerializeRow;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;

use crate::connection::Connection;
use crate::failure::{self, BACKEND};

/// What a batch may hold: Cassandra warns above 5 KiB, and splits nothing.
const ROWS: usize = 32;
const BYTES: usize = 5_000;

/// One write, and about how many bytes its values have.
pub struct Line<'a> {
    pub statement: &'a PreparedStatement,
    pub values: Box<dyn SerializeRow + Send + Sync + 'a>,
    pub bytes: usize,
}

impl Connection {
    /// Writes lines that are all of one partition, in as few requests as the limits allow, in no certain order.
    pub async fn write_lines(&self, lines: Vec<Line<'_>>) -> Result<(), PortError> {
        let mut batches = chunks(lines);
        match batches.pop() {
            None => Ok(()),
            Some(only) if batches.is_empty() => self.write_batch(only).await,
            Some(last) => {
                batches.push(last);
                try_join_all(batches.into_iter().map(|batch| self.write_batch(batch))).await.map(drop)
            }
        }
    }

    async fn write_batch(&self, mut lines: Vec<Line<'_>>) -> Result<(), PortError> {
        let _permit = self.permit().await?;
        if lines.len() == 1
            && let Some(line) = lines.pop()
        {
            return self.write(line.statement, line.values).await;
        }
        let statements = lines.iter().map(|line| line.statement.clone().into()).collect();
        let values: Vec<_> = lines.into_iter().map(|line| line.values).collect();
        let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
        batch.set_is_idempotent(true);
        batch.set_execution_profile_handle(Some(self.profiles.writes()));
        let result = Box::pin(self.session.batch(&batch, values)).await;
        result.map(drop).map_err(|error| failure::execution(&self.addresses, &error))
    }

    /// A place among the requests of `apply`.
    pub async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, PortError> {
        self.permits.acquire().await.map_err(|error| PortError::unavailable(BACKEND, error))
    }
}

fn chunks(lines: Vec<Line<'_>>) -> Vec<Vec<Line<'_>>> {
    let (mut chunks, mut chunk, mut bytes) = (Vec::new(), Vec::new(), 0);
    for line in lines {
        if !chunk.is_empty() && (chunk.len() == ROWS || bytes + line.bytes > BYTES) {
            chunks.push(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes += line.bytes;
        chunk.push(line);
    }
    if !chunk.is_empty() {
        chunks.push(chunk);
    }
    chunks
}
