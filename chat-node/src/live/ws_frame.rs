//! RFC 6455 frames from server to client: never masked, so one encoding serves every receiver.

use bytes::Bytes;

const FIN_TEXT: u8 = 0x81;
const FIN_CLOSE: u8 = 0x88;
const FIN_PING: u8 = 0x89;

/// A whole text message in one frame.
pub fn text_frame(payload: &[u8]) -> Bytes {
    encode(FIN_TEXT, payload)
}

pub fn ping_frame() -> Bytes {
    Bytes::from_static(&[FIN_PING, 0])
}

/// `reason` is cut to the 123 bytes that a control frame holds.
pub fn close_frame(code: u16, reason: &str) -> Bytes {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = Vec::with_capacity(2 + end);
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    encode(FIN_CLOSE, &payload)
}

#[allow(clippy::cast_possible_truncation)] // each branch has checked the range
fn encode(first: u8, payload: &[u8]) -> Bytes {
    let len = payload.len();
    let mut frame = Vec::with_capacity(len + 10);
    frame.push(first);
    if len < 126 {
        frame.push(len as u8);
    } else if u16::try_from(len).is_ok() {
        frame.push(126);
        frame.extend_from_slice(&(len as u16).to_be_bytes());
    } else {
        frame.push(127);
        frame.extend_from_slice(&(len as u64).to_be_bytes());
    }
    frame.extend_from_slice(payload);
    Bytes::from(frame)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocket};

    use super::*;

    fn read_back(bytes: &Bytes) -> Message {
        WebSocket::from_raw_socket(Cursor::new(bytes.to_vec()), Role::Client, None).read().expect("a valid frame")
    }

    #[test]
    fn every_length_form_is_read_by_a_client() {
        for len in [0, 1, 125, 126, 65_535, 65_536, 100_000] {
            let text = "x".repeat(len);
            assert_eq!(read_back(&text_frame(text.as_bytes())), Message::text(text), "{len}");
        }
        assert!(matches!(read_back(&ping_frame()), Message::Ping(data) if data.is_empty()));
    }

    #[test]
    fn a_close_reason_is_cut_between_characters() {
        let Message::Close(Some(close)) = read_back(&close_frame(4503, &"ü".repeat(100))) else {
            panic!("not a close")
        };
        assert_eq!((u16::from(close.code), close.reason.len()), (4503, 122));
    }
}
