//! Whether the backends answer, for `/metrics`. Asked beforehand: a scrape must not wait for one that hangs, or all numbers
//! would be missing just when they are needed.

use std::sync::Arc;
use std::time::Duration;

use chat_cluster::health;
use tokio_util::sync::CancellationToken;

use crate::Node;

/// From one look to the next; a look takes three seconds at most.
const PERIOD: Duration = Duration::from_secs(5);

/// Looks at the backends until `stop` is cancelled.
pub async fn run(node: Arc<Node>, stop: CancellationToken) {
    let backends = &node.backends;
    loop {
        let look = async {
            node.counters.read_health(&health(&*backends.log, &*backends.tail, &*backends.store).await);
            tokio::time::sleep(PERIOD).await;
        };
        if stop.run_until_cancelled(look).await.is_none() {
            return;
        }
    }
}
