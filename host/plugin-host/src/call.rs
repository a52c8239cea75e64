//! One call of one exported function in a fresh store, within its limits, its errors put into words.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{ComponentNamedList, Instance, Lift, Linker, Lower, TypedFunc};
use wasmtime::{Engine, Store, Trap};
use windlass_runtime::HookError;
use windlass_runtime::hooks::{HookCall, HookErrorKind, LogSeverity};

use crate::bindings::windlass::plugin::types::{Call, Failure, Target};
use crate::component::Loaded;
use crate::error::of_call;
use crate::limits::{Defaults, bounded, seconds, size};
use crate::network::Network;
use crate::state::State;

/// A prepared call.
pub(crate) struct Running {
    store: Store<State>,
    call: HookCall,
    limit: Duration,
}

/// The records that most functions take.
pub(crate) fn arguments(call: &HookCall) -> (Call, Target) {
    let record = Call {
        run_id: call.run_id.clone(),
        project: call.project.clone(),
        stage: call.stage.name().to_owned(),
        attempt: call.attempt,
    };
    let target = Target {
        service: call.service.clone().unwrap_or_default(),
        index: call.number,
        container_id: call.container_id.clone(),
        authority: call.target.clone(),
    };
    (record, target)
}

impl Running {
    pub(crate) fn new(engine: &Engine, state: State, limit: Duration) -> Self {
        let call = state.call.clone();
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        Self { store, call, limit }
    }

    /// The network that the call sees.
    pub(crate) fn network(&self) -> Arc<Network> {
        Arc::clone(&self.store.data().network)
    }

    /// Instantiates the component and calls `function` of `interface`. A failure that the plugin returns is an error too.
    pub(crate) async fn invoke<A, T>(
        mut self,
        linker: &Linker<State>,
        loaded: &Loaded,
        (interface, function): (&str, &str),
        arguments: A,
    ) -> Result<T, HookError>
    where
        A: ComponentNamedList + Lower + Send + Sync + 'static,
        T: Lift + Send + Sync + 'static,
        (Result<T, Failure>,): ComponentNamedList + Lift,
    {
        let work = async {
            let instance = linker.instantiate_async(&mut self.store, &loaded.component).await?;
            let function: TypedFunc<A, (Result<T, Failure>,)> = find(&mut self.store, &instance, interface, function)?;
            let (result,) = function.call_async(&mut self.store, arguments).await?;
            wasmtime::Result::Ok(result)
        };
        let begin = Instant::now();
        let ended = tokio::time::timeout(self.limit, work).await;
        self.note_dropped_logs();
        match ended {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(failure))) => Err(self.failed(&failure)),
            Ok(Err(error)) => Err(self.trapped(&error)),
            Err(_) => Err(self.timed_out(begin.elapsed())),
        }
    }

    fn note_dropped_logs(&self) {
        let dropped = self.store.data().log_lines.saturating_sub(Defaults::LOG_LINES);
        if dropped > 0 {
            self.call
                .sink
                .log(LogSeverity::Warning, &format!("plugin `{}`: {dropped} more log lines dropped", self.call.plugin));
        }
    }

    fn error(&self, kind: HookErrorKind, message: &str, hint: Option<String>) -> HookError {
        HookError { stderr: self.store.data().stderr.lines(), ..of_call(&self.call, kind, message, hint) }
    }

    /// The plugin returned a failure; where a refusal of ours is behind it, the line to add is the hint.
    fn failed(&self, failure: &Failure) -> HookError {
        let message = bounded(&failure.message, Defaults::TEXT);
        if let Some((refusal, hint)) = self.store.data().network.grants().refusal() {
            return self.error(HookErrorKind::Denied, &format!("{refusal} ({message})"), Some(hint));
        }
        let denied = failure.code.as_deref() == Some("denied");
        let kind = if denied { HookErrorKind::Denied } else { HookErrorKind::Failed { retryable: failure.retryable } };
        self.error(kind, &message, failure.hint.as_ref().map(|hint| bounded(hint, Defaults::TEXT)))
    }

    fn trapped(&self, error: &wasmtime::Error) -> HookError {
        let state = self.store.data();
        if state.memory.exceeded {
            let text = format!("needed more than {} of memory", size(state.memory.limit()));
            let hint = format!("raise it under x-windlass.plugins.{}: limits: {{ memory: … }}", self.call.plugin);
            return self.error(HookErrorKind::Trap, &text, Some(hint));
        }
        if let Some(message) = &state.panicked {
            return self.error(HookErrorKind::Trap, &format!("panicked: {message}"), None);
        }
        let text = match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => "trapped: its stack overflowed".to_owned(),
            Some(trap) => format!("trapped: {trap}"),
            None => format!("failed: {}", bounded(&format!("{error:#}"), Defaults::TEXT)),
        };
        self.error(HookErrorKind::Trap, &text, None)
    }

    fn timed_out(&self, _: Duration) -> HookError {
        let text = format!("did not return within {}", seconds(self.limit));
        let mut error = self.error(HookErrorKind::Timeout, &text, None);
        if let Some((refusal, hint)) = self.store.data().network.grants().refusal() {
            error.message = format!("{} ({refusal})", error.message);
            error.hint = Some(hint);
        }
        error
    }
}

fn find<A, R>(
    store: &mut Store<State>,
    instance: &Instance,
    interface: &str,
    function: &str,
) -> wasmtime::Result<TypedFunc<A, R>>
where
    A: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let name = format!("windlass:plugin/{interface}@0.1.0");
    let outer = instance.get_export_index(&mut *store, None, &name);
    let outer = outer.ok_or_else(|| wasmtime::Error::msg(format!("it does not export {interface}")))?;
    let inner = instance.get_export_index(&mut *store, Some(&outer), function);
    let inner = inner.ok_or_else(|| wasmtime::Error::msg(format!("its {interface} has no function {function}")))?;
    instance.get_typed_func(&mut *store, inner)
}
