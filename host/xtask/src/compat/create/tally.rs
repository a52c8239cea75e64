//! The table.

use anyhow::bail;

use crate::compat::indent;

/// What came of a case.
pub(super) enum Outcome {
    /// Both make the same; `equal` in every byte of the engine's answers.
    Same { equal: bool },
    /// Neither makes it.
    BothFail { theirs: String, ours: String },
    /// They make something different, or only one makes it, or one disturbs what the other made.
    Differs(String),
    /// The file is refused: `compat config` compares that.
    NotCompared,
}

impl Outcome {
    pub(super) fn differs(&self) -> bool {
        matches!(self, Self::Differs(_))
    }
}

#[derive(Default)]
pub(super) struct Tally {
    same: usize,
    equal: usize,
    both_fail: Vec<(String, String)>,
    not_compared: usize,
    intended: usize,
    wrong: usize,
    stale: usize,
}

impl Tally {
    pub(super) fn add(&mut self, label: &str, outcome: Outcome, intended: Option<&String>) {
        match (outcome, intended) {
            (Outcome::NotCompared, None) => self.not_compared += 1,
            (Outcome::Differs(_), Some(reason)) => {
                self.intended += 1;
                println!("intended  {label}: {reason}");
            }
            (Outcome::Differs(detail), None) => {
                self.wrong += 1;
                println!("DIFFERS   {label}\n{}", indent(&detail));
            }
            (_, Some(_)) => {
                self.stale += 1;
                println!("STALE     {label}: listed as a difference, but both agree");
            }
            (Outcome::Same { equal }, None) => {
                self.same += 1;
                self.equal += usize::from(equal);
            }
            (Outcome::BothFail { theirs, ours }, None) => {
                self.both_fail.push((
                    label.to_owned(),
                    format!("docker compose: {}\nwindlass: {}", reason(&theirs), reason(&ours)),
                ));
            }
        }
    }

    pub(super) fn print(mut self, compose: &str, at_least: f64) -> anyhow::Result<()> {
        self.both_fail.sort();
        for (label, reasons) in &self.both_fail {
            println!("both fail {label}\n{}", indent(reasons));
        }
        let agree = self.same + self.both_fail.len();
        let all = agree + self.wrong + self.stale;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand cases")]
        let share = if all == 0 { 100.0 } else { 100.0 * agree as f64 / all as f64 };
        println!("compared with docker compose {compose}");
        println!("  agreement        {agree:>6}  ({share:.1} %)");
        println!("    both create    {:>6}  of these {} equal in every field", self.same, self.equal);
        println!("    both fail      {:>6}", self.both_fail.len());
        println!("  intended         {:>6}", self.intended);
        println!("  differences      {:>6}", self.wrong);
        println!("  stale            {:>6}", self.stale);
        println!("  refused files    {:>6}  left to `compat config`", self.not_compared);
        if share < at_least {
            bail!("agreement of {share:.1} % is below {at_least} %");
        }
        Ok(())
    }
}

/// What went wrong: windlass marks it, `docker compose` says it last.
fn reason(text: &str) -> &str {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.clone().find(|line| line.starts_with("error: ")).or_else(|| lines.next_back()).unwrap_or_default()
}
