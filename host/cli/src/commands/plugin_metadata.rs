//! `docker-cli-plugin-metadata`: what the Docker client asks every program in its plugin directories, so that
//! `docker windlass` works. The answer is a small JSON object, as <https://github.com/docker/cli> expects it.

use serde_json::json;

use crate::entry::context::Context;
use crate::errors::CliResult;

/// Name of the command that the client calls. It is hidden from people.
pub(crate) const COMMAND: &str = "docker-cli-plugin-metadata";

pub(crate) fn run(context: &Context) -> CliResult<()> {
    let metadata = json!({
        "SchemaVersion": "0.1.0",
        "Vendor": "Windlass",
        "Version": format!("v{}", env!("CARGO_PKG_VERSION")),
        "ShortDescription": "Run your Docker Compose file, unchanged, and bring it up ready",
        "URL": env!("CARGO_PKG_REPOSITORY"),
    });
    context.ui.data(format!("{metadata}\n"))
}
