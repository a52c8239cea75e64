//! `compat config`: agreement means that both refuse, or that both accept and mean the same; equal bytes and equal hashes
//! are counted apart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde_json::Value as Json;
use windlass_model::node::{Node, SourceFile, Value};

use super::Setup;
use super::cases::Case;

/// What came of it.
struct Outcome {
    agree: bool,
    same_bytes: bool,
    accepted: bool,
    detail: String,
}

/// Runs the comparison and prints the table.
pub(super) fn run(setup: &Setup) -> anyhow::Result<()> {
    let mut tally = Tally::default();
    for case in &setup.cases {
        let outcome = compare(setup, case)?;
        // With a flag, what is listed may agree.
        let listed = setup.intended.get(&case.label).filter(|_| setup.with.is_empty() || !outcome.agree);
        tally.add(case, &outcome, listed);
    }
    tally.print(&setup.compose, setup.at_least)
}

#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    same_bytes: usize,
    intended: usize,
    agree: usize,
    wrong: usize,
    stale: usize,
}

impl Tally {
    fn add(&mut self, case: &Case, outcome: &Outcome, intended: Option<&String>) {
        self.same_bytes += usize::from(outcome.accepted && outcome.same_bytes);
        match (outcome.agree, intended) {
            (true, None) => {
                self.agree += 1;
                if outcome.accepted { self.accepted += 1 } else { self.refused += 1 }
            }
            (true, Some(_)) => {
                self.stale += 1;
                println!("STALE     {}: listed as a difference, but both agree", case.label);
            }
            (false, Some(reason)) => {
                self.intended += 1;
                println!("intended  {}: {reason}", case.label);
            }
            (false, None) => {
                self.wrong += 1;
                println!("DIFFERS   {}\n{}", case.label, super::indent(&outcome.detail));
            }
        }
    }

    fn print(&self, compose: &str, at_least: f64) -> anyhow::Result<()> {
        let all = self.agree + self.wrong + self.stale;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand cases")]
        let share = if all == 0 { 100.0 } else { 100.0 * self.agree as f64 / all as f64 };
        println!("compared with docker compose {compose}");
        println!("  agreement        {:>6}  ({share:.1} %)", self.agree);
        println!(
            "    both accept    {:>6}  of these {} byte for byte, hashes included",
            self.accepted, self.same_bytes
        );
        println!("    both refuse    {:>6}", self.refused);
        println!("  intended         {:>6}", self.intended);
        println!("  differences      {:>6}", self.wrong);
        println!("  stale            {:>6}", self.stale);
        if share < at_least {
            bail!("agreement of {share:.1} % is below {at_least} %");
        }
        Ok(())
    }
}

/// Exit code, standard output, standard error.
type Said = (bool, String, String);

fn say(program: &Path, first: &[&str], case: &Case, last: &[&str]) -> anyhow::Result<Said> {
    let mut command = Command::new(program);
    command.args(first).args(&case.args);
    // A line of arguments may bring the command with flags of its own.
    if !case.args.iter().any(|arg| arg == "config") {
        command.arg("config");
    }
    command.args(last).current_dir(&case.directory).stdin(Stdio::null());
    let output = command.output().with_context(|| format!("{} does not start", program.display()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    // A crash is never agreement, not even with a refusal.
    let crashed = output.status.code().is_none() || err.contains("panicked at");
    Ok((output.status.success(), out, if crashed { format!("CRASHED\n{err}") } else { err }))
}

fn compare(setup: &Setup, case: &Case) -> anyhow::Result<Outcome> {
    let (windlass, compose) = (setup.windlass.as_path(), Path::new("docker"));
    let with: Vec<&str> = setup.with.iter().map(String::as_str).collect();
    let ours = say(windlass, &[], case, &with)?;
    let theirs = say(compose, &["compose"], case, &with)?;
    let accepted = ours.0 && theirs.0;
    if !accepted {
        let agree = ours.0 == theirs.0 && !ours.2.starts_with("CRASHED");
        let word = |accepts| if accepts { "accepts" } else { "refuses" };
        let detail = format!(
            "windlass {}: {}\ndocker compose {}: {}",
            word(ours.0),
            ours.2.trim(),
            word(theirs.0),
            theirs.2.trim()
        );
        return Ok(Outcome { agree, same_bytes: false, accepted, detail });
    }
    let hash = |program, first| {
        if with.is_empty() { say(program, first, case, &["--hash", "*"]) } else { Ok(Said::default()) }
    };
    let hashes = (hash(windlass, &[] as &[&str])?.1, hash(compose, &["compose"])?.1);
    let same_bytes = ours.1 == theirs.1 && hashes.0 == hashes.1;
    let agree = meaning(&ours.1) == meaning(&theirs.1);
    Ok(Outcome { agree, same_bytes, accepted, detail: first_difference(&theirs.1, &ours.1) })
}

/// The YAML as data.
fn meaning(text: &str) -> Vec<Json> {
    let file = Arc::new(SourceFile { path: PathBuf::new(), text: text.to_owned() });
    let nodes = windlass_model::yaml::parse(&file, &mut windlass_model::Diagnostics::default());
    nodes.iter().map(data).collect()
}

fn data(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Large(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::Time(time) => Json::from(time.rfc3339()),
        Value::String(text) => Json::from(text.clone()),
        Value::Seq(items) => items.iter().map(data).collect(),
        // Order of keys means nothing: sorted.
        Value::Map(map) => {
            let sorted: BTreeMap<&String, Json> = map.iter().map(|(key, entry)| (key, data(&entry.node))).collect();
            let entries = sorted.into_iter().map(|(key, value)| (key.clone(), unordered(key, value)));
            entries.collect::<serde_json::Map<_, _>>().into()
        }
    }
}

/// SSH keys: `docker compose` prints them in random order.
fn unordered(key: &str, value: Json) -> Json {
    match value {
        Json::Array(mut items) if key == "ssh" => {
            items.sort_by_key(Json::to_string);
            Json::Array(items)
        }
        value => value,
    }
}

fn first_difference(theirs: &str, ours: &str) -> String {
    let (theirs, ours): (Vec<&str>, Vec<&str>) = (theirs.lines().collect(), ours.lines().collect());
    let same = theirs.iter().zip(&ours).take_while(|(left, right)| left == right).count();
    let show = |sign: char, lines: &[&str]| {
        lines.iter().skip(same).take(6).map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    format!("from line {}:\n{}{}", same + 1, show('-', &theirs), show('+', &ours))
}
