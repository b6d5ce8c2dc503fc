//! What version 1 wrote, read by today's code, and written again: a changed name, a field that became required or a kind that
//! is gone is found here before a client or a log finds it. What may change is in `docs/reference/versions.md`.

use std::collections::BTreeSet;

use chat_core::EventBody;
use chat_wire::{ClientFrame, DecodeRecordError, LogRecord, NodeFrame, RECORD_VERSION, ServerFrame};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

const RECORDS: &str = include_str!("v1/records.jsonl");
const CLIENT: &str = include_str!("v1/client-frames.jsonl");
const SERVER: &str = include_str!("v1/server-frames.jsonl");
const NODE: &str = include_str!("v1/node-frames.jsonl");

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Reads as `T` and writes the same again: no field was renamed, dropped or given another form.
fn kept<T: Serialize + DeserializeOwned>(line: &str) -> T {
    let read: T = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let written = serde_json::to_value(&read).expect("JSON");
    assert_eq!(written, parse(line), "read and written again");
    read
}

/// The document with a field that nobody knows in every object of it.
fn from_the_future(line: &str) -> String {
    fn add(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.values_mut().for_each(add);
                fields.insert("x_later".to_owned(), json!({"deep": [1, "two", null]}));
            }
            Value::Array(items) => items.iter_mut().for_each(add),
            _ => {}
        }
    }
    let mut document = parse(line);
    add(&mut document);
    document.to_string()
}

fn values_of<'a>(lines: &'a str, field: &'a str) -> BTreeSet<String> {
    lines.lines().map(|line| parse(line)[field].as_str().expect("a tag").to_owned()).collect()
}

/// The tag of an event. A new kind does not compile until it is named here, and then lacks a sample.
fn kind(body: &EventBody) -> &'static str {
    match body {
        EventBody::Message { .. } => "message",
        EventBody::Edited { .. } => "edited",
        EventBody::Deleted { .. } => "deleted",
        EventBody::ReactionAdded { .. } => "reaction_added",
        EventBody::ReactionRemoved { .. } => "reaction_removed",
        EventBody::ConversationCreated { .. } => "conversation_created",
        EventBody::MemberJoined { .. } => "member_joined",
        EventBody::MemberLeft { .. } => "member_left",
        EventBody::RoleChanged { .. } => "role_changed",
        EventBody::ConversationUpdated { .. } => "conversation_updated",
        EventBody::ConversationDeleted {} => "conversation_deleted",
    }
}

#[test]
fn an_old_log_is_read_and_written_as_it_was() {
    let mut kinds = BTreeSet::new();
    for line in RECORDS.lines() {
        let record = LogRecord::decode(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        kinds.insert(kind(&record.body).to_owned());
        let written: Value = serde_json::from_slice(&record.encode()).expect("JSON");
        assert_eq!(written, parse(line), "a reader of version 1 would see another record");
    }
    assert_eq!(kinds, values_of(RECORDS, "kind"));
    assert_eq!(kinds.len(), 11, "a kind without a sample");
}

/// An old writer behind new nodes: what was added within the version is ignored, what it can't know is told apart.
#[test]
fn records_of_newer_nodes_are_read_or_told_apart() {
    for line in RECORDS.lines() {
        let newer = LogRecord::decode(from_the_future(line).as_bytes());
        let newer = newer.unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(newer, LogRecord::decode(line.as_bytes()).expect("read before"), "an unknown field changed it");
        let mut next = parse(line);
        next["v"] = json!(RECORD_VERSION + 1);
        let refused = LogRecord::decode(next.to_string().as_bytes());
        assert!(
            matches!(refused, Err(DecodeRecordError::UnknownVersion { found }) if found == RECORD_VERSION + 1),
            "{refused:?}"
        );
        let mut unknown = parse(line);
        unknown["kind"] = json!("teleported");
        let refused = LogRecord::decode(unknown.to_string().as_bytes());
        assert!(matches!(refused, Err(DecodeRecordError::Malformed(_))), "{refused:?}");
    }
}

#[test]
fn frames_of_old_clients_are_understood() {
    for line in CLIENT.lines() {
        let frame: ClientFrame = kept(line);
        let newer: ClientFrame = serde_json::from_str(&from_the_future(line)).expect("with unknown fields");
        assert_eq!(newer, frame);
    }
    let known: BTreeSet<String> = ClientFrame::TYPES.map(str::to_owned).into();
    assert_eq!(values_of(CLIENT, "type"), known, "a type without a sample, or a sample that lost its type");
}

#[test]
fn old_clients_understand_what_is_said() {
    for line in SERVER.lines() {
        let frame: ServerFrame = kept(line);
        let newer: ServerFrame = serde_json::from_str(&from_the_future(line)).expect("with unknown fields");
        assert_eq!(newer, frame);
    }
    let kinds: BTreeSet<String> = RECORDS.lines().map(|line| parse(line)["kind"].to_string()).collect();
    let events = SERVER.lines().map(parse).filter(|frame| frame["type"] == "event");
    assert_eq!(events.map(|frame| frame["kind"].to_string()).collect::<BTreeSet<_>>(), kinds);
    assert_eq!(values_of(SERVER, "type").len(), 12, "a type without a sample");
}

/// In a rolling upgrade old and new nodes tell each other things.
#[test]
fn nodes_of_two_versions_understand_each_other() {
    for line in NODE.lines() {
        let frames = NodeFrame::decode_packed(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        let written: Value = serde_json::from_slice(&NodeFrame::encode_packed(&frames)).expect("JSON");
        assert_eq!(written, parse(line));
        let newer = NodeFrame::decode_packed(from_the_future(line).as_bytes()).expect("with unknown fields");
        assert_eq!(newer, frames);
        // One that only newer nodes know costs itself, and not what came packed with it.
        let mut mixed = parse(line);
        let list = mixed.as_array_mut().expect("a list");
        list.insert(0, json!({"t": "later", "user": 7}));
        list.push(json!({"t": "later still"}));
        assert_eq!(NodeFrame::decode_packed(mixed.to_string().as_bytes()).expect("the known ones"), frames);
        // But what should be known and isn't readable is an error.
        let mut broken = parse(line);
        let fields = broken[0].as_object_mut().expect("a frame");
        let tag = fields["t"].clone();
        *fields = Map::from_iter([("t".to_owned(), tag)]);
        NodeFrame::decode_packed(broken.to_string().as_bytes()).expect_err("its fields are missing");
    }
    let tags = NODE.lines().flat_map(|line| parse(line).as_array().expect("a list").clone());
    let tags: BTreeSet<String> = tags.map(|frame| frame["t"].as_str().expect("a tag").to_owned()).collect();
    assert_eq!(tags, NodeFrame::TYPES.map(str::to_owned).into(), "a type without a sample");
}
