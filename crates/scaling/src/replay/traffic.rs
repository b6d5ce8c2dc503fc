//! From arrivals per second to concurrent sessions.

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionLength {
    /// Exponentially distributed: how long one has lasted tells nothing of how long it will.
    Exponential,
    /// All alike.
    Fixed,
}

/// A line of a trace that is no number of arrivals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceError {
    /// From 1.
    pub line: usize,
    pub text: String,
}

impl std::fmt::Display for TraceError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "line {}: {:?} is no number of arrivals (one integer a line)", self.line, self.text)
    }
}

impl std::error::Error for TraceError {}

/// Reads a trace: the arrivals of one second a line. Empty lines and those that begin with `#` are left out.
///
/// # Errors
/// A line that is no integer from 0 to 4,294,967,295.
pub fn parse(text: &str) -> Result<Vec<u32>, TraceError> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, text)| text.parse().map_err(|_| TraceError { line, text: text.chars().take(40).collect() }))
        .collect()
}

/// Concurrent sessions, second by second, scaled so that their mean is `mean_sessions`.
///
/// Before the trace, arrivals are taken to have been those of its first session length, on average. Sessions are a
/// fluid: what is exponential is so on average, without noise of its own (the arrivals bring theirs).
pub fn sessions(arrivals: &[u32], session_seconds: u32, length: SessionLength, mean_sessions: f64) -> Vec<f64> {
    let span = session_seconds.max(1) as usize;
    let seconds = f64::from(session_seconds.max(1));
    let first = &arrivals[..span.min(arrivals.len())];
    let before = mean(first.iter().map(|count| f64::from(*count)));
    let mut open = before * seconds;
    let mut sessions: Vec<f64> = Vec::with_capacity(arrivals.len());
    for (second, count) in arrivals.iter().enumerate() {
        open += f64::from(*count);
        open -= match length {
            SessionLength::Exponential => open / (seconds + 1.0),
            SessionLength::Fixed => second.checked_sub(span).map_or(before, |start| f64::from(arrivals[start])),
        };
        sessions.push(open.max(0.0));
    }
    let mean = mean(sessions.iter().copied());
    let factor = if mean > 0.0 { mean_sessions / mean } else { 0.0 };
    for open in &mut sessions {
        *open *= factor;
    }
    sessions
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}
