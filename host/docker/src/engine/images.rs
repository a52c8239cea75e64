//! Images: here, in registries, and built.

use async_trait::async_trait;
use bollard::Docker;
use bollard::query_parameters::{CreateImageOptions, RemoveImageOptions};
use futures_util::StreamExt as _;
use windlass_plan::observed::Image;
use windlass_runtime::engine::{
    BuildRequest, EngineError, EngineErrorKind, EngineResult, Images, ProgressSink, TransferProgress,
};

use super::{DockerEngine, unless};
use crate::error::{plain, registry_error, told};
use crate::{auth, build};

impl DockerEngine {
    /// bollard's typed calls, with what we know to sign in to an image's registry.
    async fn for_registry(&self, operation: &str, reference: &str) -> EngineResult<Docker> {
        let api = self.api().await?;
        let known = auth::header(&self.config, &self.options.environment, reference).await;
        Ok(api.signed_in(known.map_err(|error| helper_failed(operation, &error))?))
    }
}

/// Pulls an image with a client that is signed in where it has to be.
pub(super) async fn pull(
    docker: &Docker,
    reference: &str,
    platform: &str,
    progress: ProgressSink<'_>,
) -> EngineResult<()> {
    let operation = format!("pull image {reference}");
    let tagged = reference.rsplit('/').next().unwrap_or_default().contains([':', '@']);
    let options = CreateImageOptions {
        from_image: Some(reference.to_owned()),
        tag: (!tagged).then(|| "latest".to_owned()),
        platform: platform.to_owned(),
        ..CreateImageOptions::default()
    };
    let mut lines = std::pin::pin!(docker.create_image(Some(options), None, None));
    while let Some(line) = lines.next().await {
        let line = line.map_err(|error| registry_error(operation.clone(), &error))?;
        if let Some(message) = line.error_detail.and_then(|detail| detail.message) {
            return Err(told(operation, &message));
        }
        let (current, total) = line.progress_detail.map_or((None, None), |detail| (detail.current, detail.total));
        progress(TransferProgress {
            id: line.id.unwrap_or_default(),
            text: line.status.unwrap_or_default(),
            current: current.and_then(|bytes| bytes.try_into().ok()),
            total: total.and_then(|bytes| bytes.try_into().ok()),
        });
    }
    Ok(())
}

pub(super) fn helper_failed(operation: &str, error: &auth::HelperError) -> EngineError {
    let hint = "run the helper by hand, or remove it from `credsStore` or `credHelpers` in Docker's config.json";
    EngineError {
        kind: EngineErrorKind::RegistryDenied,
        hint: Some(hint.to_owned()),
        ..plain(operation, error.to_string())
    }
}

#[async_trait]
impl Images for DockerEngine {
    async fn inspect_image(&self, reference: &str, platform: &str) -> EngineResult<Option<Image>> {
        self.image(reference, platform).await
    }

    async fn image_digest(&self, reference: &str) -> EngineResult<String> {
        let operation = format!("resolve the digest of {reference}");
        let docker = self.for_registry(&operation, reference).await?;
        let _slot = self.slot().await;
        let described = docker.inspect_registry_image(reference, None).await;
        let described = described.map_err(|error| registry_error(operation.clone(), &error))?;
        described.descriptor.digest.ok_or_else(|| plain(operation, "the engine's answer names no digest"))
    }

    async fn pull_image(&self, reference: &str, platform: &str, progress: ProgressSink<'_>) -> EngineResult<()> {
        let docker = self.for_registry(&format!("pull image {reference}"), reference).await?;
        let _slot = self.slot().await;
        pull(&docker, reference, platform, progress).await
    }

    async fn build_image(&self, request: BuildRequest<'_>, progress: ProgressSink<'_>) -> EngineResult<String> {
        build::build(self, request, progress).await
    }

    async fn remove_image(&self, reference: &str) -> EngineResult<()> {
        let docker = self.docker().await?;
        let done = docker.remove_image(reference, None::<RemoveImageOptions>, None);
        let done = self.call(format!("remove image {reference}"), done).await.map(drop);
        unless(done, &[EngineErrorKind::NotFound])
    }

    async fn client_settings(&self) -> EngineResult<String> {
        let known = auth::all(&self.config, &self.options.environment).await;
        known.map_err(|error| helper_failed("collect the registries' credentials", &error))
    }
}
