use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chat_ports::PortError;
use parking_lot::Mutex;

/// Makes one query of equal ones that are asked for at once. Who comes while a query runs waits for the next one, which
/// all who wait share: an answer is never from before its question.
pub struct Flights<K, V>(Mutex<HashMap<K, Arc<Flight<V>>>>);

type Answer<V> = (u64, Result<Arc<V>, PortError>);

struct Flight<V> {
    arrivals: AtomicU64,
    /// The last answer, and how many had come when its query began.
    landed: tokio::sync::Mutex<Option<Answer<V>>>,
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Flights<K, V> {
    /// Cancellation-safe: when the one who runs the query goes, the next in line runs its own.
    pub async fn share(&self, key: K, query: impl Future<Output = Result<V, PortError>>) -> Result<V, PortError> {
        let flight = {
            let mut flights = self.0.lock();
            let new = || Flight { arrivals: AtomicU64::new(0), landed: tokio::sync::Mutex::new(None) };
            Arc::clone(flights.entry(key.clone()).or_insert_with(|| Arc::new(new())))
        };
        let arrival = flight.arrivals.fetch_add(1, Ordering::SeqCst);
        let seat = Seat { flights: self, key, flight };
        let mut landed = seat.flight.landed.lock().await;
        if let Some((boarded, answer)) = &*landed
            && *boarded > arrival
        {
            return answer.as_ref().map(|value| V::clone(value)).map_err(Clone::clone);
        }
        let boarded = seat.flight.arrivals.load(Ordering::SeqCst);
        let answer = query.await;
        if boarded == arrival + 1 && seat.flight.arrivals.load(Ordering::SeqCst) == boarded {
            return answer; // Nobody else is there who could share it.
        }
        *landed = Some((boarded, answer.clone().map(Arc::new)));
        answer
    }
}

/// Leaves nothing behind when the last one goes.
struct Seat<'a, K: Hash + Eq, V> {
    flights: &'a Flights<K, V>,
    key: K,
    flight: Arc<Flight<V>>,
}

impl<K: Hash + Eq, V> Drop for Seat<'_, K, V> {
    fn drop(&mut self) {
        let mut flights = self.flights.0.lock();
        // The map's and ours: whoever comes takes theirs under the lock.
        if Arc::strong_count(&self.flight) == 2 {
            flights.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn many_share_the_next_query_and_none_an_older_one() {
        let (flights, queries, go) = (Flights::<u8, usize>::default(), AtomicUsize::new(0), Notify::new());
        let ask = || {
            flights.share(1, async {
                let query = queries.fetch_add(1, Ordering::SeqCst) + 1;
                if query == 1 {
                    go.notified().await;
                }
                Ok(query)
            })
        };
        let late = async {
            // The first query runs by now: these come after its beginning.
            let late = futures_util::future::join_all((0..5).map(|_| ask()));
            let release = async { go.notify_one() };
            tokio::join!(late, release).0
        };
        let (first, late) = tokio::join!(ask(), late);
        assert_eq!(first.expect("answered"), 1);
        assert_eq!(late.into_iter().map(|answer| answer.expect("answered")).collect::<Vec<_>>(), [2; 5]);
        assert!(flights.0.lock().is_empty(), "nothing stays");
    }

    #[tokio::test]
    async fn a_reader_that_goes_leaves_the_others_unharmed() {
        let flights = Flights::<u8, usize>::default();
        {
            let stuck = flights.share(1, std::future::pending());
            let other = flights.share(1, async { Ok(7) });
            tokio::pin!(other);
            tokio::select! {
                biased;
                _ = stuck => {}
                _ = &mut other => {}
                () = std::future::ready(()) => {}
            }
            assert_eq!(other.await.expect("answered"), 7);
        }
        assert!(flights.0.lock().is_empty());
    }
}
