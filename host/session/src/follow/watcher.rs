//! The task behind a [`super::Following`]: snapshots in, readers and news out.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use windlass_runtime::Engine;
use windlass_runtime::engine::LogOptions;
use windlass_runtime::state::{Instance, Link, LinkNews, LinkWatch, Phase, Snapshot, World};

use super::reader::{Closed, Exit, Reader, Source, stamp};
use super::track::{News, Track};
use super::{Existing, Followed, Progress};
use crate::event::Event;
use crate::feed::Feed;

/// A container is about to start.
pub(super) struct Order {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) service: String,
    pub(super) ready: oneshot::Sender<()>,
}

/// Follows the containers of a project.
pub(super) struct Watcher {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) world: World,
    pub(super) feed: Feed,
    pub(super) options: super::FollowOptions,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) containers: BTreeMap<String, One>,
    pub(super) readers: JoinSet<Closed>,
    /// Containers whose output cannot be had, which was told.
    pub(super) silent: HashSet<String>,
    pub(super) link: LinkWatch,
}

/// One container.
#[derive(Debug, Default)]
pub(super) struct One {
    name: String,
    service: String,
    track: Track,
    /// Tells the reader of the present run that it has ended; `None`: nobody reads.
    reader: Option<oneshot::Sender<Exit>>,
    /// When the reading of the present run ended, while the run goes on.
    closed: Option<SystemTime>,
}

impl Watcher {
    /// Until the owner is gone or the engine can be followed no further.
    pub(super) async fn run(mut self, first: Arc<Snapshot>) {
        let mut revision = first.revision;
        self.begin(&first);
        loop {
            self.report();
            tokio::select! {
                snapshot = self.world.changed(revision) => match snapshot {
                    Ok(snapshot) => {
                        revision = snapshot.revision;
                        self.look(&snapshot);
                    }
                    Err(error) => return self.broken(error.message),
                },
                order = self.orders.recv() => match order {
                    Some(order) => self.ahead(order),
                    None => return,
                },
                Some(closed) = self.readers.join_next() => if let Ok(closed) = closed { self.closed(closed) },
            }
        }
    }

    fn broken(&self, reason: String) {
        self.progress.send_modify(|progress| progress.broken = Some(reason));
    }

    /// Containers that were there before.
    fn begin(&mut self, snapshot: &Snapshot) {
        self.link.note(&snapshot.link);
        if matches!(self.options.existing, Existing::Logs(_)) {
            let all = self.wanted(snapshot);
            let names = all.iter().map(|instance| short_name(&instance.name, &self.options.project)).collect();
            self.feed.event(Event::Following(names));
        }
        for instance in self.wanted(snapshot) {
            let up = matches!(instance.phase, Phase::Running | Phase::Paused | Phase::Restarting);
            let source = match &self.options.existing {
                Existing::Untouched(names) if up && names.contains(&instance.name) => Some(Source::FromNow),
                Existing::Untouched(_) => None,
                Existing::Logs(options) => Some(Source::Log(options.clone())),
            };
            let mut one = self.one(&instance);
            one.track = Track::of_existing(&instance, source.is_some() && up);
            self.containers.insert(instance.id.clone(), one);
            if let Some(source) = source {
                self.read(&instance.id, source);
            }
        }
    }

    fn look(&mut self, snapshot: &Snapshot) {
        self.note_link(&snapshot.link);
        for instance in self.wanted(snapshot) {
            if !self.containers.contains_key(&instance.id) {
                let one = self.one(&instance);
                self.containers.insert(instance.id.clone(), one);
            }
            let Some(one) = self.containers.get_mut(&instance.id) else { continue };
            let news = one.track.look(&instance);
            if news.iter().any(|news| matches!(news, News::Run { .. })) {
                // A container that replaces another one has a temporary name before it is started.
                one.name = short_name(&instance.name, &self.options.project);
            }
            news.into_iter().for_each(|news| self.news(&instance.id, news));
        }
    }

    fn news(&mut self, id: &str, news: News) {
        match news {
            News::Run { attached } => {
                let Some(one) = self.containers.get_mut(id) else { return };
                one.closed = None;
                if !attached {
                    self.read(id, Source::ThisRun { timestamps: self.options.timestamps });
                }
            }
            News::End { code, again } => self.ended(id, Exit { code, again }),
        }
    }

    fn ended(&mut self, id: &str, exit: Exit) {
        let Some(one) = self.containers.get_mut(id) else { return };
        one.closed = None;
        // The reader tells of the end after the last line; without one it is told here.
        let told = one.reader.take().is_some_and(|reader| reader.send(exit).is_ok());
        if !told && self.options.announce {
            self.feed.event(Event::Exited { name: one.name.clone(), code: exit.code, again: exit.again });
        }
        if !exit.again {
            let ended = Followed { service: one.service.clone(), code: exit.code };
            self.progress.send_modify(|progress| progress.ends.push(ended));
        }
    }

    /// Attaches to a container that is about to be started.
    fn ahead(&mut self, order: Order) {
        let Order { id, name, service, ready } = order;
        if !self.options.services.as_ref().is_none_or(|services| services.contains(&service)) {
            return;
        }
        let one = self.containers.entry(id.clone()).or_default();
        one.name = short_name(&name, &self.options.project);
        one.service = service;
        one.track.attach();
        let tty = self.options.terminals.contains(&one.service);
        self.read(&id, Source::BeforeStart { tty, ready });
    }

    fn read(&mut self, id: &str, source: Source) {
        let Some(one) = self.containers.get_mut(id) else { return };
        let (sender, exit) = oneshot::channel();
        one.reader = Some(sender);
        let reader = Reader {
            engine: Arc::clone(&self.engine),
            feed: self.feed.clone(),
            id: id.to_owned(),
            name: one.name.clone(),
            exit,
            announce: self.options.announce,
        };
        self.readers.spawn(reader.run(source));
    }

    fn closed(&mut self, closed: Closed) {
        let Some(one) = self.containers.get_mut(&closed.id) else { return };
        // The reader of a later run may have taken its place.
        if one.reader.as_ref().is_some_and(oneshot::Sender::is_closed) {
            one.reader = None;
            one.closed = Some(closed.at);
        }
        if let Some(reason) = closed.failure
            && self.silent.insert(closed.id)
        {
            self.feed.event(Event::NoOutput { name: one.name.clone(), reason });
        }
    }

    /// Tells once that the connection was lost, and once that it is there again.
    fn note_link(&mut self, link: &Link) {
        if let Link::Broken { reason } = link {
            self.broken(reason.clone());
        }
        let Some(news) = self.link.note(link) else { return };
        let sentence = news.sentence();
        match news {
            LinkNews::Lost { .. } => self.feed.warn(sentence),
            LinkNews::Found => {
                self.feed.event(Event::Say(sentence));
                self.resume();
            }
        }
    }

    /// Output of containers that run on is read from where it broke off with the connection.
    fn resume(&mut self) {
        let torn = |one: &One| one.closed.filter(|_| one.track.is_running() && one.reader.is_none());
        let torn: Vec<_> = self.containers.iter().filter_map(|(id, one)| Some((id.clone(), torn(one)?))).collect();
        for (id, at) in torn {
            let at = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let options = LogOptions {
                follow: true,
                since: i64::try_from(at).ok().map(stamp),
                timestamps: self.options.timestamps,
                ..LogOptions::default()
            };
            self.read(&id, Source::Log(options));
        }
    }

    /// The containers that are followed.
    fn wanted(&self, snapshot: &Snapshot) -> Vec<Arc<Instance>> {
        snapshot.containers.values().filter(|instance| self.is_wanted(instance)).map(Arc::clone).collect()
    }

    fn is_wanted(&self, instance: &Instance) -> bool {
        let named = self.options.services.as_ref().is_none_or(|services| services.contains(&instance.service));
        let numbered = self.options.number.is_none_or(|number| instance.number == number);
        // One that is removed is looked at to its end.
        let known = self.containers.contains_key(&instance.id);
        named && numbered && !instance.one_off && (known || instance.is_replica())
    }

    fn one(&self, instance: &Instance) -> One {
        One {
            name: short_name(&instance.name, &self.options.project),
            service: instance.service.clone(),
            ..One::default()
        }
    }

    /// Makes the present state known to the owner.
    fn report(&mut self) {
        let all = self.containers.iter();
        let running: BTreeSet<String> =
            all.clone().filter(|(_, one)| one.track.is_running()).map(|(id, _)| id.clone()).collect();
        let followed = all.clone().any(|(_, one)| one.track.was_followed());
        let reading = !self.readers.is_empty();
        let open = all.filter(|(_, one)| one.track.is_running() && one.reader.is_some()).count();
        let draining = self.readers.len() > open;
        self.progress.send_if_modified(|progress| {
            let now = (&running, true, followed, reading, draining);
            let known = (&progress.running, progress.begun, progress.followed, progress.reading, progress.draining);
            let same = now == known;
            if !same {
                (progress.running, progress.begun, progress.followed) = (running, true, followed);
                (progress.reading, progress.draining) = (reading, draining);
            }
            !same
        });
    }
}

/// Name of a container within its project: `web-1`, or its own name where the project's is no prefix of it.
pub(crate) fn short_name(name: &str, project: &str) -> String {
    let rest = name.strip_prefix(project).and_then(|rest| rest.strip_prefix(['-', '_']));
    rest.unwrap_or(name).to_owned()
}
