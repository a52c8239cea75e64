//! What one store holds: the contexts of WASI, the call, and what it may reach.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use windlass_runtime::hooks::HookCall;
use windlass_runtime::inputs::OpenInput;

use crate::host::ProjectFacts;
use crate::limits::{Defaults, MemoryLimit};
use crate::network::Network;
use crate::network::forward::Forwarders;
use crate::network::http::Hooks;
use crate::stderr::Ring;

/// The state.
pub(crate) struct State {
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) hooks: Hooks,
    pub(crate) table: ResourceTable,
    pub(crate) memory: MemoryLimit,
    pub(crate) call: HookCall,
    pub(crate) facts: Arc<ProjectFacts>,
    pub(crate) settings: String,
    pub(crate) inputs: Vec<OpenInput>,
    pub(crate) secrets: Vec<String>,
    pub(crate) network: Arc<Network>,
    pub(crate) forwarders: Arc<Forwarders>,
    pub(crate) deadline: Instant,
    pub(crate) stderr: Ring,
    pub(crate) panicked: Option<String>,
    pub(crate) log_lines: u32,
}

/// What the caller hands in for one store.
pub(crate) struct Parts {
    pub(crate) memory: u64,
    pub(crate) call: HookCall,
    pub(crate) facts: Arc<ProjectFacts>,
    pub(crate) inputs: Vec<OpenInput>,
    pub(crate) secrets: Vec<String>,
    pub(crate) read: Vec<std::path::PathBuf>,
    pub(crate) network: Arc<Network>,
    pub(crate) deadline: Instant,
}

impl State {
    pub(crate) fn new(parts: Parts) -> Self {
        let forwarders = Arc::new(Forwarders::default());
        let stderr = Ring::default();
        let settings = if parts.call.settings.is_null() { "{}".to_owned() } else { parts.call.settings.to_string() };
        Self {
            wasi: wasi(&stderr, &forwarders, &parts.read),
            http: WasiHttpCtx::new(),
            hooks: Hooks(Arc::clone(&parts.network)),
            table: ResourceTable::new(),
            memory: MemoryLimit::new(parts.memory),
            call: parts.call,
            facts: parts.facts,
            settings,
            inputs: parts.inputs,
            secrets: parts.secrets,
            network: parts.network,
            forwarders,
            deadline: parts.deadline,
            stderr,
            panicked: None,
            log_lines: 0,
        }
    }

    /// Time left of the call.
    pub(crate) fn remaining(&self) -> std::time::Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether another log line may pass; the first one too many is replaced by a note.
    pub(crate) fn admit_log(&mut self) -> bool {
        self.log_lines = self.log_lines.saturating_add(1);
        self.log_lines <= Defaults::LOG_LINES
    }
}

/// Everything of WASI is there, and nothing is granted but standard error, TCP to forwarders, and directories of the grant.
fn wasi(stderr: &Ring, forwarders: &Arc<Forwarders>, read: &[std::path::PathBuf]) -> WasiCtx {
    let mut builder = WasiCtx::builder();
    let forwarders = Arc::clone(forwarders);
    builder.stderr(stderr.clone()).stdout(stderr.clone()).allow_tcp(true).socket_addr_check(move |address, usage| {
        let forwarders = Arc::clone(&forwarders);
        Box::pin(async move {
            match usage {
                // Connecting binds the unspecified address first.
                SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
                SocketAddrUse::TcpConnect => address.ip().is_loopback() && forwarders.settled(address.port()).await,
                _ => false,
            }
        })
    });
    for folder in read.iter().filter(|folder| folder.is_dir()) {
        let guest = folder.to_string_lossy().into_owned();
        // A directory that cannot be opened is missing for the guest, which says so itself.
        drop(builder.preopened_dir(folder, guest, wasmtime_wasi::FsPerms::ReadOnly).map(|_| ()));
    }
    builder.build()
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}
