//! What the user asked for.

use std::time::Duration;

use serde::Deserialize;
use windlass_plugin::inputs::Input;
use windlass_plugin::{Context, Failure, failure, settings};

/// What happens to an index that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Deleted and made anew.
    #[default]
    Replace,
    /// Documents of the same id are replaced, others stay.
    Upsert,
    /// Everything stays.
    Append,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Upsert => "upsert",
            Self::Append => "append",
        }
    }
}

/// The `with:` of a dataset.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) index: String,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// The path itself is not looked at: the file is the input of role `mapping`.
    pub(crate) mapping: Option<String>,
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default = "default_port")]
    pub(crate) port: u16,
    #[serde(default = "default_scheme")]
    pub(crate) scheme: String,
    #[serde(default = "default_docs")]
    pub(crate) batch_docs: usize,
    #[serde(default = "default_bytes")]
    pub(crate) batch_bytes: usize,
    #[serde(default = "default_timeout", deserialize_with = "settings::duration")]
    pub(crate) timeout: Duration,
}

fn default_port() -> u16 {
    9200
}

fn default_scheme() -> String {
    "http".to_owned()
}

fn default_docs() -> usize {
    1000
}

fn default_bytes() -> usize {
    5_000_000
}

fn default_timeout() -> Duration {
    Duration::from_secs(60)
}

/// Settings and files of a load, checked.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) settings: Settings,
    pub(crate) sources: Vec<Input>,
    pub(crate) mapping: Option<Input>,
}

impl Job {
    /// # Errors
    /// When the settings make no sense, or there is nothing to load.
    pub(crate) fn read(ctx: &Context<'_>) -> Result<Self, Failure> {
        let settings: Settings = ctx.settings()?;
        check_index(&settings.index)?;
        if settings.mode == Mode::Upsert && settings.id.is_none() {
            return Err(failure("`mode: upsert` needs to know which documents are the same")
                .hint("add `id: FIELD`, the field that identifies a document")
                .code("settings"));
        }
        let (sources, others): (Vec<_>, Vec<_>) = ctx.inputs.list().into_iter().partition(|input| input.role == "from");
        if sources.is_empty() {
            return Err(failure("there is nothing to load").hint("add `from: ./data/FILE.ndjson`").code("settings"));
        }
        let mapping = others.into_iter().find(|input| input.role == "mapping");
        if settings.mapping.is_some() && mapping.is_none() {
            return Err(failure("the mapping file was not handed over by the host").code("settings"));
        }
        Ok(Self { settings, sources, mapping })
    }

    /// `trucks.ndjson`, or `trucks.ndjson and 2 more files`.
    pub(crate) fn sources_named(&self) -> String {
        let first =
            self.sources.first().map_or("nothing", |input| input.name.rsplit('/').next().unwrap_or(&input.name));
        match self.sources.len() {
            0 | 1 => first.to_owned(),
            2 => format!("{first} and 1 more file"),
            count => format!("{first} and {} more files", count - 1),
        }
    }
}

/// The name goes into paths of requests, one of which deletes: nothing that Elasticsearch reads as several indexes.
fn check_index(index: &str) -> Result<(), Failure> {
    let forbidden =
        |c: char| c.is_ascii_uppercase() || c.is_whitespace() || c.is_control() || "\\/*?\"<>|,#:%".contains(c);
    let first_is_bad = index.starts_with(['_', '-', '+', '.']) || index.is_empty();
    if first_is_bad || index.contains(forbidden) {
        return Err(failure(format!("`{index}` cannot be the name of an index"))
            .hint("lower case; none of \\ / * ? \" < > | , # : % or space; not starting with _ - + or .")
            .code("settings"));
    }
    Ok(())
}
