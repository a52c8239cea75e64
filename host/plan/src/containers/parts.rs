//! What all services of a plan share.

use crate::containers::images::{ImageOptions, ImagePlanner, Images};
use crate::containers::resources::{Resources, Scope};
use crate::error::PlanResult;
use crate::graph::Builder;

/// What services share: images, networks and volumes.
pub(crate) struct Parts {
    pub(crate) images: Images,
    pub(crate) resources: Resources,
}

impl Parts {
    /// Plans everything that the services use.
    pub(crate) fn plan(builder: &mut Builder, scope: &Scope<'_>) -> PlanResult<Self> {
        let Scope { project, observed, options, services, .. } = *scope;
        let image_options = ImageOptions {
            build: options.build,
            build_options: &options.build_options,
            pull: options.pull.as_deref(),
            now: options.now,
            quiet_pull: options.quiet_pull,
            every_platform: false,
        };
        let images = ImagePlanner { project, observed, options: image_options, images: Images::default() };
        let images = images.all(builder, services)?;
        let resources = Resources::plan(builder, scope, &images)?;
        Ok(Self { images, resources })
    }
}
