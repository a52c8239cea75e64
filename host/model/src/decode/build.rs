//! `build` and `develop`.

use super::at::At;
use super::service::{file_reference, hook, ulimits};
use crate::project::{Build, Develop, WatchRule};

pub(super) fn build(at: &At<'_>) -> Build {
    Build {
        context: at.at("context").text(),
        dockerfile: at.at("dockerfile").text(),
        dockerfile_inline: at.at("dockerfile_inline").text(),
        entitlements: at.at("entitlements").strings(),
        args: at.at("args").optional_map(),
        provenance: at.at("provenance").text(),
        sbom: at.at("sbom").text(),
        ssh: at.at("ssh").index_map(At::text),
        labels: at.at("labels").string_map(),
        cache_from: at.at("cache_from").strings(),
        cache_to: at.at("cache_to").strings(),
        no_cache: at.at("no_cache").bool(),
        no_cache_filter: at.at("no_cache_filter").strings(),
        additional_contexts: at.at("additional_contexts").string_map(),
        pull: at.at("pull").bool(),
        extra_hosts: at.at("extra_hosts").index_map(At::strings),
        isolation: at.at("isolation").text(),
        network: at.at("network").text(),
        target: at.at("target").text(),
        secrets: at.at("secrets").each(file_reference),
        shm_size: at.at("shm_size").bytes(),
        tags: at.at("tags").strings(),
        ulimits: ulimits(&at.at("ulimits")),
        platforms: at.at("platforms").strings(),
        privileged: at.at("privileged").bool(),
        extensions: at.extensions(),
    }
}

pub(super) fn develop(at: &At<'_>) -> Develop {
    Develop {
        watch: at.at("watch").each(|rule| WatchRule {
            path: rule.at("path").text(),
            action: rule.at("action").text(),
            target: rule.at("target").text(),
            exec: rule.at("exec").optional(hook),
            include: rule.at("include").strings(),
            ignore: rule.at("ignore").strings(),
            initial_sync: rule.at("initial_sync").bool(),
        }),
        extensions: at.extensions(),
    }
}
