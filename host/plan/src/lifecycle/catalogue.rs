//! Images that need no configuration: their probe is known.

use serde_json::json;
use windlass_model::project::Service;
use windlass_model::reference::Reference;
use windlass_model::windlass::{Probe, ProbeTiming};

use crate::observed::Image;

/// An image that we know.
struct Known {
    /// Last part of the repository's name.
    repository: &'static str,
    /// Plugin that probes it.
    plugin: &'static str,
    /// Its settings.
    with: fn() -> serde_json::Value,
    /// What is waited for, for a person.
    meaning: &'static str,
}

/// The table. An entry belongs here only when its probe needs no credentials that the service may not have.
const KNOWN: &[Known] = &[
    Known {
        repository: "elasticsearch",
        plugin: "elasticsearch",
        with: yellow,
        meaning: "cluster health is yellow or better",
    },
    Known {
        repository: "elasticsearch-oss",
        plugin: "elasticsearch",
        with: yellow,
        meaning: "cluster health is yellow or better",
    },
    Known {
        repository: "opensearch",
        plugin: "elasticsearch",
        with: yellow,
        meaning: "cluster health is yellow or better",
    },
];

fn yellow() -> serde_json::Value {
    json!({ "min-status": "yellow" })
}

/// A probe that the user did not have to write, and what it waits for. None where the user declared a probe, a health
/// check or `infer: false`, or where the image brings a health check of its own.
pub(crate) fn infer(service: &Service, reference: &str, image: Option<&Image>) -> Option<(Probe, &'static str)> {
    let settings = &service.windlass;
    let declared = settings.ready.is_some() || settings.no_infer || service.healthcheck.is_some();
    if declared || image.is_some_and(|image| image.has_healthcheck) {
        return None;
    }
    let image = Reference::parse(reference)?;
    let known = KNOWN.iter().find(|known| known.repository == image.short_name())?;
    let probe = Probe {
        plugin: known.plugin.to_owned(),
        with: (known.with)(),
        timing: ProbeTiming::default(),
        target: None,
        inferred: true,
        span: None,
    };
    Some((probe, known.meaning))
}
