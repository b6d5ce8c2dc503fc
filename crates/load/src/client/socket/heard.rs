//! What the server says, and what a client makes of it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Client, End, Stage};
use crate::client::dial::Ws;
use crate::client::frame::{Delivery, Incoming};
use crate::client::rest::{Account, Http, RestError};
use crate::history::{Next, Seen, View};

const MOST_GOAWAY: Duration = Duration::from_secs(30);

impl Client {
    /// A frame of the server.
    pub(super) async fn hear(&mut self, ws: &mut Ws, text: &str, at: &mut Stage) -> Result<(), End> {
        if let Some(delivery) = Delivery::scan(text) {
            if let Some(conversation) = self.event(delivery) {
                self.refetch(conversation).await;
            }
            return Ok(());
        }
        // It has a whole conversation where others have an id, and nothing that a load test looks at.
        if text.starts_with(r#"{"type":"conversation""#) {
            return Ok(());
        }
        let frame: Incoming<'_> = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(error) => {
                self.shared.stats.error(format!("unreadable frame: {error}"));
                return Err(End::Reconnect(self.backoff()));
            }
        };
        match frame.tag.as_ref() {
            "event" => match frame.delivery() {
                Some(delivery) => {
                    if let Some(conversation) = self.event(delivery) {
                        self.refetch(conversation).await;
                    }
                }
                None => self.shared.stats.error("an event without its position"),
            },
            "ack" => self.ack(&frame),
            "error" => self.refusal(&frame),
            "welcome" => {
                at.welcomed = true;
                at.old = None;
                // A client takes 1.5 intervals of silence for a dead connection; half an interval more for a busy machine.
                at.patience = Duration::from_secs(frame.heartbeat_seconds.unwrap_or(25)) * 2;
                self.failures = 0;
                self.session = frame.session;
                for conversation in frame.reload.unwrap_or_default() {
                    self.refetch(conversation).await;
                }
                let ids: Vec<Uuid> = self.pending.keys().copied().collect();
                for id in ids {
                    self.say(ws, id).await?;
                }
            }
            "reload" => {
                if let Some(conversation) = frame.conversation {
                    self.refetch(conversation).await;
                }
            }
            "goaway" => {
                self.shared.stats.goaways.fetch_add(1, Ordering::Relaxed);
                let pause = Duration::from_millis(frame.reconnect_after_ms.unwrap_or(0));
                at.leave = Some(Instant::now() + pause.min(MOST_GOAWAY));
            }
            _ => {}
        }
        Ok(())
    }

    /// Checks an event; the conversation when it has to be refetched.
    fn event(&mut self, delivery: Delivery<'_>) -> Option<Uuid> {
        let Delivery { conversation, epoch, rev, seq, client_msg_id, intended } = delivery;
        let Some(view) = self.views.get_mut(&conversation) else {
            self.shared.history.lock().foreign(conversation);
            return None;
        };
        let next = self.shared.history.lock().see(view, Seen { conversation, epoch, rev, seq, client_msg_id });
        if next == Next::Skip {
            return None;
        }
        view.seq = view.seq.max(seq);
        self.shared.stats.delivered.fetch_add(1, Ordering::Relaxed);
        if let Some(intended) = intended {
            self.shared.record(&self.shared.stats.delivery_latency, intended);
            if self.shared.servers.len() > 1 {
                self.shared.record(&self.server().delivery_latency, intended);
            }
        }
        (next == Next::Refetch).then_some(conversation)
    }

    fn ack(&mut self, frame: &Incoming<'_>) {
        let (Some(conversation), Some(id), Some(seq)) = (frame.conversation, frame.client_msg_id, frame.seq) else {
            return;
        };
        self.shared.history.lock().ack(conversation, id, seq);
        if let Some(pending) = self.pending.remove(&id) {
            self.settled();
            self.shared.record(&self.shared.stats.ack_latency, pending.intended);
            self.shared.stats.acked.fetch_add(1, Ordering::Relaxed);
            if let Some(acked) = &self.acked {
                let _ = acked.try_send(());
            }
        }
    }

    fn refusal(&mut self, frame: &Incoming<'_>) {
        self.shared.stats.error(frame.code.as_deref().unwrap_or("error").to_owned());
        let (Some(conversation), Some(id)) = (frame.conversation, frame.client_msg_id) else { return };
        if frame.retryable == Some(true) {
            if let Some(pending) = self.pending.get_mut(&id) {
                pending.again = Instant::now() + Duration::from_millis(frame.retry_after_ms.unwrap_or(500));
            }
        } else if self.pending.remove(&id).is_some() {
            self.shared.history.lock().refuse(conversation, id);
        }
    }

    pub(super) async fn sign_in_again(&mut self) {
        let mut http = Http::new(&self.shared.authority);
        match Account::sign_in(&mut http, &self.account.username, crate::scenario::PASSWORD).await {
            Ok(account) => self.account = account,
            Err(error) => self.shared.stats.error(format!("login: {error}")),
        }
    }

    /// Reads what was missed, and takes the position from before the reading. What is in history is proved at the end.
    async fn refetch(&mut self, conversation: Uuid) {
        self.shared.stats.refetches.fetch_add(1, Ordering::Relaxed);
        self.shared.history.lock().refetched(conversation);
        let mut head = self.head(conversation).await;
        if matches!(head, Err(RestError::Status(401, _))) {
            self.sign_in_again().await;
            head = self.head(conversation).await;
        }
        match (head, self.views.get_mut(&conversation)) {
            (Ok(head), Some(view)) if view.epoch != head.epoch || view.rev < head.rev => {
                *view = View { seq: view.seq.max(head.seq), ..head };
            }
            (Ok(_), _) => {}
            (Err(error), _) => self.shared.stats.error(format!("refetch: {error}")),
        }
    }

    async fn head(&self, conversation: Uuid) -> Result<View, RestError> {
        Http::new(&self.shared.authority).head(conversation, &self.account.token).await
    }
}
