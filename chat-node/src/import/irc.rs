use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_core::{
    ClientMsgId, ConversationId, ConversationKind, EventBody, Member, MessageBody, MessageId, Role, Timestamp, UserId,
};
use chat_ports::{ChatStore, MessageLog, PortError};
use chat_wire::LogRecord;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::clock::LogClock;
use super::line::{Line, parse_line};
use super::speakers::Speakers;

/// Messages in one transaction.
const CHUNK: usize = 2_000;
/// Malformed lines that the report quotes.
const EXAMPLES: usize = 10;

/// Why an import stopped. What was imported until then stays, and a second run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: the name must begin with the day, as in 2007-01-12.log", path.display())]
    NoDate { path: PathBuf },
    #[error("there is nothing to import: no files")]
    NoFiles,
    #[error(transparent)]
    Port(#[from] PortError),
}

/// What an import did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ImportReport {
    pub files: u64,
    pub lines: u64,
    pub imported: u64,
    /// Found from an earlier run.
    pub already_there: u64,
    pub notices: u64,
    pub blank: u64,
    pub malformed: u64,
    /// Lines with bytes that are no UTF-8; those bytes were replaced.
    pub repaired: u64,
    pub speakers: u64,
    pub new_speakers: u64,
    /// `file:line: text` of the first malformed lines.
    pub examples: Vec<String>,
    pub took: Duration,
}

/// Imports logs into one conversation.
pub struct IrcImport {
    pub log: Arc<dyn MessageLog>,
    pub store: Arc<dyn ChatStore>,
    pub conversation: String,
    pub owner: UserId,
}

struct Message {
    nick: String,
    at: Timestamp,
    id: Uuid,
    text: String,
}

impl IrcImport {
    /// Always the same for a name, so that a second run finds the conversation.
    pub fn conversation_id(&self) -> ConversationId {
        let name = format!("urn:elastic-chat:irc-conversation:{}", self.conversation);
        ConversationId::new(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
    }

    /// Reads files (and the files in folders) in the order of their names. `progress` hears the number of messages.
    pub async fn run(&self, paths: &[PathBuf], mut progress: impl FnMut(u64)) -> Result<ImportReport, ImportError> {
        let begin = Instant::now();
        let files = collect_files(paths)?;
        let mut report = ImportReport::default();
        let mut speakers = Speakers::new(Arc::clone(&self.store));
        let (mut created, mut waiting) = (false, Vec::new());
        for path in &files {
            report.files += 1;
            read_file(path, &mut waiting, &mut report)?;
            while waiting.len() >= CHUNK {
                let rest = waiting.split_off(CHUNK);
                self.write(&mut created, &mut speakers, std::mem::replace(&mut waiting, rest), &mut report).await?;
                progress(report.imported + report.already_there);
            }
        }
        self.write(&mut created, &mut speakers, waiting, &mut report).await?;
        report.speakers = speakers.count() as u64;
        report.new_speakers = speakers.created;
        report.took = begin.elapsed();
        Ok(report)
    }

    async fn create(&self, at: Timestamp) -> Result<(), PortError> {
        let id = self.conversation_id();
        if self.store.membership(id, self.owner).await?.is_some() {
            return Ok(());
        }
        let body = if self.store.conversation(id).await?.is_some() {
            EventBody::MemberJoined { user: self.owner, role: Role::Owner }
        } else {
            EventBody::ConversationCreated {
                conversation_kind: ConversationKind::Group,
                title: Some(self.conversation.clone()),
                members: vec![Member { user: self.owner, role: Role::Owner }],
            }
        };
        let record = LogRecord { conversation: id, at, actor: self.owner, client_msg_id: None, body };
        let mutations = chat_projector::project(&record, self.log.append(record.clone()).await?);
        self.store.apply(mutations).await
    }

    async fn write(
        &self,
        created: &mut bool,
        speakers: &mut Speakers,
        messages: Vec<Message>,
        report: &mut ImportReport,
    ) -> Result<(), PortError> {
        let Some(first) = messages.first() else { return Ok(()) };
        if !std::mem::replace(created, true) {
            self.create(first.at).await?;
        }
        let nicks: Vec<&str> = messages.iter().map(|message| message.nick.as_str()).collect();
        speakers.meet(&nicks, first.at).await?;
        let conversation = self.conversation_id();
        let mut records = Vec::with_capacity(messages.len());
        for Message { nick, at, id, text } in messages {
            let (actor, client_msg_id) = (Speakers::id(&nick), ClientMsgId::new(id));
            if self.store.claimed(conversation, actor, client_msg_id).await?.is_some() {
                report.already_there += 1;
                continue;
            }
            let body = EventBody::Message { id: MessageId::new(id), body: MessageBody::text(text) };
            records.push(LogRecord { conversation, at, actor, client_msg_id: Some(client_msg_id), body });
        }
        if !records.is_empty() {
            report.imported += self.log.append_batch(records).await?.len() as u64;
        }
        Ok(())
    }
}

fn collect_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ImportError> {
    let mut files = Vec::new();
    for path in paths {
        let read = |source| ImportError::Read { path: path.clone(), source };
        if std::fs::metadata(path).map_err(read)?.is_dir() {
            for entry in std::fs::read_dir(path).map_err(read)? {
                let entry = entry.map_err(read)?.path();
                let dated = LogClock::from_file_name(&file_name(&entry)).is_some();
                if dated && entry.extension().is_some_and(|extension| extension == "txt" || extension == "log") {
                    files.push(entry);
                }
            }
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        return Err(ImportError::NoFiles);
    }
    files.sort_by_key(|path| file_name(path));
    Ok(files)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn read_file(path: &Path, messages: &mut Vec<Message>, report: &mut ImportReport) -> Result<(), ImportError> {
    let name = file_name(path);
    let mut clock = LogClock::from_file_name(&name).ok_or_else(|| ImportError::NoDate { path: path.to_owned() })?;
    let bytes = std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    // What follows the last line's end is no line.
    let content = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    for (number, raw) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = String::from_utf8_lossy(raw);
        report.lines += 1;
        report.repaired += u64::from(matches!(line, std::borrow::Cow::Owned(_)));
        let (minute, nick, text) = match parse_line(&line) {
            Line::Said { minute, nick, text } => (minute, nick, text.to_owned()),
            Line::Did { minute, nick, text } => (minute, nick, format!("*{nick} {text}*")),
            Line::Notice => {
                report.notices += 1;
                continue;
            }
            Line::Blank => {
                report.blank += 1;
                continue;
            }
            Line::Malformed => {
                report.malformed += 1;
                if report.examples.len() < EXAMPLES {
                    let shown: String = line.chars().take(80).collect();
                    report.examples.push(format!("{name}:{}: {shown}", number + 1));
                }
                continue;
            }
        };
        let at = clock.at(minute);
        // A message without text cannot be shown; a space keeps its place.
        let text = if text.is_empty() { " ".to_owned() } else { text };
        messages.push(Message { id: line_id(at, &name, number, raw), nick: nick.to_owned(), at, text });
    }
    Ok(())
}

/// The same line of the same file has the same id in every run; ids grow with time as other version 7 ones do.
fn line_id(at: Timestamp, file: &str, number: usize, line: &[u8]) -> Uuid {
    let digest = Sha256::new().chain_update(file).chain_update(number.to_be_bytes()).chain_update(line).finalize();
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    Builder::from_unix_timestamp_millis(at.millis_since(Timestamp::EPOCH), &random).into_uuid()
}
