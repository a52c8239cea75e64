//! The output of a project's containers as it comes, from their start to their end, restarts included.
//!
//! A [`Following`] is a task of its own, with channels to its owner: nothing that the owner does meanwhile, and gives up half-way,
//! can lose a line or an end. It only reads; dropping it ends it.

mod reader;
mod track;
mod watcher;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use windlass_plan::step::ContainerRef;
use windlass_runtime::engine::{EngineResult, LogOptions};
use windlass_runtime::state::{LinkWatch, World};
use windlass_runtime::{Engine, StartGate};

use crate::feed::Feed;
use crate::timeouts::ATTACH_LIMIT;
pub(crate) use watcher::short_name;
use watcher::{Order, Watcher};

/// Whose output, and from when.
#[derive(Debug, Clone)]
pub(crate) struct FollowOptions {
    /// Project name.
    pub(crate) project: String,
    /// Services; `None`: all.
    pub(crate) services: Option<BTreeSet<String>>,
    /// Only replicas of this number.
    pub(crate) number: Option<u32>,
    /// What is shown of containers that are there already.
    pub(crate) existing: Existing,
    /// Services whose containers are created with a terminal: their output has no stream marks.
    pub(crate) terminals: BTreeSet<String>,
    /// The engine's times before each line.
    pub(crate) timestamps: bool,
    /// Tell when containers end.
    pub(crate) announce: bool,
}

/// What is shown of containers that are there already.
#[derive(Debug, Clone)]
pub(crate) enum Existing {
    /// What those of these names print from now on; the others are about to be replaced.
    Untouched(BTreeSet<String>),
    /// Their logs.
    Logs(LogOptions),
}

/// A container that was followed has ended for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Followed {
    /// Service.
    pub(crate) service: String,
    /// Exit code.
    pub(crate) code: i64,
}

/// What the owner of a following knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Ends for good, in the order in which they were seen.
    pub(crate) ends: Vec<Followed>,
    /// Ids of followed containers that run, or will by themselves.
    pub(crate) running: BTreeSet<String>,
    /// The containers that were there at first have been looked at.
    pub(crate) begun: bool,
    /// A container was ever followed.
    pub(crate) followed: bool,
    /// Output is read.
    pub(crate) reading: bool,
    /// Output of runs that are over is still read.
    pub(crate) draining: bool,
    /// Why there will be no more news.
    pub(crate) broken: Option<String>,
}

impl Progress {
    /// Everything that was followed has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.followed && self.running.is_empty()
    }
}

/// Follows the containers of a project.
pub(crate) struct Following {
    world: World,
    /// The watcher, and the pump of its world. Aborting them when this is dropped loses nothing: they only read.
    _tasks: JoinSet<()>,
    progress: watch::Receiver<Progress>,
    gate: Arc<dyn StartGate>,
}

impl Following {
    /// Starts to follow; nothing that starts from now on is missed.
    pub(crate) async fn start(engine: &Arc<dyn Engine>, feed: Feed, options: FollowOptions) -> EngineResult<Self> {
        let (world, pump) = World::open(engine, &options.project);
        let mut tasks = JoinSet::new();
        tasks.spawn(pump.run());
        let first = world.listed().await?;
        let (sender, orders) = mpsc::unbounded_channel();
        let (progress, receiver) = watch::channel(Progress::default());
        let watcher = Watcher {
            engine: Arc::clone(engine),
            world: world.clone(),
            feed,
            options,
            orders,
            progress,
            containers: BTreeMap::new(),
            readers: JoinSet::new(),
            silent: HashSet::new(),
            link: LinkWatch::default(),
        };
        tasks.spawn(watcher.run(first));
        Ok(Self { world, _tasks: tasks, progress: receiver, gate: Arc::new(Gate { orders: sender }) })
    }

    /// The view of the containers that it follows.
    pub(crate) fn world(&self) -> World {
        self.world.clone()
    }

    /// Attaches to containers before they are started.
    pub(crate) fn gate(&self) -> Arc<dyn StartGate> {
        Arc::clone(&self.gate)
    }

    /// What is known now.
    pub(crate) fn now(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Resolves when what is known satisfies `enough`, or nothing more will be known.
    ///
    /// # Cancel safety
    /// Safe: only looks.
    pub(crate) async fn until(&self, mut enough: impl FnMut(&Progress) -> bool) -> Progress {
        let mut progress = self.progress.clone();
        let found = progress.wait_for(|progress| progress.broken.is_some() || enough(progress)).await;
        found.map(|progress| progress.clone()).unwrap_or_else(|_| self.now())
    }
}

/// Has the watcher attach before a container starts.
#[derive(Debug)]
struct Gate {
    orders: mpsc::UnboundedSender<Order>,
}

#[async_trait]
impl StartGate for Gate {
    async fn before_start(&self, id: &str, container: &ContainerRef) {
        let (ready, attached) = oneshot::channel();
        let (name, service) = (container.name.clone(), container.service.clone());
        if self.orders.send(Order { id: id.to_owned(), name, service, ready }).is_ok() {
            // An order that is not for the watcher is dropped, which resolves this as well.
            drop(tokio::time::timeout(ATTACH_LIMIT, attached).await);
        }
    }
}
