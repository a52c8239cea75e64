//! `pull` and `build`.

use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::Service;
use windlass_model::reference::Reference;

use crate::containers::images::{ImageOptions, ImagePlanner, Images, PullPolicy};
use crate::error::PlanResult;
use crate::graph::Builder;
use crate::graph::select;
use crate::observed::Observed;
use crate::options::{Build, BuildCommandOptions, PullOptions};
use crate::step::{BuildOptions, Plan};

/// `pull`: every service without a policy is pulled.
///
/// # Errors
/// When the options name a service that the model does not have, or an unknown policy.
pub fn pull(project: &Project, observed: &Observed, options: &PullOptions) -> PlanResult<Plan> {
    let mut builder = Builder::new(&project.name);
    let services = chosen(project, &options.targets, options.include_deps)?;
    let image_options = ImageOptions {
        build: Build::Never,
        build_options: &BuildOptions::default(),
        pull: None,
        quiet_pull: options.quiet,
        now: options.now,
        every_platform: false,
    };
    let mut planner = ImagePlanner { project, observed, options: image_options, images: Images::default() };
    for service in services {
        if is_pulled(&mut builder, (project, observed), service, options)? {
            planner.service(&mut builder, service, PullPolicy::Always);
        }
    }
    let buildable = |name: &str| project.services.get(name).is_some_and(|service| service.build.is_some());
    for step in &mut builder.plan().steps {
        step.optional = options.ignore_failures || step.service.as_deref().is_some_and(buildable);
    }
    builder.finish()
}

/// Whether the image of a service is pulled. Where it is not for a reason that its policy does not tell, the plan says why.
fn is_pulled(
    builder: &mut Builder,
    (project, observed): (&Project, &Observed),
    service: &Service,
    options: &PullOptions,
) -> PlanResult<bool> {
    let name = &service.name;
    let text = options.policy.as_deref().unwrap_or(&service.pull_policy);
    let skip = if service.image.is_empty() {
        Some("no image to be pulled")
    } else if options.ignore_buildable && service.build.is_some() {
        Some("image can be built")
    } else if PullPolicy::parse(text)? == PullPolicy::Missing
        && !text.is_empty()
        && observed.images.contains(&service.image, project.platform_of(service))
        && !is_latest(&service.image)
    {
        Some("image is already present locally")
    } else {
        None
    };
    if let Some(reason) = skip {
        builder.inform(format!("{name}: {reason}"));
        return Ok(false);
    }
    Ok(match PullPolicy::parse(text)? {
        PullPolicy::Never | PullPolicy::Build => false,
        PullPolicy::Always | PullPolicy::Missing | PullPolicy::Every(_) => true,
    })
}

fn is_latest(image: &str) -> bool {
    // What is no reference is asked for all the same: the engine says what is wrong with it.
    Reference::parse(image).is_none_or(|reference| reference.tag.as_deref() == Some("latest"))
}

/// `build`.
///
/// # Errors
/// When the options name a service that the model does not have.
pub fn build(project: &Project, observed: &Observed, options: &BuildCommandOptions) -> PlanResult<Plan> {
    let mut builder = Builder::new(&project.name);
    let services = chosen(project, &options.targets, options.with_dependencies)?;
    let buildable = services.into_iter().filter(|service| service.build.is_some());
    let image_options = ImageOptions {
        build: Build::Always,
        build_options: &options.build,
        pull: Some("never"),
        quiet_pull: false,
        now: 0,
        every_platform: true,
    };
    let planner = ImagePlanner { project, observed, options: image_options, images: Images::default() };
    planner.all(&mut builder, buildable)?;
    if builder.plan().steps.is_empty() {
        builder.warn("No services to build");
    }
    builder.finish()
}

fn chosen<'a>(project: &'a Project, named: &[String], dependencies: bool) -> PlanResult<Vec<&'a Arc<Service>>> {
    let targets = select::targets(&project.services, named)?;
    let all = if dependencies { select::with_dependencies(&project.services, &targets) } else { targets };
    select::order(&project.services, &all)
}
