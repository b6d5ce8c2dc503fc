//! Ctrl-C and SIGTERM while there is something to take down first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};

const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
const PAUSE: Duration = Duration::from_millis(50);

/// As long as this lives, such a signal is only noticed, here; afterwards it ends the process again.
pub struct Interrupt {
    seen: Arc<AtomicBool>,
    handle: Handle,
}

impl Interrupt {
    /// `act` is called at the first signal, in a thread of its own.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub fn watch(act: impl FnOnce() + Send + 'static) -> anyhow::Result<Self> {
        let mut signals = Signals::new(SIGNALS)?;
        let (seen, handle) = (Arc::new(AtomicBool::new(false)), signals.handle());
        let shared = seen.clone();
        // Ends with the first signal, or when the handle is closed.
        std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                shared.store(true, Ordering::SeqCst);
                act();
            }
        });
        Ok(Self { seen, handle })
    }

    /// Whether there was one.
    pub fn seen(&self) -> bool {
        self.seen.load(Ordering::SeqCst)
    }

    /// Waits for one, not longer than that; whether there was one.
    pub fn wait(&self, patience: Duration) -> bool {
        let begin = Instant::now();
        while !self.seen() && begin.elapsed() < patience {
            std::thread::sleep(PAUSE);
        }
        self.seen()
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.handle.close();
        // A handler can't be taken back, but it can do what the system would have done.
        for signal in SIGNALS {
            let _ = flag::register_conditional_default(signal, Arc::new(AtomicBool::new(true)));
        }
    }
}
