//! Which images are pulled and built. Every distinct image is one pull; nothing waits for an image it does not use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use windlass_model::Project;
use windlass_model::project::Service;

use crate::error::{PlanError, PlanResult};
use crate::graph::{Builder, Draft};
use crate::labels;
use crate::observed::Observed;
use crate::options::Build;
use crate::step::{Action, BuildOptions, Guard, StepId};

/// When to pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PullPolicy {
    Always,
    Missing,
    Never,
    Build,
    /// When the last pull is older.
    Every(Duration),
}

impl PullPolicy {
    /// Reads a `pull_policy`; empty means missing.
    pub(crate) fn parse(text: &str) -> PlanResult<Self> {
        Ok(match text {
            "always" => Self::Always,
            "" | "missing" | "if_not_present" => Self::Missing,
            "never" => Self::Never,
            "build" => Self::Build,
            "daily" => Self::Every(days(1)),
            "weekly" => Self::Every(days(7)),
            _ => {
                let every = text.strip_prefix("every_").and_then(duration);
                Self::Every(every.ok_or_else(|| PlanError::PullPolicy(text.to_owned()))?)
            }
        })
    }

    fn due(self, last_tagged: Option<i64>, now: i64) -> Option<&'static str> {
        match (self, last_tagged) {
            (Self::Always, _) => Some("pull policy is always"),
            (Self::Never | Self::Build, _) => None,
            (_, None) => Some("image missing"),
            (Self::Every(age), Some(tagged)) => {
                let limit = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
                (now > tagged.saturating_add(limit)).then_some("last pull is too old for its pull policy")
            }
            (Self::Missing, Some(_)) => None,
        }
    }
}

fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 3600)
}

/// `1w2d3h4m5s`.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "w" => 7 * 24 * 3600,
            "d" => 24 * 3600,
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        total += Duration::from_secs(count.checked_mul(seconds)?);
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(total)
}

/// How images are made present.
#[derive(Debug, Clone)]
pub(crate) struct ImageOptions<'a> {
    pub(crate) build: Build,
    pub(crate) build_options: &'a BuildOptions,
    pub(crate) pull: Option<&'a str>,
    /// Pulls do not tell how far they are.
    pub(crate) quiet_pull: bool,
    pub(crate) now: i64,
    /// Build for every platform that a service lists, as `build` does. Containers are of one platform: what starts them
    /// builds for that one.
    pub(crate) every_platform: bool,
}

/// Steps that make images present.
#[derive(Debug, Default)]
pub(crate) struct Images {
    /// By reference and platform.
    pulls: BTreeMap<(String, String), StepId>,
    /// By service.
    builds: BTreeMap<String, StepId>,
    /// Services whose build is being planned: contexts in a circle end here.
    visited: BTreeSet<String>,
    /// By reference: steps that build it. A build moves the tag, so it concerns whoever uses the reference, on whatever
    /// platform; a pull concerns the users of its own platform only.
    built: BTreeMap<String, BTreeSet<StepId>>,
}

impl Images {
    /// What must be done before the image can be used on that platform.
    pub(crate) fn ready<'i>(&'i self, image: &str, platform: &str) -> impl Iterator<Item = StepId> + use<'i> {
        let pull = self.pulls.get(&(image.to_owned(), platform.to_owned()));
        pull.into_iter().chain(self.built.get(image).into_iter().flatten()).copied()
    }

    /// The image may be another one when it is used on that platform than it is now.
    pub(crate) fn may_change(&self, image: &str, platform: &str) -> bool {
        self.ready(image, platform).next().is_some()
    }
}

/// Plans pulls and builds.
pub(crate) struct ImagePlanner<'a> {
    pub(crate) project: &'a Project,
    pub(crate) observed: &'a Observed,
    pub(crate) options: ImageOptions<'a>,
    pub(crate) images: Images,
}

impl<'a> ImagePlanner<'a> {
    /// Everything that the services need.
    pub(crate) fn all(
        mut self,
        builder: &mut Builder,
        services: impl IntoIterator<Item = &'a Arc<Service>>,
    ) -> PlanResult<Images> {
        // What a provider runs has no image.
        for service in services.into_iter().filter(|service| service.provider.is_none()) {
            let policy = PullPolicy::parse(self.options.pull.unwrap_or(&service.pull_policy))?;
            self.service(builder, service, policy);
        }
        Ok(self.images)
    }

    /// What one service needs, by that policy.
    pub(crate) fn service(&mut self, builder: &mut Builder, service: &'a Arc<Service>, policy: PullPolicy) {
        let image = self.project.image_of(service);
        let absent = !self.observed.images.contains(&image, self.project.platform_of(service));
        let buildable = service.build.is_some() && self.options.build != Build::Never;
        let forced = match self.options.build {
            Build::Always => Some("--build"),
            _ if policy == PullPolicy::Build => Some("pull policy is build"),
            _ => None,
        };
        if let (true, Some(cause)) = (buildable, forced) {
            self.build(builder, service, cause);
        } else if service.image.is_empty() {
            if buildable && absent {
                self.build(builder, service, "image missing");
            }
        } else if let Some(cause) = self.due(policy, (&image, self.project.platform_of(service))) {
            self.pull(builder, service, (&image, cause), buildable);
            if buildable {
                self.build_if_missing(builder, service, &image);
            }
        } else if buildable && absent {
            self.build(builder, service, "image missing");
        }
        self.extras(builder, service, policy);
    }

    fn due(&self, policy: PullPolicy, (image, platform): (&str, &str)) -> Option<&'static str> {
        policy.due(self.observed.images.get(image, platform).map(|image| image.last_tagged), self.options.now)
    }

    /// Images of `pre_start` entries, and mounted ones.
    fn extras(&mut self, builder: &mut Builder, service: &'a Service, policy: PullPolicy) {
        let policy = if policy == PullPolicy::Build { PullPolicy::Missing } else { policy };
        let hooks = service.pre_start.iter().map(|hook| hook.image.as_str()).filter(|image| !image.is_empty());
        let mounts = labels::mounted_images(service).map(|(image, _)| image);
        for image in hooks.chain(mounts) {
            if let Some(cause) = self.due(policy, (image, self.project.platform_of(service))) {
                self.pull(builder, service, (image, cause), false);
            }
        }
    }

    fn pull(&mut self, builder: &mut Builder, service: &Service, (image, cause): (&str, &str), optional: bool) {
        let key = (image.to_owned(), self.project.platform_of(service).to_owned());
        if self.images.pulls.contains_key(&key) {
            return;
        }
        let (image_name, platform) = key.clone();
        let action = Action::PullImage { image: image_name, platform, quiet: self.options.quiet_pull };
        let id = builder.push(Draft::new(action, cause).of(&service.name).optional(optional));
        self.images.pulls.insert(key, id);
    }

    fn build_if_missing(&mut self, builder: &mut Builder, service: &'a Arc<Service>, image: &str) {
        let platform = self.project.platform_of(service).to_owned();
        let pulls: Vec<StepId> = self.images.ready(image, &platform).collect();
        let guard = Guard::ImageMissing { image: image.to_owned(), platform };
        self.build_step(builder, service, ("image cannot be pulled", Some(guard), pulls));
    }

    fn build(&mut self, builder: &mut Builder, service: &'a Arc<Service>, cause: &str) {
        self.build_step(builder, service, (cause, None, Vec::new()));
    }

    fn build_step(
        &mut self,
        builder: &mut Builder,
        service: &'a Arc<Service>,
        (cause, guard, mut needs): (&str, Option<Guard>, Vec<StepId>),
    ) {
        if !self.images.visited.insert(service.name.clone()) {
            return;
        }
        needs.extend(self.contexts(builder, service));
        let image = self.project.image_of(service);
        let action = Action::BuildImage {
            image: image.clone(),
            service: self.to_build(service),
            secrets: crate::spec::build_secrets(self.project, service),
            labels: labels::of_image(&self.project.name, &service.name),
            options: self.options.build_options.clone(),
        };
        let id = builder.push(Draft::new(action, cause).of(&service.name).needs(needs).guard(guard));
        self.images.builds.insert(service.name.clone(), id);
        self.images.built.entry(image).or_default().insert(id);
    }

    /// The service as it is built: contexts that are other services' images by their names, one platform for one
    /// container. Most are built as they are and go on being shared.
    fn to_build(&self, service: &Arc<Service>) -> Arc<Service> {
        let mut service = Arc::clone(service);
        let Some(build) = &service.build else { return service };
        let named = |(key, context): (&String, &String)| {
            let other = context.strip_prefix("service:").and_then(|name| self.defined(name))?;
            Some((key.clone(), format!("docker-image://{}", self.project.image_of(other))))
        };
        let contexts: Vec<(String, String)> = build.additional_contexts.iter().filter_map(named).collect();
        let platforms = self.platforms(&service, &build.platforms);
        if !contexts.is_empty() || platforms != build.platforms {
            let own = Arc::make_mut(&mut service).build.get_or_insert_default();
            own.additional_contexts.extend(contexts);
            own.platforms = platforms;
        }
        service
    }

    /// The platforms to build for, of those that the build lists.
    fn platforms(&self, service: &Service, listed: &[String]) -> Vec<String> {
        match (service.platform.as_str(), listed) {
            (_, all) if self.options.every_platform => all.to_vec(),
            ("", [one]) => vec![one.clone()],
            // The builder takes the one that the engine runs.
            ("", _) => Vec::new(),
            (own, _) => vec![own.to_owned()],
        }
    }

    fn defined(&self, name: &str) -> Option<&'a Arc<Service>> {
        self.project.services.get(name).or_else(|| self.project.disabled_services.get(name))
    }

    /// Builds of the services whose images this build starts from (`additional_contexts: service:X`).
    fn contexts(&mut self, builder: &mut Builder, service: &'a Service) -> Vec<StepId> {
        let contexts = service.build.iter().flat_map(|build| build.additional_contexts.values());
        let names: Vec<&str> = contexts.filter_map(|context| context.strip_prefix("service:")).collect();
        let mut steps = Vec::new();
        for name in names {
            if let Some(other) = self.defined(name).filter(|other| other.build.is_some() && other.name != service.name)
            {
                self.build(builder, other, &format!("{} is built from it", service.name));
                steps.extend(self.images.builds.get(name).copied());
            }
        }
        steps
    }
}
