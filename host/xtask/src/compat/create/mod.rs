//! `compat create`: what each tool makes the engine create, compared as the engine reports it.
//!
//! For each file: `docker compose create`, a look, `windlass create` (must change nothing); everything removed; the same the
//! other way round under the same project name. Agreement: equal containers, networks and volumes, and neither tool touches
//! what the other made; or both fail. Nothing is started, pulled or built: each image that a file names and
//! the engine lacks is a name of the tests' image for the time of the run.

mod diff;
mod engine;
mod snapshot;
mod tags;
mod tally;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};

use anyhow::{Context as _, bail};
use engine::Engine;
use serde_json::Value as Json;
use snapshot::Snapshot;
use tags::Tags;
use tally::{Outcome, Tally};

use super::Setup;
use super::cases::Case;

/// Runs the comparison and prints the table.
pub(super) fn run(setup: &Setup) -> anyhow::Result<()> {
    let engine = Engine::local().context("no engine")?;
    if !engine.has_image(tags::STAND_IN)? {
        bail!("no image {}: run scripts/test-images", tags::STAND_IN);
    }
    let failed = Mutex::default();
    let bench = Bench { setup, tags: Tags::new(&engine), engine: &engine, fixed_names: RwLock::new(()), failed };
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let work = || -> anyhow::Result<()> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = setup.cases.get(index) else { return Ok(()) };
            let outcome = bench.compare(index, case).with_context(|| case.label.clone())?;
            let mut tally = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            tally.add(&case.label, outcome, setup.intended.get(&case.label));
        }
    };
    let done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..setup.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")))
    });
    // A tool that gives up does not wait for what it asked for: a network may have come after the clearing.
    let failed = bench.failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    failed.iter().try_for_each(|project| engine.clear(project))?;
    done?;
    tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).print(&setup.compose, setup.at_least)
}

/// What all comparisons share.
struct Bench<'a> {
    setup: &'a Setup,
    engine: &'a Engine,
    tags: Tags<'a>,
    /// Held for writing by files whose names or addresses other files may have too.
    fixed_names: RwLock<()>,
    /// Projects that a tool failed to create.
    failed: Mutex<BTreeSet<String>>,
}

/// One tool's turn.
struct Turn {
    /// Why it failed.
    refusal: Option<String>,
    made: Snapshot,
    /// What the other tool did to it.
    disturbed: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Compose,
    Windlass,
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Compose => "docker compose",
            Self::Windlass => "windlass",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Compose => Self::Windlass,
            Self::Windlass => Self::Compose,
        }
    }
}

impl Bench<'_> {
    fn compare(&self, index: usize, case: &Case) -> anyhow::Result<Outcome> {
        let project = format!("wlc{}-{index}", std::process::id());
        let (accepted, text, _) = self.say(Tool::Windlass, case, &project, &["config", "--format", "json"])?;
        if !accepted {
            return Ok(Outcome::NotCompared);
        }
        let canonical: Json = serde_json::from_str(&text)?;
        images(&canonical, &project).iter().try_for_each(|name| self.tags.provide(name))?;
        let outcome = if has_fixed_names(&canonical, &project) {
            None
        } else {
            let _shared = self.fixed_names.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            Some(self.both(case, &project, &canonical)?)
        };
        // Alone, so that what only looked like a difference (addresses taken, an engine at its limit) is not reported.
        match outcome {
            Some(outcome) if !outcome.differs() => Ok(outcome),
            _ => {
                let _alone = self.fixed_names.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                self.both(case, &project, &canonical)
            }
        }
    }

    fn both(&self, case: &Case, project: &str, canonical: &Json) -> anyhow::Result<Outcome> {
        let theirs = self.turn(Tool::Compose, case, project, canonical)?;
        let ours = self.turn(Tool::Windlass, case, project, canonical)?;
        Ok(match (theirs.refusal, ours.refusal) {
            (Some(theirs), Some(ours)) => Outcome::BothFail { theirs, ours },
            (Some(theirs), None) => Outcome::Differs(format!("docker compose fails, windlass does not: {theirs}")),
            (None, Some(ours)) => Outcome::Differs(format!("windlass fails, docker compose does not: {ours}")),
            (None, None) => {
                let mut found = Vec::new();
                let names: BTreeSet<&String> = theirs.made.content.keys().chain(ours.made.content.keys()).collect();
                for name in names {
                    let of = |made: &Snapshot| made.content.get(name).cloned().unwrap_or_default();
                    diff::differences(name, &of(&theirs.made), &of(&ours.made), self.setup.strict, &mut found);
                }
                let equal = theirs.made.content == ours.made.content;
                found.extend(theirs.disturbed);
                found.extend(ours.disturbed);
                if found.is_empty() { Outcome::Same { equal } } else { Outcome::Differs(found.join("\n")) }
            }
        })
    }

    /// One tool creates, the other takes over, everything is removed.
    fn turn(&self, tool: Tool, case: &Case, project: &str, canonical: &Json) -> anyhow::Result<Turn> {
        let result = self.made_and_taken_over(tool, case, project, canonical);
        self.engine.clear(project)?;
        result
    }

    fn made_and_taken_over(&self, tool: Tool, case: &Case, project: &str, canonical: &Json) -> anyhow::Result<Turn> {
        let create = ["create", "--pull", "never", "--no-build"];
        let (created, _, error) = self.say(tool, case, project, &create)?;
        let made = Snapshot::take(self.engine, project, canonical)?;
        if !created {
            self.failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(project.to_owned());
            return Ok(Turn { refusal: Some(error.trim().to_owned()), made, disturbed: Vec::new() });
        }
        let heir = tool.other();
        let (taken, _, error) = self.say(heir, case, project, &create)?;
        let mut disturbed = Vec::new();
        if taken {
            let after = Snapshot::take(self.engine, project, canonical)?;
            let keys: BTreeSet<&String> = made.identity.keys().chain(after.identity.keys()).collect();
            for key in keys.into_iter().filter(|key| made.identity.get(*key) != after.identity.get(*key)) {
                let what = match (made.identity.get(key), after.identity.get(key)) {
                    (Some(_), Some(_)) => "recreates",
                    (Some(_), None) => "removes",
                    _ => "adds",
                };
                disturbed.push(format!("{} {what} {key} of {}", heir.name(), tool.name()));
            }
        }
        // Where the heir cannot create this at all, its own turn says so.
        drop(error);
        Ok(Turn { refusal: None, made, disturbed })
    }

    /// Success, standard output, standard error.
    fn say(&self, tool: Tool, case: &Case, project: &str, command: &[&str]) -> anyhow::Result<(bool, String, String)> {
        let (program, first): (&Path, &[&str]) = match tool {
            Tool::Compose => (Path::new("docker"), &["compose"]),
            Tool::Windlass => (&self.setup.windlass, &[]),
        };
        let mut run = Command::new(program);
        run.args(first).args(own_arguments(case)).args(["-p", project, "--progress", "quiet"]).args(command);
        let output = run.current_dir(&case.directory).stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("{} does not start", program.display()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        if output.status.code().is_none() || err.contains("panicked at") {
            bail!("{} crashed: {err}", tool.name());
        }
        Ok((output.status.success(), out, err))
    }
}

/// Without the project's name, which is ours here.
fn own_arguments(case: &Case) -> Vec<&String> {
    let mut kept = Vec::new();
    let mut arguments = case.args.iter();
    while let Some(argument) = arguments.next() {
        if argument == "-p" {
            arguments.next();
        } else {
            kept.push(argument);
        }
    }
    kept
}

fn services(canonical: &Json) -> impl Iterator<Item = (&String, &Json)> {
    canonical["services"].as_object().into_iter().flatten()
}

fn items(list: &Json) -> impl Iterator<Item = &Json> {
    list.as_array().into_iter().flatten()
}

/// Every image that the project names, or would build.
fn images(canonical: &Json, project: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, service) in services(canonical) {
        let mounted = items(&service["volumes"]).filter(|mount| mount["type"] == "image");
        let hooks = items(&service["pre_start"]).map(|hook| &hook["image"]);
        let named = mounted.map(|mount| &mount["source"]).chain(hooks).chain([&service["image"]]);
        names.extend(named.filter_map(Json::as_str).map(|image| image.replace("$$", "$")));
        if service["image"].is_null() && !service["build"].is_null() {
            names.insert(format!("{project}-{name}"));
        }
    }
    names
}

/// The project makes something whose name or address does not come from its own name.
fn has_fixed_names(canonical: &Json, project: &str) -> bool {
    let own = |value: &Json| value["name"].as_str().is_none_or(|name| name.starts_with(project));
    let of = |kind: &str| canonical[kind].as_object().into_iter().flatten().map(|(_, value)| value);
    services(canonical).any(|(_, service)| !service["container_name"].is_null())
        || of("networks").any(|network| !own(network) || !network["ipam"]["config"].is_null())
        || of("volumes").any(|volume| !own(volume))
}
