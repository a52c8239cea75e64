//! `Load`: apply a loader's steps once, by the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use windlass_model::windlass::{Dataset, Hook, InputFile, LoadWhen, Stage};
use windlass_plan::ledger::{Site, Slot};
use windlass_plan::step::ContainerRef;

use super::context::Context;
use super::end::End;
use super::load_inputs::{self, Inputs};
use super::load_site;
use crate::failure::{StepError, is_retryable};
use crate::hooks::{HookCall, HookError, Input, LoadStep, PluginInfo};
use crate::ledger::{Appended, Claim, Draft, Entry, Ledger, Owner, Standing, Verdict};
use crate::outcome::FailureKind;
use crate::shutdown::Urgency;
use crate::timeouts::{
    LOAD_LEASE, LOAD_RENEWAL, LOAD_RETRY, LOAD_TIMEOUT, LOAD_WATCH, RETRY_PAUSE, RETRY_PAUSE_MAX, backoff, pause,
};

/// What is loaded, and where to.
pub(super) struct Request {
    slot: Slot,
    plugin: String,
    pub(super) settings: serde_json::Value,
    pub(super) from: Vec<InputFile>,
    when: LoadWhen,
    pub(super) target: Option<String>,
    timeout: Duration,
    /// How long a step is tried again.
    patience: Duration,
    container: ContainerRef,
}

impl Request {
    pub(super) fn of(context: &Context, dataset: &Dataset, container: &ContainerRef) -> Self {
        let project = &context.run.execution.project;
        Self {
            slot: Slot::of_dataset(&project.name, &container.service, &dataset.name),
            plugin: dataset.plugin.clone(),
            settings: dataset.with.clone(),
            from: dataset.from.clone(),
            when: dataset.when,
            target: dataset.target.clone(),
            timeout: dataset.timeout.unwrap_or(LOAD_TIMEOUT),
            patience: LOAD_RETRY,
            container: container.clone(),
        }
    }

    /// A loader that stands under `post-start`: nobody has said that the service is ready, so it is tried as long as a
    /// probe would be.
    pub(super) fn of_hook(context: &Context, hook: &Hook, container: &ContainerRef) -> Self {
        let project = &context.run.execution.project;
        let service = project.services.get(&container.service);
        let hooks = service.and_then(|service| service.windlass.hooks.get(&Stage::PostStart));
        let hooks = hooks.map_or(std::slice::from_ref(hook), Vec::as_slice);
        // Two hooks that are equal in everything load the same thing: that is one load.
        let index = hooks.iter().position(|other| other == hook).unwrap_or(0);
        Self {
            slot: Slot::of_hook(&project.name, &container.service, hooks, index),
            plugin: hook.plugin.clone(),
            settings: hook.with.clone(),
            from: hook.from.clone(),
            when: hook.when,
            target: hook.target.clone(),
            timeout: hook.timeout.unwrap_or(LOAD_TIMEOUT),
            patience: hook.timing.timeout,
            container: container.clone(),
        }
    }

    fn place(&self) -> String {
        format!("load of {} into {}", self.slot.dataset, self.container.service)
    }

    pub(super) fn failed(&self, error: HookError) -> StepError {
        StepError::of_hook(error, &self.place())
    }

    /// Files that the settings name.
    pub(super) async fn setting_inputs(&self, context: &Context) -> Result<Vec<Input>, StepError> {
        let hooks = &context.run.execution.hooks;
        hooks.setting_inputs(&self.plugin, &self.settings).await.map_err(|error| self.failed(error))
    }

    fn error(&self, text: impl std::fmt::Display) -> StepError {
        StepError::new(FailureKind::Plugin, format!("{}: {text}", self.place()))
    }

    fn call(&self, context: &Context, inputs: &Inputs, attempt: u32) -> HookCall {
        let execution = &context.run.execution;
        HookCall {
            plugin: self.plugin.clone(),
            stage: Stage::Load,
            run_id: execution.options.run_id.clone(),
            project: execution.project.name.clone(),
            service: Some(self.container.service.clone()),
            number: self.container.number,
            container_id: Some(context.run.containers.resolve(&self.container)),
            attempt,
            target: self.target.clone(),
            settings: self.settings.clone(),
            inputs: inputs.expected(),
            timeout: Some(self.timeout),
            sink: Arc::new(context.clone()),
        }
    }
}

/// Loads what is due.
pub(super) async fn run(context: &Context, request: Request) -> End {
    // Two replicas with one volume load one after the other: the second finds the work done.
    let turn = context.run.load_turn(&request.slot.key()).await;
    let _turn = turn.lock().await;
    let mut shutdown = context.shutdown.clone();
    let prepared = tokio::select! {
        biased;
        prepared = prepare(context, &request) => prepared,
        () = shutdown.reached(Urgency::Graceful) => return End::Cancelled,
    };
    let due = match prepared {
        Ok(Prepared::Nothing(reason)) => return End::Skipped(reason),
        Ok(Prepared::Due(due)) => *due,
        Err(error) => return End::Failed(error),
    };
    perform(context, &request, due).await
}

/// What there is to do.
struct Due {
    inputs: Inputs,
    site: Site,
    standing: Standing,
    draft: Draft,
    /// Steps to apply, and how many there are in all.
    steps: Vec<LoadStep>,
    total: usize,
}

enum Prepared {
    /// Why there is nothing to do.
    Nothing(String),
    Due(Box<Due>),
}

/// Finds out what is due. Changes nothing, and may be dropped at any time.
async fn prepare(context: &Context, request: &Request) -> Result<Prepared, StepError> {
    let execution = &context.run.execution;
    let plugin = execution.hooks.describe(&request.plugin).await.map_err(|error| request.failed(error))?;
    let inputs = load_inputs::open(context, request).await?;
    let ledger = Ledger::new(&*execution.engine, request.slot.clone(), owner(context));
    let (site, standing) = settled(context, request, &ledger).await?;
    if let Some(reason) = done(request.when, &standing.verdict, &inputs, &plugin) {
        return Ok(Prepared::Nothing(reason.to_owned()));
    }
    let steps = execution.hooks.plan_load(&request.call(context, &inputs, 1)).await;
    let steps = steps.map_err(|error| request.failed(error))?;
    let known = known(request.when, &standing.verdict);
    let is_known = |step: &LoadStep| known.get(&step.id) == Some(&step.fingerprint);
    let committed = matches!(standing.verdict, Verdict::Committed(_));
    if committed && request.when == LoadWhen::Changed && !known.is_empty() && steps.iter().all(is_known) {
        return Ok(Prepared::Nothing("already loaded, unchanged".to_owned()));
    }
    if matches!(standing.verdict, Verdict::Dirty(_)) {
        context.warn(format!("{} was cut off before (dirty): it is done again", request.place()));
    }
    let total = steps.len();
    // A step that is to be applied again counts as missing from now on: its old effect may be undone half-way.
    let (there, steps): (Vec<LoadStep>, Vec<LoadStep>) = steps.into_iter().partition(is_known);
    let there = there.into_iter().map(|step| (step.id, step.fingerprint)).collect();
    let draft = Draft { input: inputs.hash.clone(), plugin: plugin.digest, steps: there };
    Ok(Prepared::Due(Box::new(Due { inputs, site, standing, draft, steps, total })))
}

fn owner(context: &Context) -> Owner {
    let options = &context.run.execution.options;
    Owner { run: options.run_id.clone(), lock: options.lock_id.clone(), who: options.who.clone() }
}

/// Waits until no other run loads this; a run that has shown no sign of life for the length of a lease has ended.
async fn settled(context: &Context, request: &Request, ledger: &Ledger<'_>) -> Result<(Site, Standing), StepError> {
    let mut seen: Option<(u64, Instant)> = None;
    loop {
        let site = load_site::of(context, &request.container).await?;
        let mut standing = ledger.standing(&site).await?;
        let Verdict::HeldBy(entry) = standing.verdict else { return Ok((site, standing)) };
        let silent_since = match seen {
            Some((number, since)) if number == entry.number => since,
            _ => Instant::now(),
        };
        if silent_since.elapsed() >= LOAD_LEASE {
            context.warn(format!(
                "{}: nothing was heard of {} for {} s; its load is taken over",
                request.place(),
                who(&entry),
                LOAD_LEASE.as_secs()
            ));
            standing.verdict = Verdict::Dirty(entry);
            return Ok((site, standing));
        }
        if seen.is_none() {
            context.note(format!("{}: waits for {}, which is loading it", request.place(), who(&entry)));
        }
        seen = Some((entry.number, silent_since));
        pause(LOAD_WATCH).await;
    }
}

fn who(entry: &Entry) -> &str {
    if entry.owner.who.is_empty() { "another run" } else { &entry.owner.who }
}

/// Why nothing is due, as far as that is known without asking the plugin.
fn done(when: LoadWhen, verdict: &Verdict, inputs: &Inputs, plugin: &PluginInfo) -> Option<&'static str> {
    let Verdict::Committed(entry) = verdict else { return None };
    let same = entry.draft.input == inputs.hash && entry.draft.plugin == plugin.digest;
    match when {
        LoadWhen::Always => None,
        LoadWhen::Once | LoadWhen::Manual => Some("already loaded"),
        LoadWhen::Changed => same.then_some("already loaded, unchanged"),
    }
}

/// Steps whose effect is in the data. The plugin's own fingerprints say so, not the digest of its file: a new build that
/// would load the same must not replace what the application has written since.
fn known(when: LoadWhen, verdict: &Verdict) -> BTreeMap<String, String> {
    match verdict {
        Verdict::Dirty(entry) => entry.draft.steps.clone(),
        Verdict::Committed(entry) if when != LoadWhen::Always => entry.draft.steps.clone(),
        Verdict::Committed(_) | Verdict::Absent | Verdict::HeldBy(_) => BTreeMap::new(),
    }
}

/// Claims the load, applies the steps, and ends the claim, whatever happens.
async fn perform(context: &Context, request: &Request, due: Due) -> End {
    let ledger = Ledger::new(&*context.run.execution.engine, request.slot.clone(), owner(context));
    let mut claim = match ledger.begin(&due.standing, due.draft.clone()).await {
        Ok(Some(claim)) => claim,
        Ok(None) => {
            let text = "another run began it at the same moment";
            return End::Failed(request.error(text).hint(Some("run the command again".to_owned())));
        }
        Err(error) => return End::Failed(error.into()),
    };
    let (end, released) = match apply(context, request, &due, &mut claim).await {
        Ok(()) => match claim.commit().await {
            Ok(Appended::Done) => return End::Done,
            Ok(Appended::Lost) => return End::Failed(lost(request)),
            Err(error) => return End::Failed(error.into()),
        },
        Err(Halt::Failed(error)) => (End::Failed(error), claim.release().await),
        Err(Halt::Stopped) => (End::Cancelled, claim.release().await),
        Err(Halt::Lost) => return End::Failed(lost(request)),
    };
    if released.is_err() {
        // The step has failed for a reason of its own, which is told; this only means that others wait a little longer.
        context.note(format!("{}: the engine could not be told that it failed", request.place()));
    }
    end
}

/// Why a load does not go on.
enum Halt {
    Failed(StepError),
    /// The user asked to stop.
    Stopped,
    /// Another run has taken over.
    Lost,
}

impl<E: Into<StepError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn lost(request: &Request) -> StepError {
    let hint = "it had not heard of this run for too long; data may have been loaded twice";
    request.error("another run has taken it over").hint(Some(hint.to_owned()))
}

async fn apply(context: &Context, request: &Request, due: &Due, claim: &mut Claim<'_>) -> Result<(), Halt> {
    use crate::hooks::CallSink as _;
    for step in &due.steps {
        if due.total > 1 {
            let done = due.total - due.steps.len() + due.steps.iter().take_while(|other| other.id != step.id).count();
            context.progress(done as u64, Some(due.total as u64), &step.title);
        }
        apply_while_alive(context, (request, &due.inputs, step), claim).await?;
        if claim.applied(&step.id, &step.fingerprint).await? == Appended::Lost {
            return Err(Halt::Lost);
        }
    }
    let checked = unchanged(context, request, due).await;
    if checked.is_err() {
        claim.doubt(&due.draft.steps);
    }
    checked.map_err(Halt::Failed)
}

/// What was loaded is what is there, and went where it was meant to go.
async fn unchanged(context: &Context, request: &Request, due: &Due) -> Result<(), StepError> {
    let hint = Some("the data is marked dirty: run the command again".to_owned());
    if let Some(name) = load_inputs::edited(&due.inputs).await? {
        return Err(request.error(format!("{name} was edited while it was loaded")).hint(hint));
    }
    let site = load_site::of(context, &request.container).await?;
    if !site.holds(&due.site.place()) {
        let text = format!("the container of {} was started anew while it was loaded", request.container.service);
        return Err(request.error(text).hint(hint));
    }
    Ok(())
}

/// Applies a step, and shows every now and then that this run is alive. No call of the engine is dropped half-way.
async fn apply_while_alive(
    context: &Context,
    (request, inputs, step): (&Request, &Inputs, &LoadStep),
    claim: &mut Claim<'_>,
) -> Result<(), Halt> {
    let (ended, lost) = (Notify::new(), Notify::new());
    let mut shutdown = context.shutdown.clone();
    let work = async {
        let result = tokio::select! {
            biased;
            result = apply_step(context, request, inputs, step) => result.map_err(Halt::Failed),
            () = lost.notified() => Err(Halt::Lost),
            () = shutdown.reached(Urgency::Graceful) => Err(Halt::Stopped),
        };
        ended.notify_one();
        result
    };
    let life = async {
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = ended.notified() => return,
                () = pause(LOAD_RENEWAL) => {}
            }
            match claim.renew().await {
                Ok(Appended::Done) => heard = Instant::now(),
                // An engine that does not answer for a moment is no reason to give up yet.
                Err(_) if heard.elapsed() < LOAD_LEASE => {}
                Ok(Appended::Lost) | Err(_) => {
                    lost.notify_one();
                    return;
                }
            }
        }
    };
    tokio::join!(work, life).0
}

/// Tried again while the plugin says that it may help, up to the request's patience.
async fn apply_step(context: &Context, request: &Request, inputs: &Inputs, step: &LoadStep) -> Result<(), StepError> {
    let began = Instant::now();
    for attempt in 1.. {
        let call = request.call(context, inputs, attempt);
        let Err(error) = context.run.execution.hooks.apply_load(&call, step).await else { break };
        let wait = backoff(RETRY_PAUSE, RETRY_PAUSE_MAX, attempt + 1, context.seed());
        if !is_retryable(&error) || began.elapsed() + wait > request.patience {
            return Err(request.failed(error));
        }
        pause(wait).await;
    }
    Ok(())
}
