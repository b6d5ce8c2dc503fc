use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Violations quoted for each rule.
const EXAMPLES: usize = 5;

/// What a run must not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// An acknowledged message is not in history.
    Lost,
    /// A connection that stayed did not get an event live.
    LostLive,
    /// A message came, or stands, at two places.
    Doubled,
    /// Something came that nobody sent.
    Invented,
    /// A message sent after another's ack has the lower seq, or history is not ascending.
    Order,
    /// One (epoch, rev) was two events.
    RevOrder,
    /// A rev was left out.
    Hole,
    /// One send has two seqs.
    TwoValues,
    /// Somebody who is no member saw it.
    Foreign,
    /// Refused for good, and there all the same.
    RefusedButThere,
    /// Seen live, and not in history.
    LiveNotStored,
}

/// The result of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verdict {
    pub acked: u64,
    pub refused: u64,
    /// Sends without an answer at the end: they may be there or not.
    pub open: u64,
    pub delivered: u64,
    /// Frames that a client had already, and dropped by their rev.
    pub doubled_frames: u64,
    /// Acknowledged and stored, but seen live by nobody (nobody was connected, or all refetched).
    pub unseen: u64,
    violations: BTreeMap<Rule, (u64, Vec<String>)>,
}

impl Verdict {
    pub fn broke(&mut self, rule: Rule, example: impl FnOnce() -> String) {
        let (count, examples) = self.violations.entry(rule).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(example());
        }
    }

    pub fn count(&self, rule: Rule) -> u64 {
        self.violations.get(&rule).map_or(0, |(count, _)| *count)
    }

    pub fn violations(&self) -> u64 {
        self.violations.values().map(|(count, _)| count).sum()
    }

    pub fn sound(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lost = self.count(Rule::Lost) + self.count(Rule::LostLive);
        let disordered = self.count(Rule::Order) + self.count(Rule::RevOrder) + self.count(Rule::Hole);
        writeln!(
            f,
            "history: {} acked, {} delivered, {lost} lost, {} doubled, {disordered} disordered, {} other violations",
            self.acked,
            self.delivered,
            self.count(Rule::Doubled),
            self.violations() - lost - disordered - self.count(Rule::Doubled)
        )?;
        writeln!(
            f,
            "         {} refused, {} unanswered, {} repeated frames dropped by rev",
            self.refused, self.open, self.doubled_frames
        )?;
        for (rule, (count, examples)) in &self.violations {
            writeln!(f, "  {rule:?}: {count}")?;
            for example in examples {
                writeln!(f, "    {example}")?;
            }
        }
        Ok(())
    }
}
