//! From file names to a [`Project`]: the pipeline.
//!
//! Per document: parse → interpolate → check → canonical form → paths → `include` → `extends` → merge. Then once: required
//! parts → decode → selection → environment → normalise → consistency.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::dotenv;
use crate::interpolate::Unset;
use crate::node::{Entry, Node, SourceFile, Span, Value};
use crate::project::Project;
use crate::source::{FileSource, LoadOptions};

mod causes;
pub(crate) mod discover;
mod document;
mod environment;
mod explain;
mod extends;
mod forms;
mod include;
mod name;
mod presence;
mod raw;
mod select;
mod text;
mod windlass_file;

pub use explain::{Fate, Layer};

/// A loaded project and what is worth telling about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// Warnings, in the order found.
    pub warnings: Vec<Diagnostic>,
    /// The merged canonical tree, values with their places.
    pub tree: Node,
    /// Every profile named by any service, sorted.
    pub profiles: Vec<String>,
    /// Variables that the merged files use, by name.
    pub variables: Vec<Variable>,
    /// Where values came from, for `config --explain`.
    pub(crate) origins: explain::Origins,
    /// Variables of the process environment.
    pub(crate) outer: BTreeSet<String>,
}

impl Loaded {
    fn new(project: Project, tree: Node, profiles: Vec<String>, variables: Vec<Variable>) -> Self {
        let (warnings, origins, outer) = Default::default();
        Self { project, warnings, tree, profiles, variables, origins, outer }
    }
}

/// A variable as the files use it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variable {
    /// Name.
    pub name: String,
    /// Used with `?`.
    pub required: bool,
    /// Word of `-`.
    pub default: String,
    /// Word of `+`.
    pub alternate: String,
}

/// State of one load.
pub(crate) struct Loader<'a> {
    pub(crate) files: &'a dyn FileSource,
    pub(crate) options: &'a LoadOptions,
    pub(crate) out: Diagnostics,
    /// Variables that were used but not set, in order of first use.
    pub(crate) unset: Vec<Unset>,
    /// They have been warned of.
    unset_told: bool,
    /// Every use of a variable, in the order of the files.
    uses: Vec<document::Use>,
    pub(crate) origins: explain::Origins,
    /// Parsed files: a file that many services extend is read once.
    parsed: BTreeMap<PathBuf, Vec<Node>>,
    /// Problems of the files that are being read because a service extends one of theirs.
    extended: Vec<Diagnostics>,
    /// Attributes as they were typed, for `config --no-interpolate`.
    forms: Vec<forms::Form>,
    /// Files whose `include` is being resolved, outermost first.
    including: Vec<PathBuf>,
    /// The project's directory, absolute; empty until it is known.
    folder: PathBuf,
}

/// Directory, variables and name that documents are read with.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) folder: PathBuf,
    pub(crate) variables: BTreeMap<String, String>,
}

/// Loads a project.
///
/// # Errors
/// All problems found, warnings among them, when any is an error.
pub fn load(files: &dyn FileSource, options: &LoadOptions) -> Result<Loaded, Diagnostics> {
    let mut loader = Loader {
        files,
        options,
        out: Diagnostics::default(),
        unset: Vec::new(),
        unset_told: false,
        uses: Vec::new(),
        origins: explain::Origins::default(),
        parsed: BTreeMap::new(),
        extended: Vec::new(),
        forms: Vec::new(),
        including: Vec::new(),
        folder: PathBuf::new(),
    };
    match loader.run() {
        Some(loaded) if !loader.out.has_errors() => {
            let outer = if options.origins { options.environment.keys().cloned().collect() } else { BTreeSet::new() };
            loader.out.0.iter_mut().for_each(crate::advice::advise);
            Ok(Loaded { warnings: loader.out.0, origins: loader.origins, outer, ..loaded })
        }
        // Once more, and look where the values came from: only those who have to be told pay for it.
        _ if !options.origins => load(files, &LoadOptions { origins: true, ..options.clone() }),
        _ => {
            loader.name_causes();
            loader.warn_unset();
            loader.origins.tell_overridden(&mut loader.out);
            Err(loader.out.sorted())
        }
    }
}

/// Name of the project that a load would give, without loading more than that needs.
///
/// # Errors
/// As [`load`].
pub fn project_name(files: &dyn FileSource, options: &LoadOptions) -> Result<String, Diagnostics> {
    if let Some(name) = &options.project_name {
        return Ok(name.clone());
    }
    let options =
        LoadOptions { no_consistency: true, no_env_resolution: true, services: Vec::new(), ..options.clone() };
    load(files, &options).map(|loaded| loaded.project.name)
}

impl Loader<'_> {
    /// Runs the pipeline; `None` when it cannot go on.
    fn run(&mut self) -> Option<Loaded> {
        let found = discover::find(self)?;
        self.folder.clone_from(&found.folder);
        self.origins.files.clone_from(&found.files);
        let mut context = Context { folder: found.folder.clone(), variables: found.variables.clone() };
        let texts: Vec<Vec<Node>> = found.files.iter().map(|path| self.parse(path)).collect();
        if self.out.has_errors() {
            return None;
        }
        let name = name::resolve(self, &texts, &context)?;
        context.variables.insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());
        let mut tree = self.merge_all(texts, &found.files, &context)?;
        if self.options.no_interpolate {
            return Some(self.uninterpolated(tree, &found, &name, &context));
        }
        self.warn_unset();
        crate::schema::check_required(&tree, &mut self.out);
        set_name(&mut tree, &name);
        let mut project = crate::decode::project(&tree, &mut self.out);
        project.working_dir = found.folder.clone();
        project.compose_files = found.files.clone();
        project.env_files = found.env_files.clone();
        project.environment = context.variables.clone();
        project.separator = if self.options.compatibility { '_' } else { '-' };
        let windlass = windlass_file::find(self, &found);
        let home = self.options.home.as_deref();
        crate::x_windlass::apply(&tree, windlass.as_ref(), &mut project, home, &mut self.out);
        let profiles = select::profiles(&project);
        self.finish(&tree, &mut project);
        let variables = self.variables(&tree);
        Some(Loaded::new(project, tree, profiles, variables))
    }

    /// Selection, environment, normalisation and consistency.
    fn finish(&mut self, tree: &Node, project: &mut Project) {
        crate::validate::always(tree, project, &mut self.out);
        if !self.options.no_consistency {
            let enabled = select::enabled(self, project);
            crate::validate::definitions(tree, project, &enabled, &mut self.out);
        }
        if !self.options.no_normalize {
            crate::normalise::normalise(project, tree);
        }
        select::select(self, tree, project);
        if self.options.default_platform {
            crate::validate::default_platform(tree, project, &mut self.out);
            built_for_default_platform(project);
        }
        environment::labels(self, tree, project);
        environment::resolve(self, tree, project);
        if !self.options.no_consistency {
            crate::validate::references(tree, project, &mut self.out);
        }
        if !self.options.all_resources {
            select::prune(project);
        }
    }

    /// Reads and merges every document of the files, in order.
    fn merge_all(&mut self, texts: Vec<Vec<Node>>, files: &[PathBuf], context: &Context) -> Option<Node> {
        let mut tree: Option<Node> = None;
        for (documents, path) in texts.into_iter().zip(files) {
            for document in documents {
                let mut document = self.document(document, path, context);
                extends::resolve(self, &mut document, path, context);
                tree = Some(self.merge_over(tree.take(), document));
                self.check_nothing(tree.as_ref());
            }
        }
        let Some(mut tree) = tree.filter(|tree| tree.as_map().is_some_and(|map| !map.is_empty())) else {
            if !self.out.has_errors() {
                let file = files.first().and_then(|path| self.read(path));
                let span = Span { file, line: 1, column: 1, length: 1 };
                self.out.0.push(Diagnostic::error("empty-file", "", Some(span), "empty compose file"));
            }
            return None;
        };
        self.settle(&mut tree, &context.folder);
        if self.out.has_errors() { None } else { Some(tree) }
    }

    pub(crate) fn merge_over(&mut self, base: Option<Node>, over: Node) -> Node {
        match base {
            Some(base) => crate::merge::merge(base, over, &mut Vec::new(), &mut self.out),
            None => over,
        }
    }

    pub(crate) fn check_nothing(&mut self, tree: Option<&Node>) {
        if let Some(tree) = tree {
            crate::schema::check_nothing(tree, &mut self.out);
        }
    }

    /// Ends the merging of documents that share a directory.
    pub(crate) fn settle(&self, tree: &mut Node, folder: &Path) {
        crate::merge::settle(tree, &mut Vec::new());
        let context = if self.options.no_path_resolution {
            crate::paths::relative(&self.folder, folder)
        } else {
            folder.to_path_buf()
        };
        crate::canonical::build_contexts(tree, &context.to_string_lossy());
    }

    /// Parses a file once; problems are reported where they are found.
    pub(crate) fn parse(&mut self, path: &Path) -> Vec<Node> {
        if let Some(nodes) = self.parsed.get(path) {
            return nodes.clone();
        }
        let Some(file) = self.read(path) else { return Vec::new() };
        let nodes = crate::yaml::parse(&file, &mut self.out);
        self.parsed.insert(path.to_path_buf(), nodes.clone());
        nodes
    }

    /// Reads a text file; a missing one is an error in the peer's words.
    pub(crate) fn read(&mut self, path: &Path) -> Option<Arc<SourceFile>> {
        let bytes = if path == Path::new("-") {
            self.options.stdin.clone().unwrap_or_default()
        } else {
            match self.files.read(path) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let reason = io_text(&error);
                    let text = format!("open {}: {reason}", path.display());
                    self.out.0.push(Diagnostic::error("unreadable-file", "", None, text));
                    return None;
                }
            }
        };
        match text::decode(bytes) {
            Ok(text) => Some(Arc::new(SourceFile { path: path.to_path_buf(), text })),
            Err(bad) => {
                self.out.0.push(bad.problem(path));
                None
            }
        }
    }

    /// Reads an environment file; variables that it uses and nobody knows are told later.
    pub(crate) fn dotenv(
        &mut self,
        file: &Arc<SourceFile>,
        lookup: crate::interpolate::Lookup<'_>,
    ) -> Result<dotenv::Pairs, dotenv::DotenvError> {
        let mut unset = Vec::new();
        let pairs = dotenv::parse(&file.text, lookup, &mut unset);
        self.unset.extend(unset.into_iter().map(|(name, line)| Unset {
            name,
            span: Span { file: Some(Arc::clone(file)), line, column: 1, length: 1 },
        }));
        pairs
    }

    /// A directory's base for paths.
    pub(crate) fn base<'b>(&'b self, folder: &'b Path) -> crate::paths::Base<'b> {
        crate::paths::Base { folder, home: self.options.home.as_deref() }
    }

    /// Warns of variables that became empty, once.
    fn warn_unset(&mut self) {
        if std::mem::replace(&mut self.unset_told, true) {
            return;
        }
        let mut seen = BTreeSet::new();
        let first: Vec<Unset> = self.unset.iter().filter(|unset| seen.insert(&unset.name)).cloned().collect();
        for Unset { name, span } in first {
            let text = format!("The \"{name}\" variable is not set. Defaulting to a blank string.");
            self.out.0.push(Diagnostic::warning("unset-variable", "", Some(span), text));
        }
    }
}

impl Diagnostics {
    /// In the order of file and line; those without a place last.
    fn sorted(mut self) -> Self {
        let key = |problem: &Diagnostic| {
            let span = problem.span.as_ref();
            let path = span.and_then(|span| span.file.as_ref()).map(|file| file.path.clone());
            (problem.severity == Severity::Warning, path.is_none(), path, span.map(|span| (span.line, span.column)))
        };
        self.0.sort_by_key(key);
        // A value of the wrong form cannot be merged either, on whichever side it stands: told once.
        let wrong: Vec<Span> =
            self.0.iter().filter(|problem| problem.code == "type").filter_map(|problem| problem.span.clone()).collect();
        self.0.retain(|problem| {
            let mut places = problem.span.iter().chain(problem.related.iter().map(|(_, span)| span));
            problem.code != "cannot-override" || !places.any(|span| wrong.contains(span))
        });
        self.0.dedup();
        self.0.iter_mut().for_each(crate::advice::advise);
        self
    }
}

/// Gives built services the default platform, which so becomes a part of their configuration and its hash.
fn built_for_default_platform(project: &mut Project) {
    let built = project.services.values().filter(|service| service.build.is_some());
    let platforms: Vec<(String, String)> =
        built.map(|service| (service.name.clone(), project.platform_of(service).to_owned())).collect();
    for (name, platform) in platforms {
        if let Some(service) = project.service_mut(&name) {
            service.platform = platform;
        }
    }
}

/// The reason as the system's own programs say it: without the number that Rust adds, and within a sentence.
fn io_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn set_name(tree: &mut Node, name: &str) {
    if let Some(map) = tree.as_map_mut() {
        let span = map.get("name").map_or_else(Span::synthetic, |entry| entry.node.span.clone());
        map.insert(
            "name".to_owned(),
            Entry { key: span.clone(), node: Node::new(Value::String(name.to_owned()), span) },
        );
    }
}
