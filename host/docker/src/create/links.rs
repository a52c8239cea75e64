//! `links` and `external_links`.

use windlass_runtime::engine::EngineResult;

use super::Context;

/// `container:alias` entries; every container of a linked service answers to the alias, `service-N` and
/// `project-service-N`, where N is the number of the container being made.
pub(super) fn links(context: &Context<'_>) -> EngineResult<Vec<String>> {
    let mut links = Vec::new();
    for link in &context.service().links {
        let (service, alias) = link.split_once(':').unwrap_or((link, link));
        links.extend(of_service(context, service, alias));
    }
    if context.spec.one_off.is_some() {
        links.extend(to_own_service(context));
    }
    links.extend(context.service().external_links.iter().map(|link| external(link)));
    Ok(links)
}

fn of_service(context: &Context<'_>, service: &str, alias: &str) -> Vec<String> {
    let number = context.spec.container.number;
    let project = &context.spec.project;
    let containers = context.spec.peers.get(service).map_or(&[][..], Vec::as_slice);
    containers
        .iter()
        .flat_map(|container| {
            [
                format!("{}:{alias}", container.name),
                format!("{}:{service}-{number}", container.name),
                format!("{}:{project}-{service}-{number}", container.name),
            ]
        })
        .collect()
}

/// A one-off container also reaches the running containers of its own service.
fn to_own_service(context: &Context<'_>) -> Vec<String> {
    let service = &context.service().name;
    let prefix = format!("{}-", context.spec.project);
    let containers = context.spec.peers.get(service).map_or(&[][..], Vec::as_slice);
    containers
        .iter()
        .flat_map(|container| {
            let name = &container.name;
            [
                format!("{name}:{service}"),
                format!("{name}:{}", name.strip_prefix(&prefix).unwrap_or(name)),
                format!("{name}:{name}"),
            ]
        })
        .collect()
}

fn external(link: &str) -> String {
    match link.split_once(':') {
        Some((container, alias)) => format!("{container}:{alias}"),
        None => format!("{link}:{link}"),
    }
}
