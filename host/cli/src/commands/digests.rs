//! Digests of images, asked of their registries through the engine, all at once.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use windlass_model::reference::Reference;
use windlass_model::{Loaded, pin};

use crate::entry::context::Context;
use crate::errors::{CliError, CliResult};

/// Holds every image of the enabled services fast by its digest.
pub(crate) async fn pin(context: &Context, loaded: &mut Loaded) -> CliResult<()> {
    let engine = context.engine()?;
    let resolve = async |image: String| {
        let reference = Reference::parse(&image).ok_or_else(|| not_a_reference(&image))?;
        let pinned = match &reference.digest {
            Some(_) => reference,
            None => reference.pinned(&engine.image_digest(&reference.to_string()).await?),
        };
        Ok::<_, CliError>((image, pinned.to_string()))
    };
    let pinned: Vec<_> = try_join_all(pin::images(&loaded.project).into_iter().map(resolve)).await?;
    pin::pin(loaded, &BTreeMap::from_iter(pinned));
    Ok(())
}

/// Leaves the images only, and says what gets lost.
pub(crate) fn only_images(context: &Context, loaded: &mut Loaded) {
    for service in pin::only_images(loaded) {
        context.ui.warning(format_args!(
            "service {service:?}: images of pre_start are not in the file that --lock-image-digests prints"
        ));
        context.ui.hint("--resolve-image-digests prints a whole file, with them");
    }
}

fn not_a_reference(image: &str) -> CliError {
    CliError::hinted(
        format!("{image:?} is not an image reference"),
        "references look like registry.example.com/team/app:1.0, in lower case",
    )
}
