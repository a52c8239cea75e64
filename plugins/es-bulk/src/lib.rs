//! Loader: documents from NDJSON or JSON arrays into an index of Elasticsearch or OpenSearch.
//!
//! One step a dataset. A run that was cut off is simply run again: see [`load`].

mod bulk;
mod documents;
mod load;
mod mapping;
mod server;
mod settings;

use settings::Job;
use sha2::{Digest as _, Sha256};
use windlass_plugin::{Context, Failure, Loader, Step, Target, failure};

/// The plugin.
#[derive(Debug)]
pub struct Plugin;

windlass_plugin::export!(Plugin: loader);
windlass_plugin::manifest!("../manifest.json");

/// The only step.
const STEP: &str = "load";

impl Loader for Plugin {
    fn plan(ctx: &Context<'_>, _: &Target) -> Result<Vec<Step>, Failure> {
        let job = Job::read(ctx)?;
        let title = format!("load {} into index `{}`", job.sources_named(), job.settings.index);
        Ok(vec![Step { id: STEP.to_owned(), title, fingerprint: fingerprint(&job) }])
    }

    fn apply(ctx: &Context<'_>, target: &Target, step: &Step) -> Result<(), Failure> {
        let job = Job::read(ctx)?;
        if step.id != STEP || step.fingerprint != fingerprint(&job) {
            return Err(failure("the input changed between plan and load").retryable());
        }
        load::run(ctx, target, &job)
    }
}

/// Changes with everything that decides what ends up in the index, and with nothing else.
fn fingerprint(job: &Job) -> String {
    let settings = &job.settings;
    let mut hash = Sha256::new();
    let mut part = |name: &str, value: &str| hash.update(format!("{name} {} {value}\n", value.len()));
    part("form", "1");
    for input in job.sources.iter().chain(&job.mapping) {
        part(&input.role, &input.sha256);
    }
    part("index", &settings.index);
    part("type", settings.kind.as_deref().unwrap_or_default());
    part("id", settings.id.as_deref().unwrap_or_default());
    part("mode", settings.mode.name());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
