//! Images: here, in the registry, and built.

use async_trait::async_trait;
use windlass_plan::observed::Image;
use windlass_runtime::engine::{BuildRequest, EngineResult, Images, ProgressSink, TransferProgress};

use super::{FakeEngine, not_found, plain_image};

impl FakeEngine {
    fn bring(&self, reference: &str) {
        let mut state = self.lock();
        let image = state.registry.get(reference).cloned().unwrap_or_else(|| plain_image(reference, 0));
        state.images.insert(reference.to_owned(), image);
    }
}

/// An image that names no platform is of every one.
pub(super) fn suits(image: &Image, platform: &str) -> bool {
    platform.is_empty() || image.platform.is_empty() || image.platform == platform
}

#[async_trait]
impl Images for FakeEngine {
    async fn inspect_image(&self, reference: &str, platform: &str) -> EngineResult<Option<Image>> {
        let state = self.lock();
        let by_id = || state.images.values().find(|image| image.id == reference);
        Ok(state.images.get(reference).or_else(by_id).filter(|image| suits(image, platform)).cloned())
    }

    async fn image_digest(&self, reference: &str) -> EngineResult<String> {
        let operation = format!("resolve the digest of {reference}");
        self.check(&operation)?;
        let published = self.lock().registry.get(reference).map(|image| image.content_digest.clone());
        published.ok_or_else(|| not_found(&operation, "manifest unknown".to_owned()))
    }

    async fn pull_image(&self, reference: &str, _platform: &str, progress: ProgressSink<'_>) -> EngineResult<()> {
        progress(TransferProgress {
            id: reference.to_owned(),
            text: "Pulling".to_owned(),
            ..TransferProgress::default()
        });
        self.call(format!("pull {reference}")).await?;
        self.bring(reference);
        Ok(())
    }

    async fn build_image(&self, request: BuildRequest<'_>, progress: ProgressSink<'_>) -> EngineResult<String> {
        progress(TransferProgress { id: "1".to_owned(), text: "building".to_owned(), ..TransferProgress::default() });
        self.call(format!("build {}", request.image)).await?;
        self.bring(request.image);
        let mut state = self.lock();
        let image = state.images.get_mut(request.image).expect("just brought");
        image.labels.extend(request.labels.clone());
        Ok(image.id.clone())
    }

    async fn remove_image(&self, reference: &str) -> EngineResult<()> {
        let operation = format!("remove image {reference}");
        self.call(operation.clone()).await?;
        let removed = self.lock().images.remove(reference);
        removed.map(drop).ok_or_else(|| not_found(&operation, format!("No such image: {reference}")))
    }

    async fn client_settings(&self) -> EngineResult<String> {
        Ok("{}".to_owned())
    }
}
