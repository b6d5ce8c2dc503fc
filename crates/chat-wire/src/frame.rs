use bytes::Bytes;
use chat_core::{
    ClientMsgId, ConversationId, DeviceId, Emoji, Epoch, Event, FileId, NodeId, Rev, Seq, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ErrorFrame;
use crate::rest::Conversation;

/// WebSocket close codes.
pub mod close_code {
    pub const NORMAL: u16 = 1000;
    pub const RESTART: u16 = 1012;
    pub const BAD_FRAME: u16 = 4400;
    pub const UNAUTHENTICATED: u16 = 4401;
    pub const FORBIDDEN: u16 = 4403;
    pub const HEARTBEAT: u16 = 4408;
    pub const REPLACED: u16 = 4409;
    pub const TOO_LARGE: u16 = 4413;
    pub const RATE_LIMITED: u16 = 4429;
    pub const SLOW_CONSUMER: u16 = 4503;
}

/// Everything a client may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type")]
pub enum ClientFrame {
    #[serde(rename = "hello")]
    Hello(Hello),
    #[serde(rename = "auth")]
    Auth { token: String },
    #[serde(rename = "send")]
    Send { conversation: ConversationId, client_msg_id: ClientMsgId, body: SendBody },
    #[serde(rename = "edit")]
    Edit { conversation: ConversationId, target: Seq, client_msg_id: ClientMsgId, body: SendBody },
    #[serde(rename = "delete")]
    Delete { conversation: ConversationId, target: Seq, client_msg_id: ClientMsgId },
    #[serde(rename = "react")]
    React { conversation: ConversationId, target: Seq, emoji: Emoji, client_msg_id: ClientMsgId },
    #[serde(rename = "unreact")]
    Unreact { conversation: ConversationId, target: Seq, emoji: Emoji, client_msg_id: ClientMsgId },
    #[serde(rename = "read")]
    Read { conversation: ConversationId, up_to: Seq },
    #[serde(rename = "delivered")]
    Delivered { conversation: ConversationId, up_to: Seq },
    #[serde(rename = "typing")]
    Typing { conversation: ConversationId, on: bool },
    #[serde(rename = "presence.watch")]
    PresenceWatch { users: Vec<UserId> },
    #[serde(rename = "presence.set")]
    PresenceSet { state: SettableState },
    #[serde(rename = "ping")]
    Ping { n: u64 },
}

impl ClientFrame {
    /// The tags that this version knows, to tell an unknown type from a malformed frame.
    pub const TYPES: [&'static str; 13] = [
        "hello",
        "auth",
        "send",
        "edit",
        "delete",
        "react",
        "unreact",
        "read",
        "delivered",
        "typing",
        "presence.watch",
        "presence.set",
        "ping",
    ];
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hello {
    pub token: String,
    pub device_id: DeviceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hello")
            .field("device_id", &self.device_id)
            .field("resume", &self.resume)
            .finish_non_exhaustive()
    }
}

/// Where a client stood when its last connection ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resume {
    /// The `session` of the last `welcome`.
    pub session: Uuid,
    pub conversations: Vec<ResumePoint>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResumePoint {
    pub id: ConversationId,
    pub epoch: Epoch,
    pub rev: Rev,
}

/// What a client wants to say; the server looks up the attachments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SendBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SettableState {
    Online,
    Away,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PresenceState {
    Online,
    Away,
    Offline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GoawayReason {
    Drain,
    Rebalance,
    Update,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConversationAction {
    Added,
    Removed,
    Updated,
}

/// The limits a client must know; a missing one is switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_chars: Option<u64>,
    pub attachments: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_members: Option<u64>,
    /// For example `30/10s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sends: Option<String>,
}

/// Everything a server may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    Welcome {
        session: Uuid,
        node: NodeId,
        heartbeat_seconds: u64,
        user: UserId,
        resumed: Vec<ConversationId>,
        reload: Vec<ConversationId>,
        limits: Limits,
        server_time: Timestamp,
    },
    Authenticated {
        /// Seconds.
        expires_in: u64,
    },
    Ack {
        client_msg_id: ClientMsgId,
        conversation: ConversationId,
        seq: Seq,
        at: Timestamp,
    },
    Event {
        epoch: Epoch,
        rev: Rev,
        #[serde(flatten)]
        event: Event,
    },
    Receipt {
        conversation: ConversationId,
        user: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read: Option<Seq>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivered: Option<Seq>,
    },
    Typing {
        conversation: ConversationId,
        user: UserId,
        on: bool,
    },
    Presence {
        user: UserId,
        state: PresenceState,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seen: Option<Timestamp>,
    },
    Conversation {
        action: ConversationAction,
        id: ConversationId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<Box<Conversation>>,
    },
    Reload {
        conversation: ConversationId,
        reason: String,
    },
    Error(ErrorFrame),
    Pong {
        n: u64,
    },
    Goaway {
        reconnect_after_ms: u64,
        reason: GoawayReason,
    },
}

impl ServerFrame {
    /// One text frame's payload.
    pub fn encode(&self) -> Bytes {
        match serde_json::to_vec(self) {
            Ok(json) => Bytes::from(json),
            Err(error) => unreachable!("server frames have string keys and finite numbers: {error}"),
        }
    }
}

/// The payload of [`ServerFrame::Event`], from the JSON of the [`Event`] that the tail keeps: nothing is encoded twice.
pub fn event_frame(epoch: &Epoch, rev: Rev, event_json: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(event_json.len() + 72);
    frame.extend_from_slice(br#"{"type":"event","epoch":""#);
    frame.extend_from_slice(epoch.as_str().as_bytes());
    frame.extend_from_slice(br#"","rev":"#);
    frame.extend_from_slice(rev.to_string().as_bytes());
    frame.push(b',');
    frame.extend_from_slice(event_json.get(1..).unwrap_or_default());
    Bytes::from(frame)
}

#[cfg(test)]
mod tests {
    use chat_core::{EventBody, MessageBody, MessageId};

    use super::*;

    fn event() -> Event {
        Event {
            conversation: ConversationId::new(Uuid::from_u128(1)),
            seq: Seq::new(7),
            at: Timestamp::from_millis(1),
            actor: UserId::new(Uuid::from_u128(2)),
            client_msg_id: Some(ClientMsgId::new(Uuid::from_u128(3))),
            body: EventBody::Message { id: MessageId::new(Uuid::from_u128(4)), body: MessageBody::text("hi \"you\"") },
        }
    }

    #[test]
    fn a_spliced_event_frame_is_the_encoded_one() {
        let epoch: Epoch = "e1".parse().expect("valid");
        let spliced = event_frame(&epoch, Rev::new(42), &serde_json::to_vec(&event()).expect("json"));
        let parsed: ServerFrame = serde_json::from_slice(&spliced).expect("a server frame");
        assert_eq!(parsed, ServerFrame::Event { epoch, rev: Rev::new(42), event: event() });
        assert_eq!(parsed.encode(), spliced);
    }

    #[test]
    fn the_documented_hello_and_send_parse() {
        let hello = r#"{"type":"hello","token":"t","device_id":"d","resume":{"session":"00000000-0000-0000-0000-000000000001","conversations":[{"id":"00000000-0000-0000-0000-000000000001","epoch":"e","rev":41}]},"extra":1}"#;
        assert!(matches!(serde_json::from_str(hello).expect("hello"), ClientFrame::Hello(h) if h.resume.is_some()));
        let send = r#"{"type":"send","conversation":"00000000-0000-0000-0000-000000000001","client_msg_id":"00000000-0000-0000-0000-000000000002","body":{"text":"hi"}}"#;
        assert!(
            matches!(serde_json::from_str(send).expect("send"), ClientFrame::Send { body, .. } if body.text.as_deref() == Some("hi"))
        );
    }

    #[test]
    fn the_list_of_types_is_complete() {
        for tag in ClientFrame::TYPES {
            let error =
                serde_json::from_str::<ClientFrame>(&format!(r#"{{"type":"{tag}"}}"#)).expect_err("needs fields");
            assert!(error.to_string().contains("missing field"), "{tag}: {error}");
        }
        let error = serde_json::from_str::<ClientFrame>(r#"{"type":"nope"}"#).expect_err("unknown");
        for tag in ClientFrame::TYPES {
            assert!(error.to_string().contains(&format!("`{tag}`")), "{error}");
        }
    }
}
