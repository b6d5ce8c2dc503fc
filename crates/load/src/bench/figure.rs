use std::fmt;

use serde::Serialize;

/// One measured number over several runs.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    pub name: &'static str,
    pub unit: &'static str,
    pub goal: &'static str,
    pub runs: Vec<f64>,
    /// Promises of the history that were broken meanwhile.
    pub violations: u64,
}

impl Figure {
    pub fn new(name: &'static str, unit: &'static str, goal: &'static str) -> Self {
        Self { name, unit, goal, runs: Vec::new(), violations: 0 }
    }

    pub fn add(&mut self, value: f64, violations: u64) {
        self.runs.push(value);
        self.violations += violations;
    }

    fn sorted(&self) -> Vec<f64> {
        let mut runs = self.runs.clone();
        runs.sort_by(f64::total_cmp);
        runs
    }

    pub fn median(&self) -> f64 {
        let runs = self.sorted();
        runs.get(runs.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, goal, runs, violations } = self;
        let digits = if self.median() < 100.0 { 2 } else { 0 };
        let sorted = self.sorted();
        let (min, max) = (sorted.first().copied().unwrap_or(f64::NAN), sorted.last().copied().unwrap_or(f64::NAN));
        write!(
            f,
            "| {name} | {:.digits$} {unit} | {min:.digits$} – {max:.digits$} | {} | {goal} | {violations} |",
            self.median(),
            runs.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_its_spread() {
        let mut figure = Figure::new("x", "ms", "≤ 5");
        for value in [3.0, 1.0, 2.0] {
            figure.add(value, 0);
        }
        assert_eq!(figure.to_string(), "| x | 2.00 ms | 1.00 – 3.00 | 3 | ≤ 5 | 0 |");
    }
}
