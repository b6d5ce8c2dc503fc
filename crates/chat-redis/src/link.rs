//! One shared connection to one server, kept up by a task of its own.

use std::sync::Arc;
use std::time::Duration;

use chat_ports::PortError;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::Backoff;
use crate::config::Address;
use crate::connect::{Connected, Connector, Expect, Facts};
use crate::failure::{failure, timed_out, unavailable};

/// Between two looks whether a connection still answers, and how long such a look may take: together the time after
/// which a network that swallows packets is found out.
pub(crate) const KEEPALIVE: Duration = Duration::from_millis(750);
pub(crate) const KEEPALIVE_ANSWER: Duration = Duration::from_secs(1);

#[derive(Clone)]
enum State {
    /// Nothing is known yet: whoever needs it waits.
    Connecting,
    Up(Connected),
    /// The last attempt failed: whoever needs it hears so at once.
    Down(PortError),
}

/// A connection that comes back by itself.
pub(crate) struct Link {
    pub(crate) address: Address,
    state: watch::Receiver<State>,
    /// Somebody got no answer: look at once.
    suspected: Arc<Notify>,
    token: CancellationToken,
}

impl Link {
    pub(crate) fn open(
        connector: &Arc<Connector>,
        address: Address,
        tasks: &TaskTracker,
        token: CancellationToken,
    ) -> Self {
        let (sender, state) = watch::channel(State::Connecting);
        let suspected = Arc::new(Notify::new());
        let keeper = Keeper {
            connector: Arc::clone(connector),
            address: address.clone(),
            state: sender,
            suspected: Arc::clone(&suspected),
        };
        let ended = token.clone();
        tasks.spawn(async move {
            ended.run_until_cancelled(keeper.keep()).await;
        });
        Self { address, state, suspected, token }
    }

    /// The connection, or why there is none.
    pub(crate) async fn connection(&self, deadline: Instant) -> Result<Connected, PortError> {
        if let State::Up(connected) = &*self.state.borrow() {
            return Ok(connected.clone());
        }
        let mut state = self.state.clone();
        let known = state.wait_for(|state| !matches!(state, State::Connecting));
        match tokio::time::timeout_at(deadline, known).await {
            Ok(Ok(state)) => match &*state {
                State::Up(connected) => Ok(connected.clone()),
                State::Down(error) => Err(error.clone()),
                State::Connecting => Err(unavailable(format_args!("{} is being connected to", self.address))),
            },
            Ok(Err(_)) => Err(unavailable(format_args!("{}: the connection was closed", self.address))),
            Err(_) => Err(unavailable(format_args!("{} could not be connected to in time", self.address))),
        }
    }

    pub(crate) fn suspect(&self) {
        self.suspected.notify_one();
    }

    pub(crate) fn close(&self) {
        self.token.cancel();
    }
}

struct Keeper {
    connector: Arc<Connector>,
    address: Address,
    state: watch::Sender<State>,
    suspected: Arc<Notify>,
}

impl Keeper {
    async fn keep(self) {
        let mut backoff = Backoff::default();
        let mut reported = false;
        loop {
            let dropped = Arc::new(Notify::new());
            let notice = Arc::clone(&dropped);
            let push = move |info: PushInfo| {
                if info.kind == PushKind::Disconnection {
                    notice.notify_one();
                }
                Ok::<_, std::convert::Infallible>(())
            };
            match self.connector.connect(&self.address, push).await {
                Ok(connected) => {
                    if std::mem::take(&mut reported) {
                        tracing::info!(address = %self.address, "Redis answers again");
                    }
                    backoff.reset();
                    self.state.send_replace(State::Up(connected.clone()));
                    let error = self.watch_over(connected, &dropped).await;
                    self.state.send_replace(State::Connecting);
                    tracing::warn!(address = %self.address, %error, "the connection to Redis was lost");
                    reported = true;
                }
                Err(error) => {
                    if !std::mem::replace(&mut reported, true) {
                        tracing::warn!(address = %self.address, %error, "cannot connect to Redis");
                    }
                    self.state.send_replace(State::Down(error));
                }
            }
            tokio::time::sleep(backoff.next()).await;
        }
    }

    /// Returns when the connection no longer serves.
    async fn watch_over(&self, connected: Connected, dropped: &Notify) -> PortError {
        let Connected { mut connection, facts } = connected;
        let closed = || unavailable(format_args!("{} closed the connection", self.address));
        loop {
            tokio::select! {
                () = dropped.notified() => return closed(),
                () = self.suspected.notified() => {}
                () = tokio::time::sleep(KEEPALIVE) => {}
            }
            let sentinel = self.connector.expect == Expect::Sentinel;
            let ping = if sentinel { redis::cmd("PING") } else { Facts::question() };
            tokio::select! {
                () = dropped.notified() => return closed(),
                answer = tokio::time::timeout(KEEPALIVE_ANSWER, connection.send_packed_command(&ping)) => match answer {
                    Err(_) => return timed_out(&self.address, KEEPALIVE_ANSWER),
                    Ok(answer) => match answer.and_then(Value::extract_error) {
                        Err(error) => return failure(&self.address, &error),
                        Ok(info) if !sentinel && Facts::read(&info) != *facts => {
                            return unavailable(format_args!("{} has another role or history now", self.address));
                        }
                        Ok(_) => {}
                    }
                }
            }
        }
    }
}
