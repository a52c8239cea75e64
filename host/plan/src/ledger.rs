//! What identifies a load, without asking anybody: whose it is ([`Slot`]), and where its data lives ([`Site`], [`Place`]).
//!
//! The markers themselves are read and written by the runtime. They are volumes of the project, so the planner sees them
//! too: `down` removes those whose data goes, and a loader under `post-start` that has markers is planned again.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha256};
use windlass_model::hash::hex;
use windlass_model::windlass::Hook;

use crate::labels;
use crate::observed::Volume;

/// Digits of the hashes in the names of markers: 80 bits, so that two never meet by chance.
const DIGITS: usize = 20;
/// Directories of scratch data: a memory file system there is no place for a dataset.
const SCRATCH: &[&str] = &["/tmp", "/run", "/dev", "/var/run", "/var/tmp", "/var/cache", "/var/log"];

/// One thing to load: a dataset of a service, or a loader under its `post-start`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Project name.
    pub project: String,
    /// Service name.
    pub service: String,
    /// Name of the dataset; for a loader under `post-start`: `post-start-PLUGIN`.
    pub dataset: String,
    /// For a loader under `post-start`: its place among the hooks of the same plugin there, from 0. `None`: a dataset.
    /// Hooks of other plugins may come and go without changing it.
    pub hook: Option<usize>,
}

impl Slot {
    /// The slot of a dataset under `load`.
    #[must_use]
    pub fn of_dataset(project: &str, service: &str, dataset: &str) -> Self {
        Self { project: project.to_owned(), service: service.to_owned(), dataset: dataset.to_owned(), hook: None }
    }

    /// The slot of a loader under `post-start`, given all hooks of that stage and the loader's place among them.
    #[must_use]
    pub fn of_hook(project: &str, service: &str, hooks: &[Hook], index: usize) -> Self {
        let plugin = &hooks[index].plugin;
        let before = hooks[..index].iter().filter(|hook| hook.plugin == *plugin).count();
        let dataset = format!("post-start-{plugin}");
        Self { project: project.to_owned(), service: service.to_owned(), dataset, hook: Some(before) }
    }

    /// The slot as a hash: every part with its length before it, so that no two slots run together.
    #[must_use]
    pub fn key(&self) -> String {
        let hook = self.hook.map(|hook| hook.to_string());
        short_hash([&*self.service, &*self.dataset, hook.as_deref().unwrap_or("load")])
    }

    /// `service/dataset`, as markers say it for people (and as the only key that markers of Windlass 0.1 have).
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}/{}", self.service, self.dataset)
    }

    /// The engine has a marker of this slot: so it is a loader that was begun at some time.
    #[must_use]
    pub fn has_markers(&self, volumes: &[Volume]) -> bool {
        volumes.iter().any(|volume| {
            volume.labels.get(labels::PROJECT) == Some(&self.project)
                && volume.labels.get(labels::LEDGER_SLOT).is_some_and(|slot| *slot == self.key())
        })
    }
}

/// What a mount is, as far as data in it is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backing {
    /// A volume of the engine, named or anonymous.
    Volume {
        /// Name.
        name: String,
        /// Creation time as the engine prints it; empty where the driver has none.
        created_at: String,
        /// The id that Windlass gave it when it made the volume.
        id: Option<String>,
    },
    /// A path of the engine's machine.
    Bind(String),
    /// Memory: what is in it is gone when the container stops.
    Memory,
}

/// A writable mount of a running container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// Path in the container.
    pub path: String,
    /// What is there.
    pub backing: Backing,
}

/// A running container as a place for data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// Container id.
    pub container: String,
    /// Start of its current run, as the engine prints it.
    pub started_at: String,
    /// Its writable mounts.
    pub mounts: Vec<Mounted>,
    /// Paths that its image declares as volumes: where the software keeps its data.
    pub declared: Vec<String>,
}

/// Where the data of a load lives. Equal places hold the same data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the container's own files or memory, during one run: `ID@STARTED`.
    Container(String),
    /// In mounts: identities by path in the container.
    Mounts(BTreeMap<String, String>),
    /// As markers of Windlass 0.1 say it: volumes with their creation times.
    OldVolumes(BTreeMap<String, String>),
    /// As markers of Windlass 0.1 say it: a container's id.
    OldContainer(String),
}

impl Site {
    /// The mounts that hold the data, or the container itself where none does.
    ///
    /// Nobody says where software keeps its data, so this is a rule: the paths that the image declares as volumes, where
    /// one of them is mounted; else all volumes; else bind mounts of directories. Memory counts like a volume, unless it is
    /// mounted where only scratch data lives.
    #[must_use]
    pub fn place(&self) -> Place {
        let declared = |mount: &&Mounted| self.declared.iter().any(|path| nested(path, &mount.path));
        let volume = |mount: &&Mounted| match mount.backing {
            Backing::Volume { .. } => true,
            Backing::Memory => !SCRATCH.iter().any(|scratch| below(&mount.path, scratch)),
            Backing::Bind(_) => false,
        };
        let directory = |mount: &&Mounted| matches!(mount.backing, Backing::Bind(_)) && !looks_like_file(&mount.path);
        let rules: [&dyn Fn(&&Mounted) -> bool; 3] = [&declared, &volume, &directory];
        let chosen = rules.iter().map(|rule| self.mounts.iter().filter(|mount| rule(mount)).collect::<Vec<_>>());
        match chosen.into_iter().find(|chosen| !chosen.is_empty()) {
            Some(mounts) => Place::Mounts(mounts.iter().map(|m| (m.path.clone(), self.identity(m))).collect()),
            None => Place::Container(self.run()),
        }
    }

    /// Data that was loaded into `recorded` is still here: every mount that held it is mounted at the same path.
    #[must_use]
    pub fn holds(&self, recorded: &Place) -> bool {
        match recorded {
            Place::Container(run) => *run == self.run(),
            Place::Mounts(mounts) => {
                let here = |(path, identity): (&String, &String)| {
                    self.mounts.iter().any(|mount| mount.path == *path && self.identity(mount) == *identity)
                };
                !mounts.is_empty() && mounts.iter().all(here)
            }
            Place::OldContainer(id) => *id == self.container,
            Place::OldVolumes(volumes) => {
                let here = |(wanted, time): (&String, &String)| {
                    self.mounts.iter().any(|mount| match &mount.backing {
                        Backing::Volume { name, created_at, .. } => name == wanted && created_at == time,
                        Backing::Bind(_) | Backing::Memory => false,
                    })
                };
                !volumes.is_empty() && volumes.iter().all(here)
            }
        }
    }

    /// What was in `recorded` is gone for certain: it was in an earlier run of this container, or another volume has the
    /// name now.
    #[must_use]
    pub fn replaced(&self, recorded: &Place) -> bool {
        let anew = |name: &str, same: &dyn Fn(&Mounted) -> bool| {
            let named = |mount: &&Mounted| matches!(&mount.backing, Backing::Volume { name: own, .. } if own == name);
            let mut mounts = self.mounts.iter().filter(named).peekable();
            mounts.peek().is_some() && !mounts.any(same)
        };
        let earlier = |run: &str| {
            let rest = run.strip_prefix(&self.container);
            rest.is_some_and(|rest| rest.starts_with('@')) && run != self.run()
        };
        match recorded {
            Place::Container(run) => earlier(run),
            Place::OldContainer(_) => false,
            Place::Mounts(mounts) => mounts.values().any(|identity| {
                if let Some(run) = identity.strip_prefix("memory:") {
                    return earlier(run);
                }
                let name = identity.strip_prefix("volume:").and_then(|rest| rest.split(['#', '@']).next());
                name.is_some_and(|name| anew(name, &|mount| self.identity(mount) == *identity))
            }),
            Place::OldVolumes(volumes) => volumes.iter().any(|(name, time)| {
                anew(name, &|mount| matches!(&mount.backing, Backing::Volume { created_at, .. } if created_at == time))
            }),
        }
    }

    fn run(&self) -> String {
        format!("{}@{}", self.container, self.started_at)
    }

    fn identity(&self, mount: &Mounted) -> String {
        match &mount.backing {
            Backing::Volume { name, id: Some(id), .. } => format!("volume:{name}#{id}"),
            Backing::Volume { name, created_at, id: None } => format!("volume:{name}@{created_at}"),
            Backing::Bind(source) => format!("bind:{source}"),
            Backing::Memory => format!("memory:{}", self.run()),
        }
    }
}

impl Place {
    /// Reads the label of a marker; `None`: it says nothing that this version understands.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(json) = text.strip_prefix("mounts:") {
            return serde_json::from_str(json).ok().map(Self::Mounts);
        }
        if let Some(run) = text.strip_prefix("container:") {
            let run = run.to_owned();
            return Some(if run.contains('@') { Self::Container(run) } else { Self::OldContainer(run) });
        }
        let volume = |part: &str| {
            let (name, time) = part.strip_prefix("volume:")?.split_once('@')?;
            Some((name.to_owned(), time.to_owned()))
        };
        text.split(',').map(volume).collect::<Option<_>>().map(Self::OldVolumes)
    }

    /// The place as a hash, for the names of markers.
    #[must_use]
    pub fn key(&self) -> String {
        short_hash([&*self.to_string()])
    }

    /// The data is gone with the container, if not before.
    #[must_use]
    pub fn ends_with_container(&self) -> bool {
        match self {
            Self::Container(_) | Self::OldContainer(_) => true,
            Self::Mounts(mounts) => mounts.values().any(|identity| identity.starts_with("memory:")),
            Self::OldVolumes(_) => false,
        }
    }

    /// Names of the volumes that hold the data.
    #[must_use]
    pub fn volumes(&self) -> Vec<&str> {
        match self {
            Self::Container(_) | Self::OldContainer(_) => Vec::new(),
            Self::OldVolumes(volumes) => volumes.keys().map(String::as_str).collect(),
            Self::Mounts(mounts) => {
                let names = mounts.values().filter_map(|identity| identity.strip_prefix("volume:"));
                names.map(|rest| rest.split(['#', '@']).next().unwrap_or_default()).collect()
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(place) | Self::OldContainer(place) => write!(formatter, "container:{place}"),
            Self::Mounts(mounts) => {
                write!(formatter, "mounts:{}", serde_json::to_string(mounts).map_err(|_| fmt::Error)?)
            }
            Self::OldVolumes(volumes) => {
                let parts: Vec<String> = volumes.iter().map(|(name, time)| format!("volume:{name}@{time}")).collect();
                formatter.write_str(&parts.join(","))
            }
        }
    }
}

/// The engine makes such names for volumes that nobody named.
#[must_use]
pub fn is_anonymous(volume: &str) -> bool {
    volume.len() == 64 && volume.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn short_hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut text = hex(&hash.finalize());
    text.truncate(DIGITS);
    text
}

/// One path is the other, or above it.
fn nested(one: &str, other: &str) -> bool {
    below(one, other) || below(other, one)
}

/// The path is `directory`, or inside it.
fn below(path: &str, directory: &str) -> bool {
    let rest = path.trim_end_matches('/').strip_prefix(directory.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Configuration and sockets are mounted as single files; nobody can ask a remote engine, so the name decides.
fn looks_like_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.trim_start_matches('.').contains('.')
}

#[cfg(test)]
mod tests;
