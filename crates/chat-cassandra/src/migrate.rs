use std::time::Duration;

use scylla::client::session::Session;
use scylla::response::query_result::QueryResult;
use scylla::statement::unprepared::Statement;
use scylla::statement::{Consistency, SerialConsistency};
use tokio::time::Instant;
use uuid::Uuid;

use crate::config::CassandraConfig;
use crate::connection::{Outcome, jitter};
use crate::failure::{SetupError, advise};
use crate::store::datacenter;

/// Each step's statements, from version 1 on. A step that was published never changes, and later ones only add, so that
/// programs of the version before go on while a cluster is upgraded.
const STEPS: [&str; 1] = [include_str!("schema/001.cql")];
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a handful")]
pub const VERSION: i32 = STEPS.len() as i32;

/// A step may wait for slow nodes to agree.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(1);
/// How long another migration may hold us up.
const LOCK_PATIENCE: Duration = Duration::from_mins(5);
/// After this the lock of a migration that died is free. Taken anew before every statement.
const LOCK_LIFE_SECS: i32 = 120;

/// Makes the keyspace, with `replication_factor` replicas in the local datacenter, and brings its tables to this
/// program's version. Answers what was done: nothing, when all was there. Safe to run twice and at once; a keyspace that
/// exists keeps its replication.
pub async fn migrate(config: &CassandraConfig, replication_factor: u32) -> Result<Vec<String>, SetupError> {
    config.check()?;
    let addresses = config.addresses();
    let session = config.session()?.schema_agreement_timeout(STATEMENT_TIMEOUT).build().await;
    let session = session.map_err(|error| SetupError::Unreachable(advise(&addresses, &error)))?;
    let migration = Migration { session, config, holder: Uuid::new_v4() };
    let mut done = Vec::new();
    if migration.version().await == Some(VERSION) {
        return Ok(done);
    }
    migration.prepare(replication_factor, &mut done).await?;
    migration.lock().await?;
    let result = migration.steps(&mut done).await;
    migration.unlock().await;
    result.map(|()| done)
}

struct Migration<'a> {
    session: Session,
    config: &'a CassandraConfig,
    holder: Uuid,
}

impl Migration<'_> {
    async fn run(&self, cql: &str) -> Result<QueryResult, SetupError> {
        let mut statement = Statement::new(cql);
        statement.set_consistency(Consistency::LocalQuorum);
        statement.set_serial_consistency(Some(SerialConsistency::LocalSerial));
        statement.set_request_timeout(Some(STATEMENT_TIMEOUT));
        let result = self.session.query_unpaged(statement, ()).await;
        let detail = |error| format!("{}: {}", self.config.addresses(), advise("", &error));
        let summary = cql.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
        result.map_err(|error| SetupError::Schema { statement: summary, detail: detail(error) })
    }

    /// `None` when the keyspace or the table is not there, too.
    async fn version(&self) -> Option<i32> {
        let keyspace = &self.config.keyspace;
        let cql = format!("SELECT version FROM {keyspace}.schema_version WHERE component = 'chat'");
        let rows = self.run(&cql).await.ok()?.into_rows_result().ok()?;
        rows.maybe_first_row::<(Option<i32>,)>().ok()??.0
    }

    /// The keyspace and the tables that the lock and the version need. All who come at once write the same.
    async fn prepare(&self, replication_factor: u32, done: &mut Vec<String>) -> Result<(), SetupError> {
        let (keyspace, local) = (&self.config.keyspace, datacenter(self.config, &self.session)?);
        let local = local.replace('\'', "''");
        let there = format!("SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = '{keyspace}'");
        let there = self.run(&there).await?.into_rows_result().is_ok_and(|rows| rows.rows_num() > 0);
        if !there {
            self.run(&format!(
                "CREATE KEYSPACE IF NOT EXISTS {keyspace}
                 WITH replication = {{'class': 'NetworkTopologyStrategy', '{local}': {replication_factor}}}"
            ))
            .await?;
            done.push(format!("made keyspace {keyspace} with {replication_factor} replica(s) in {local}"));
        }
        for (table, columns) in [
            ("schema_version", "component text PRIMARY KEY, version int, applied_at timestamp"),
            ("schema_lock", "component text PRIMARY KEY, holder uuid"),
        ] {
            self.run(&format!("CREATE TABLE IF NOT EXISTS {keyspace}.{table} ({columns})")).await?;
        }
        Ok(())
    }

    /// One migration at a time: servers that make the same table at once disagree about it.
    async fn lock(&self) -> Result<(), SetupError> {
        let until = Instant::now() + LOCK_PATIENCE;
        loop {
            match self.take_lock().await {
                Ok(true) => return Ok(()),
                Err(error) if Instant::now() > until => return Err(error),
                Ok(false) | Err(_) if Instant::now() > until => {
                    let detail = "another migration holds the lock; it is free 2 minutes after that one died".into();
                    return Err(SetupError::Schema { statement: "schema_lock".into(), detail });
                }
                Ok(false) | Err(_) => tokio::time::sleep(jitter(Duration::from_millis(300))).await,
            }
        }
    }

    async fn take_lock(&self) -> Result<bool, SetupError> {
        let (keyspace, holder) = (&self.config.keyspace, self.holder);
        let cql = format!(
            "INSERT INTO {keyspace}.schema_lock (component, holder) VALUES ('chat', {holder}) IF NOT EXISTS
             USING TTL {LOCK_LIFE_SECS}"
        );
        let outcome = Outcome::read(self.run(&cql).await?);
        let outcome = outcome
            .map_err(|error| SetupError::Schema { statement: "schema_lock".into(), detail: error.to_string() })?;
        Ok(outcome.applied || outcome.id("holder") == Some(self.holder))
    }

    async fn renew_lock(&self) -> Result<(), SetupError> {
        let (keyspace, holder) = (&self.config.keyspace, self.holder);
        let cql = format!(
            "UPDATE {keyspace}.schema_lock USING TTL {LOCK_LIFE_SECS} SET holder = {holder}
             WHERE component = 'chat' IF holder = {holder}"
        );
        match Outcome::read(self.run(&cql).await?) {
            Ok(outcome) if outcome.applied => Ok(()),
            _ => Err(SetupError::Schema {
                statement: "schema_lock".into(),
                detail: "another migration took the lock: run it again".into(),
            }),
        }
    }

    async fn unlock(&self) {
        let (keyspace, holder) = (&self.config.keyspace, self.holder);
        let cql = format!("DELETE FROM {keyspace}.schema_lock WHERE component = 'chat' IF holder = {holder}");
        if let Err(error) = self.run(&cql).await {
            tracing::warn!("the migration's lock stays for {LOCK_LIFE_SECS} s: {error}");
        }
    }

    async fn steps(&self, done: &mut Vec<String>) -> Result<(), SetupError> {
        let (keyspace, found) = (&self.config.keyspace, self.version().await.unwrap_or(0));
        if found > VERSION {
            return Err(SetupError::TooNew { keyspace: keyspace.clone(), found, known: VERSION });
        }
        let compaction = self.compaction().await;
        for (step, version) in STEPS.iter().zip(1..).skip_while(|(_, version)| *version <= found) {
            let statements = statements(step);
            let count = statements.len();
            for statement in statements {
                self.renew_lock().await?;
                self.run(&qualified(&statement, keyspace, compaction)).await?;
            }
            let agreed = self.session.await_schema_agreement().await;
            agreed.map_err(|error| SetupError::Schema {
                statement: "schema agreement".into(),
                detail: advise(&self.config.addresses(), &error),
            })?;
            self.run(&format!(
                "INSERT INTO {keyspace}.schema_version (component, version, applied_at)
                 VALUES ('chat', {version}, toTimestamp(now()))"
            ))
            .await?;
            done.push(format!("brought keyspace {keyspace} to version {version} ({count} tables)"));
        }
        Ok(())
    }

    /// Unified compaction where the server knows it: Cassandra from 5 on.
    async fn compaction(&self) -> bool {
        let release = self.run("SELECT release_version FROM system.local").await.ok();
        let release = release.and_then(|result| result.into_rows_result().ok());
        let release = release.and_then(|rows| rows.first_row::<(String,)>().ok()).map(|(release,)| release);
        release.and_then(|text| text.split('.').next()?.parse::<u32>().ok()).is_some_and(|major| major >= 5)
    }
}

/// A step's statements, without comments.
fn statements(step: &str) -> Vec<String> {
    let lines: Vec<_> = step.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let statements = lines.join("\n");
    statements.split(';').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

/// In this keyspace, and compacted as the server can.
fn qualified(statement: &str, keyspace: &str, unified: bool) -> String {
    let made = statement.replacen("CREATE TABLE IF NOT EXISTS ", &format!("CREATE TABLE IF NOT EXISTS {keyspace}."), 1);
    if !made.starts_with("CREATE TABLE") {
        return made;
    }
    // Claims all die at the same age, and their write times are the server's: whole files can be dropped.
    let compaction = if statement.contains("default_time_to_live") {
        "{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': 1}"
    } else if unified {
        "{'class': 'UnifiedCompactionStrategy'}"
    } else {
        return made;
    };
    let word = if made.contains(") WITH ") { "AND" } else { "WITH" };
    format!("{made} {word} compaction = {compaction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_cut_into_its_statements() {
        let all = statements(STEPS[0]);
        assert!(all.iter().all(|cql| cql.starts_with("CREATE TABLE IF NOT EXISTS ")), "{all:#?}");
        let cql = qualified(&all[0], "chat", true);
        assert!(cql.starts_with("CREATE TABLE IF NOT EXISTS chat.messages ("), "{cql}");
        assert!(cql.ends_with("(seq DESC) AND compaction = {'class': 'UnifiedCompactionStrategy'}"), "{cql}");
        assert!(qualified(&all[6], "chat", true).contains(") WITH compaction"), "{}", all[6]);
        assert_eq!(qualified(&all[6], "chat", false).matches("compaction").count(), 0);
    }
}
