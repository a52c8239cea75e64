//! What is right.

use std::collections::BTreeSet;

use crate::api::State;
use crate::case::Ran;
use crate::kinds::Kind;
use crate::projects::{Load, Project};

/// What two runs of one change must have in common: everything but ids and names of this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape(BTreeSet<String>);

impl Shape {
    pub(crate) fn of(state: &State, project: &str) -> Self {
        let containers = state.containers.iter().map(|container| {
            format!(
                "{} of {}: {} {} in {}",
                container.name,
                container.service,
                container.state,
                container.hash,
                container.networks.join(" ")
            )
        });
        let networks = state.networks.iter().map(|name| format!("network {name}"));
        // Marks of the ledger and anonymous volumes have other names each time; what a mark says shows in the next run.
        let (own, mark) = (format!("{project}_"), format!("{project}_windlass_"));
        let volumes = state.volumes.iter().filter(|name| name.starts_with(&own) && !name.starts_with(&mark));
        Self(containers.chain(networks).chain(volumes.map(|name| format!("volume {name}"))).collect())
    }
}

/// How the run ended, in words and code.
pub(crate) fn words(kind: Kind, ran: &Ran) -> Result<(), String> {
    if ran.hung {
        return Err("the run hangs".to_owned());
    }
    if kind.kills() {
        return Ok(());
    }
    let errors = ran.said.lines().filter(|line| line.trim_start().to_lowercase().starts_with("error")).count();
    match ran.code {
        _ if ran.said.contains("panicked at") => Err("the run panics".to_owned()),
        None => Err("the run was killed by a signal that nobody sent".to_owned()),
        Some(0) => Ok(()),
        Some(130) if kind.interrupts() => Ok(()),
        Some(code) if kind.harmless() => Err(format!("exit {code} after a fault that hurts nobody")),
        Some(code) if errors == 0 => Err(format!("exit {code} without an error")),
        Some(code) if errors > 3 => Err(format!("exit {code} with {errors} errors for one fault")),
        Some(_) => Ok(()),
    }
}

/// The state that an undisturbed run leads to.
pub(crate) fn same(wanted: Option<&Shape>, found: &Shape) -> Result<(), String> {
    let Some(wanted) = wanted else { return Ok(()) };
    let missing: Vec<&str> = wanted.0.difference(&found.0).map(String::as_str).collect();
    let extra: Vec<&str> = found.0.difference(&wanted.0).map(String::as_str).collect();
    if missing.is_empty() && extra.is_empty() {
        return Ok(());
    }
    Err(format!("missing: [{}]; instead: [{}]", missing.join(", "), extra.join(", ")))
}

/// Nothing that ran is gone without its successor.
pub(crate) fn kept(project: &Project, before: &State, after: &State) -> Result<(), String> {
    let running = |state: &State, services: &[&str]| {
        let of = |service: &str| services.contains(&service);
        state.containers.iter().filter(|container| container.state == "running" && of(&container.service)).count()
    };
    for (services, least) in project.keeps {
        let (had, has) = (running(before, services), running(after, services));
        if has < *least {
            let left: Vec<String> =
                after.containers.iter().map(|container| format!("{} {}", container.name, container.state)).collect();
            return Err(format!("{} ran {had} times and now {has}: [{}]", services.join("/"), left.join(", ")));
        }
    }
    Ok(())
}

/// The last thing loaded is the file's last content, both steps of it, in order.
pub(crate) fn loaded(load: &Load, log: &str) -> Result<(), String> {
    let lines: Vec<&str> = log.lines().collect();
    let hashes: Vec<&str> = lines.iter().filter_map(|line| line.split_once('=')).map(|(_, hash)| hash).collect();
    let [.., one, two] = lines.as_slice() else { return Err(format!("nothing was loaded: {lines:?}")) };
    let contents = hashes.iter().collect::<BTreeSet<_>>().len();
    let complete = one.starts_with("one=") && two.starts_with("two=") && one[4..] == two[4..];
    // The first content was loaded before the change, so the newest is another than the first.
    if !complete || contents != 2 || one[4..] == *hashes[0] {
        return Err(format!("loaded were, from {} to {}: {lines:?}", load.before, load.after));
    }
    Ok(())
}
