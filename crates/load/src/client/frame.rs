use std::borrow::Cow;

use serde::Deserialize;
use uuid::Uuid;

/// The parts of a server frame that a load test looks at, borrowed from the frame. One flat pass: this runs for every
/// delivery of every connection.
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
    pub session: Option<Uuid>,
    pub reload: Option<Vec<Uuid>>,
}

#[derive(Debug, Deserialize)]
pub struct Body<'a> {
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
}

impl Incoming<'_> {
    /// When the message should have been sent, in microseconds since the run began: it stands in front of the text.
    pub fn intended(&self) -> Option<u64> {
        let text = self.body.as_ref()?.text.as_ref()?;
        text.strip_prefix("t=")?.split_once(';')?.0.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_matters_of_an_event() {
        let json = r#"{"type":"event","epoch":"e","rev":2,"conversation":"00000000-0000-0000-0000-000000000001","seq":9,"at":"x",
            "actor":"y","client_msg_id":"00000000-0000-0000-0000-000000000002","kind":"message","id":"z","body":{"text":"t=123;hello \"you\""}}"#;
        let frame: Incoming<'_> = serde_json::from_str(json).expect("an event");
        assert_eq!((frame.rev, frame.seq, frame.intended()), (Some(2), Some(9), Some(123)));
        assert_eq!(frame.client_msg_id, Some(Uuid::from_u128(2)));
    }
}
