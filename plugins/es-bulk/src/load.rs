//! Applies a load: look at the whole input first, prepare the index, send, and count what arrived.

use std::time::Duration;

use windlass_plugin::{Context, Diagnostic, Failure, Severity, Target, failure, inputs};

use crate::bulk::{Batch, Refusal, outcome};
use crate::documents::{Document, Flaw, documents};
use crate::mapping;
use crate::server::{IndexState, Server, Version};
use crate::settings::{Job, Mode};

/// Problems of documents that are told one by one.
const TOLD: usize = 10;
/// How often documents are sent again that the server had no time for.
const PATIENCE: u32 = 6;
/// A mapping is small by nature.
const MAX_MAPPING: u64 = 4 << 20;

/// Runs the whole load. May be run again after being cut off anywhere: an index that is replaced bears our mark from its
/// creation on, and all ids are the same in every run.
pub(crate) fn run(ctx: &Context<'_>, target: &Target, job: &Job) -> Result<(), Failure> {
    let total = survey(ctx, job)?;
    let server = Server::new(ctx, target, &job.settings)?;
    let version = server.version()?;
    let kind = mapping_type(ctx, job, &version);
    prepare(ctx, job, &server, &version, kind.as_deref())?;
    let mut load = Load { ctx, job, server: &server, kind, total, done: 0, created: 0, problems: Problems::default() };
    load.send_all()?;
    load.verify()
}

/// Reads all of the input before anything is touched: a bad line must not cost the data that is there.
fn survey(ctx: &Context<'_>, job: &Job) -> Result<u64, Failure> {
    let mut total = 0;
    let mut problems = Problems::default();
    for document in documents(ctx, job) {
        match document? {
            Ok(_) => total += 1,
            Err(flaw) => problems.add(ctx, flaw, "bad-record"),
        }
    }
    match problems.count {
        0 => Ok(total),
        bad => {
            let what = format!("{bad} of {} documents cannot be loaded; nothing was changed", total + bad);
            Err(problems.failure(&what).hint("the input is NDJSON (one object a line) or one JSON array of objects"))
        }
    }
}

/// The mapping type to use; none from version 7 on.
fn mapping_type(ctx: &Context<'_>, job: &Job, version: &Version) -> Option<String> {
    let wanted = job.settings.kind.as_deref();
    if version.has_types() {
        return Some(wanted.unwrap_or_else(|| version.default_type()).to_owned());
    }
    if let Some(kind) = wanted {
        ctx.host.log(Severity::Info, &format!("`type: {kind}` is ignored: version {} has no types", version.number));
    }
    None
}

fn prepare(
    ctx: &Context<'_>,
    job: &Job,
    server: &Server<'_>,
    version: &Version,
    kind: Option<&str>,
) -> Result<(), Failure> {
    let file = job.mapping.as_ref().map(|input| inputs::read_all(ctx.inputs, input, MAX_MAPPING)).transpose()?;
    let body = mapping::body(file.as_deref(), version, kind.unwrap_or_default(), &ctx.call.project)?;
    let state = server.index_state()?;
    if job.settings.mode != Mode::Replace {
        return if state == IndexState::Absent { server.create(&body) } else { Ok(()) };
    }
    match state {
        IndexState::Absent => {}
        IndexState::Ours | IndexState::Foreign(0) => server.delete()?,
        IndexState::Foreign(count) => return Err(not_ours(&job.settings.index, count)),
        IndexState::Alias(of) => return Err(alias(&job.settings.index, &of)),
    }
    server.create(&body)
}

fn not_ours(index: &str, count: u64) -> Failure {
    failure(format!("index `{index}` holds {count} documents and was not made by Windlass; it is not replaced"))
        .hint(format!(
            "delete it yourself (DELETE /{index}), load into another index, or use `mode: upsert` or `append`"
        ))
        .code("not-ours")
}

fn alias(index: &str, of: &str) -> Failure {
    failure(format!("`{index}` is an alias of {of}, and cannot be replaced"))
        .hint("name the index itself, or use `mode: upsert` or `append`")
        .code("not-ours")
}

/// Documents that could not be loaded: all are counted, the first ones are told.
#[derive(Debug, Default)]
struct Problems {
    count: u64,
    first: Option<Flaw>,
}

impl Problems {
    fn add(&mut self, ctx: &Context<'_>, flaw: Flaw, code: &str) {
        self.count += 1;
        if self.count <= TOLD as u64 {
            ctx.host.report(&Diagnostic {
                severity: Severity::Error,
                message: flaw.reason.clone(),
                path: Some(flaw.place.clone()),
                code: Some(code.to_owned()),
                hint: None,
            });
        }
        self.first.get_or_insert(flaw);
    }

    fn failure(&self, what: &str) -> Failure {
        let first = self.first.as_ref().map(|flaw| format!("; first {}: {}", flaw.place, flaw.reason));
        failure(format!("{what}{}", first.unwrap_or_default())).code("documents")
    }
}

struct Load<'a> {
    ctx: &'a Context<'a>,
    job: &'a Job,
    server: &'a Server<'a>,
    kind: Option<String>,
    total: u64,
    done: u64,
    created: u64,
    problems: Problems,
}

impl Load<'_> {
    fn send_all(&mut self) -> Result<(), Failure> {
        let (docs, bytes) = (self.job.settings.batch_docs.max(1), self.job.settings.batch_bytes);
        let (ctx, job) = (self.ctx, self.job);
        let mut batch = Batch::default();
        self.progress();
        for document in documents(ctx, job) {
            let document =
                document?.map_err(|flaw| failure(format!("{}: the input changed", flaw.place)).retryable())?;
            if !batch.has_room(&document, docs, bytes) {
                self.send(std::mem::take(&mut batch))?;
            }
            batch.push(document);
        }
        self.send(batch)
    }

    /// Sends a batch, and what the server had no time for again.
    fn send(&mut self, mut batch: Batch) -> Result<(), Failure> {
        for attempt in 0..PATIENCE {
            if batch.documents.is_empty() {
                return Ok(());
            }
            if self.ctx.host.cancelled() {
                return Err(failure(format!("stopped after {} of {} documents", self.done, self.total)).retryable());
            }
            if attempt > 0 {
                self.ctx.host.sleep(Duration::from_millis(100 << attempt));
            }
            batch = self.send_once(batch)?;
        }
        if batch.documents.is_empty() {
            return Ok(());
        }
        let left = batch.documents.len();
        Err(failure(format!("the server was too busy for {left} documents, {PATIENCE} times in a row"))
            .hint("lower `batch-docs`, or give the server more memory")
            .retryable())
    }

    /// Sends once; returns what is to be sent again.
    fn send_once(&mut self, batch: Batch) -> Result<Batch, Failure> {
        let kind = self.kind.as_deref();
        let response = self.server.bulk(kind, batch.body())?;
        if response.status == 429 {
            return Ok(batch);
        }
        let result = outcome(&response.body, batch.documents.len()).filter(|_| response.is_success());
        let Some(result) = result else {
            return Err(self.server.refused("POST", &self.server.bulk_path(kind), &response));
        };
        let mut documents: Vec<Option<Document>> = batch.documents.into_iter().map(Some).collect();
        let settled = documents.len() - result.busy.len();
        for (position, refusal) in result.refused {
            if let Some(document) = documents.get_mut(position).and_then(Option::take) {
                self.refuse(document, &refusal);
            }
        }
        let mut again = Batch::default();
        result.busy.into_iter().filter_map(|position| documents.get_mut(position)?.take()).for_each(|d| again.push(d));
        self.created += result.created;
        self.done += settled as u64;
        self.progress();
        Ok(again)
    }

    fn refuse(&mut self, document: Document, refusal: &Refusal) {
        let reason = format!("{}: {}", refusal.kind, refusal.reason);
        self.problems.add(self.ctx, Flaw { place: document.place, reason }, "refused");
    }

    fn progress(&self) {
        self.ctx.host.progress(self.done, Some(self.total), "documents");
    }

    fn verify(&self) -> Result<(), Failure> {
        let count = self.server.refresh_and_count()?;
        if self.problems.count > 0 {
            let what = format!("{} of {} documents were refused by the server", self.problems.count, self.total);
            return Err(self.problems.failure(&what).hint("does the mapping of the index fit the documents?"));
        }
        if count < self.created {
            let (index, created) = (&self.job.settings.index, self.created);
            let text = format!("index `{index}` holds {count} documents after {created} were written to it");
            return Err(failure(text).hint("is something else deleting from it?").retryable());
        }
        let (index, total) = (&self.job.settings.index, self.total);
        self.ctx.host.log(Severity::Info, &format!("{total} documents loaded into `{index}`, which holds {count}"));
        Ok(())
    }
}
