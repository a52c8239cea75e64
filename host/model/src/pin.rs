//! `config --resolve-image-digests` and `--lock-image-digests`: images held fast by digests that somebody looked up.

use std::collections::{BTreeMap, BTreeSet};

use crate::load::Loaded;
use crate::node::{Node, Value};
use crate::project::{MountKind, Project, Service};

/// Every image that the enabled services name: their own, those of `pre_start` containers, and mounted ones.
#[must_use]
pub fn images(project: &Project) -> BTreeSet<String> {
    let named = |service: &Service| {
        let hooks = service.pre_start.iter().map(|hook| hook.image.clone());
        let mounted = service.volumes.iter().filter(|mount| mount.kind == MountKind::Image);
        let all = std::iter::once(service.image.clone()).chain(hooks).chain(mounted.map(|mount| mount.source.clone()));
        all.collect::<Vec<String>>()
    };
    project.services.values().flat_map(|service| named(service)).filter(|image| !image.is_empty()).collect()
}

/// Replaces every image by what `pinned` has for it, in the project and in the tree of `--no-interpolate`.
pub fn pin(loaded: &mut Loaded, pinned: &BTreeMap<String, String>) {
    let replace = |image: &mut String| {
        if let Some(found) = pinned.get(image) {
            image.clone_from(found);
        }
    };
    for service in loaded.project.services_mut() {
        replace(&mut service.image);
        service.pre_start.iter_mut().for_each(|hook| replace(&mut hook.image));
        let mounted = service.volumes.iter_mut().filter(|mount| mount.kind == MountKind::Image);
        mounted.for_each(|mount| replace(&mut mount.source));
    }
    for service in services(&mut loaded.tree) {
        service.get_mut("image").into_iter().for_each(|image| replace_text(image, &replace));
        let hooks = service.items_mut("pre_start").filter_map(|hook| hook.get_mut("image"));
        hooks.for_each(|image| replace_text(image, &replace));
        let sources =
            service.items_mut("volumes").filter(|mount| is_image(mount)).filter_map(|mount| mount.get_mut("source"));
        sources.for_each(|source| replace_text(source, &replace));
    }
}

/// Leaves of every service its image and its mounted images, and nothing else of the project. Names the services whose
/// `pre_start` images get lost that way.
#[must_use]
pub fn only_images(loaded: &mut Loaded) -> Vec<String> {
    let mut lost = Vec::new();
    for service in loaded.project.services_mut() {
        if !service.pre_start.is_empty() {
            lost.push(service.name.clone());
        }
        let volumes = std::mem::take(&mut service.volumes);
        *service = Service {
            name: std::mem::take(&mut service.name),
            image: std::mem::take(&mut service.image),
            volumes: volumes.into_iter().filter(|mount| mount.kind == MountKind::Image).collect(),
            ..Service::default()
        };
    }
    loaded.project = Project { services: std::mem::take(&mut loaded.project.services), ..Project::default() };
    if let Some(map) = loaded.tree.as_map_mut() {
        map.retain(|key, _| key == "services");
    }
    for service in services(&mut loaded.tree) {
        if let Some(map) = service.as_map_mut() {
            map.retain(|key, entry| match key.as_str() {
                "image" => true,
                "volumes" => keep_images(&mut entry.node),
                _ => false,
            });
        }
    }
    lost
}

/// Whether any mounted image is left.
fn keep_images(mounts: &mut Node) -> bool {
    let Value::Seq(items) = &mut mounts.value else { return false };
    items.retain(is_image);
    !items.is_empty()
}

fn is_image(mount: &Node) -> bool {
    mount.get("type").and_then(Node::as_str) == Some("image")
}

fn services(tree: &mut Node) -> impl Iterator<Item = &mut Node> {
    let map = tree.get_mut("services").and_then(Node::as_map_mut);
    map.into_iter().flat_map(|map| map.values_mut()).map(|entry| &mut entry.node)
}

fn replace_text(node: &mut Node, replace: &impl Fn(&mut String)) {
    if let Value::String(text) = &mut node.value {
        replace(text);
    }
}
