use std::borrow::Cow;

use serde::Deserialize;
use uuid::Uuid;

/// The parts of a server frame that a load test looks at.
#[derive(Debug, Deserialize)]
pub struct Incoming<'a> {
    #[serde(rename = "type", borrow)]
    pub tag: Cow<'a, str>,
    pub conversation: Option<Uuid>,
    #[serde(borrow)]
    pub epoch: Option<Cow<'a, str>>,
    pub rev: Option<u64>,
    pub seq: Option<u64>,
    #[serde(borrow)]
    pub kind: Option<Cow<'a, str>>,
    pub client_msg_id: Option<Uuid>,
    #[serde(borrow)]
    pub body: Option<Body<'a>>,
    #[serde(borrow)]
    pub code: Option<Cow<'a, str>>,
    pub retryable: Option<bool>,
    pub retry_after_ms: Option<u64>,
    pub reconnect_after_ms: Option<u64>,
    pub heartbeat_seconds: Option<u64>,
    pub session: Option<Uuid>,
    pub reload: Option<Vec<Uuid>>,
}

#[derive(Debug, Deserialize)]
pub struct Body<'a> {
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
}

/// An event that came over a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery<'a> {
    pub conversation: Uuid,
    pub epoch: &'a str,
    pub rev: u64,
    pub seq: u64,
    /// Of a message only.
    pub client_msg_id: Option<Uuid>,
    /// When the message should have been sent, in microseconds since the run began: it stands in front of the text.
    pub intended: Option<u64>,
}

impl Incoming<'_> {
    /// The event that this frame is. `None` when it lacks its position.
    pub fn delivery(&self) -> Option<Delivery<'_>> {
        let message = self.kind.as_deref() == Some("message");
        let text = self.body.as_ref().and_then(|body| body.text.as_deref());
        Some(Delivery {
            conversation: self.conversation?,
            epoch: self.epoch.as_deref()?,
            rev: self.rev?,
            seq: self.seq?,
            client_msg_id: self.client_msg_id.filter(|_| message),
            intended: text
                .and_then(|text| text.strip_prefix("t=")?.split_once(';'))
                .and_then(|(time, _)| time.parse().ok()),
        })
    }
}

impl<'a> Delivery<'a> {
    /// A message in the form in which the node writes it, by looking at the bytes: this runs for every delivery of every
    /// connection, and reading JSON by its rules costs the generator more than the server spends on sending it. `None`
    /// for everything else, which is then read by the rules.
    pub fn scan(frame: &'a str) -> Option<Self> {
        let mut rest = Scan(frame);
        rest.literal(r#"{"type":"event","epoch":""#)?;
        let epoch = rest.until('"')?;
        rest.literal(r#","rev":"#)?;
        let rev = rest.number()?;
        rest.literal(r#","conversation":""#)?;
        let conversation = rest.uuid()?;
        rest.literal(r#","seq":"#)?;
        let seq = rest.number()?;
        rest.literal(r#","at":""#)?;
        rest.until('"')?;
        rest.literal(r#","actor":""#)?;
        rest.uuid()?;
        rest.literal(r#","client_msg_id":""#)?;
        let client_msg_id = Some(rest.uuid()?);
        rest.literal(r#","kind":"message","id":""#)?;
        rest.uuid()?;
        rest.literal(r#","body":{"text":"t="#)?;
        let intended = Some(rest.number()?);
        rest.literal(";")?;
        (!epoch.contains('\\')).then_some(Self { conversation, epoch, rev, seq, client_msg_id, intended })
    }
}

/// What is left of a frame.
struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    fn literal(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// Up to that character, which is taken too.
    fn until(&mut self, end: char) -> Option<&'a str> {
        let (before, after) = self.0.split_once(end)?;
        self.0 = after;
        Some(before)
    }

    fn number(&mut self) -> Option<u64> {
        let end = self.0.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (digits, after) = self.0.split_at(end);
        self.0 = after;
        digits.parse().ok()
    }

    /// An id and its closing quote.
    fn uuid(&mut self) -> Option<Uuid> {
        let (id, after) = self.0.split_at_checked(36)?;
        self.0 = after.strip_prefix('"')?;
        Uuid::try_parse(id).ok()
    }
}

#[cfg(test)]
mod tests {
    use chat_core::{ClientMsgId, ConversationId, EventBody, MessageBody, MessageId, Rev, Seq, Timestamp, UserId};
    use proptest::prelude::*;

    use super::*;

    fn frame(client_msg_id: Option<u128>, body: EventBody) -> String {
        let event = chat_core::Event {
            conversation: ConversationId::new(Uuid::from_u128(1)),
            seq: Seq::new(9),
            at: Timestamp::from_millis(5),
            actor: UserId::new(Uuid::from_u128(3)),
            client_msg_id: client_msg_id.map(|id| ClientMsgId::new(Uuid::from_u128(id))),
            body,
        };
        let json = serde_json::to_vec(&event).expect("json");
        let frame = chat_wire::event_frame(&"e".parse().expect("an epoch"), Rev::new(2), &json);
        String::from_utf8(frame.to_vec()).expect("text")
    }

    fn message(text: &str) -> EventBody {
        EventBody::Message { id: MessageId::new(Uuid::from_u128(4)), body: MessageBody::text(text) }
    }

    fn by_the_rules(frame: &str) -> Option<Delivery<'static>> {
        let incoming: Incoming<'_> = serde_json::from_str(frame).expect("a frame");
        let delivery = incoming.delivery()?;
        assert_eq!(delivery.epoch, "e");
        Some(Delivery { epoch: "e", ..delivery })
    }

    #[test]
    fn what_the_node_writes_is_scanned() {
        let frame = frame(Some(2), message("t=123;hello \"you\""));
        let scanned = Delivery::scan(&frame).expect("the quick way fits the node's frames");
        assert_eq!((scanned.rev, scanned.seq, scanned.intended), (2, 9, Some(123)));
        assert_eq!((scanned.conversation, scanned.client_msg_id), (Uuid::from_u128(1), Some(Uuid::from_u128(2))));
        assert_eq!(by_the_rules(&frame), Some(scanned));
    }

    #[test]
    fn other_frames_are_read_by_the_rules() {
        for other in [
            frame(Some(2), message("no time in front")),
            frame(Some(2), message("t=99999999999999999999999;too large")),
            frame(None, message("t=1;of nobody")),
            frame(Some(2), EventBody::MemberLeft { user: UserId::new(Uuid::from_u128(7)) }),
        ] {
            assert_eq!(Delivery::scan(&other), None, "{other}");
            assert!(by_the_rules(&other).is_some(), "{other}");
        }
    }

    proptest! {
            #[test]
            fn both_ways_see_the_same(id: u128, intended: u64, text in ".{0,40}") {
                let frame = frame(Some(id), message(&format!("t={intended};{text}")));
                prop_assert_eq!(Delivery::scan(&frame), by_the_rules(&frame));
            }

            #[test]
            fn cut_and_changed_frames_do_not_panic(at in 0usize..400, to: char) {
                let mut frame = frame(Some(2), message("t=1;x"));
                let at = at.min(frame.len());
                frame.replace_range(at..(at + 1).min(frame.len()), &to.to_string());
                let _ = Delivery::scan(&frame);
                frame.truncate(at);
    let _ = Delivery::scan(&frame);
            }
        }
}
