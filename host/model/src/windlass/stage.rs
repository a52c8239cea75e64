//! The one table of stages: all names, interfaces and rules about stages derive from it.

/// A point in the life of a project or of a service at which plugins take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Changes the model before anything is planned.
    Resolve,
    /// Judges the model and the plan.
    Policy,
    /// Before everything that `up` does.
    PreUp,
    /// Before a container is created.
    PreCreate,
    /// Before a container is started.
    PreStart,
    /// After a container was started.
    PostStart,
    /// Asks whether a container is ready.
    Probe,
    /// Loads data into a service.
    Load,
    /// After everything that `up` does.
    PostUp,
    /// Before everything that `down` does.
    PreDown,
    /// Before a container is stopped.
    PreStop,
    /// After a container was stopped.
    PostStop,
    /// After everything that `down` does.
    PostDown,
    /// A subcommand of the program.
    Command,
}

/// Where the user attaches a plugin to a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Under `hooks` of the project.
    Project,
    /// Under `hooks` of a service.
    Service,
    /// Under a key of its own (`ready`, `load`), or not in the file at all (`command`).
    Own,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// How the project file, messages and manifests spell the stage.
    pub name: &'static str,
    /// The interface of `windlass:plugin` that a plugin exports to take part.
    pub interface: &'static str,
    /// Where the user attaches a plugin to it.
    pub scope: Scope,
    /// Whether Windlass calls it. A hook at a stage that is never called would guard nothing, so the file is refused.
    pub wired: bool,
    /// Whether the failure of a hook is only ever a warning: what the stage follows has happened already, or must happen
    /// whatever a plugin says.
    pub only_warns: bool,
}

impl Stage {
    /// Every stage, in the order of a project's life.
    pub const ALL: [Self; 14] = [
        Self::Resolve,
        Self::Policy,
        Self::PreUp,
        Self::PreCreate,
        Self::PreStart,
        Self::PostStart,
        Self::Probe,
        Self::Load,
        Self::PostUp,
        Self::PreDown,
        Self::PreStop,
        Self::PostStop,
        Self::PostDown,
        Self::Command,
    ];

    /// The row of this stage.
    #[must_use]
    pub const fn entry(self) -> Entry {
        use Scope::{Own, Project, Service};
        let (name, interface, scope, wired, only_warns) = match self {
            Self::Resolve => ("resolve", "config-transform", Project, false, false),
            Self::Policy => ("policy", "policy", Project, false, false),
            Self::PreUp => ("pre-up", "stage", Project, true, false),
            Self::PreCreate => ("pre-create", "pre-create", Service, true, false),
            Self::PreStart => ("pre-start", "pre-start", Service, true, false),
            Self::PostStart => ("post-start", "post-start", Service, true, false),
            Self::Probe => ("probe", "probe", Own, true, false),
            Self::Load => ("load", "loader", Own, true, false),
            Self::PostUp => ("post-up", "stage", Project, true, true),
            Self::PreDown => ("pre-down", "stage", Project, true, true),
            Self::PreStop => ("pre-stop", "pre-stop", Service, true, true),
            Self::PostStop => ("post-stop", "post-stop", Service, true, true),
            Self::PostDown => ("post-down", "stage", Project, true, true),
            Self::Command => ("command", "command", Own, false, false),
        };
        Entry { name, interface, scope, wired, only_warns }
    }

    /// How the project file, messages and manifests spell the stage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// The stage whose interface may serve this one: a probe may wait for something else before a start, and a loader may
    /// load right after it.
    #[must_use]
    pub const fn stand_in(self) -> Option<Self> {
        match self {
            Self::PreStart => Some(Self::Probe),
            Self::PostStart => Some(Self::Load),
            Self::Resolve
            | Self::Policy
            | Self::PreUp
            | Self::PreCreate
            | Self::Probe
            | Self::Load
            | Self::PostUp
            | Self::PreDown
            | Self::PreStop
            | Self::PostStop
            | Self::PostDown
            | Self::Command => None,
        }
    }

    /// The stages that the user attaches plugins to in this place.
    pub fn of(scope: Scope) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |stage| stage.entry().scope == scope)
    }

    /// The stages that one interface of `windlass:plugin` serves.
    pub fn served_by(interface: &str) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |stage| stage.entry().interface == interface)
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_stage_is_in_the_list_once_and_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Stage::ALL.into_iter().map(Stage::name).collect();
        assert_eq!(names.len(), Stage::ALL.len());
        // The list is in the order of the enum, so that an entry that is missing shows.
        assert!(Stage::ALL.windows(2).all(|pair| pair[0] as usize + 1 == pair[1] as usize));
        assert_eq!(Stage::ALL[13], Stage::Command);
    }

    #[test]
    fn the_schema_names_the_stages_of_hooks() {
        let schema: serde_json::Value = serde_json::from_str(crate::x_windlass::windlass_schema()).unwrap();
        let text = schema.to_string();
        for stage in Stage::of(Scope::Project).chain(Stage::of(Scope::Service)) {
            // A stage that is not called yet may stand there empty, as the reader has it, and only so.
            let shape = if stage.entry().wired { "hooks" } else { "unwired" };
            let entry = format!(r##""{stage}":{{"$ref":"#/$defs/{shape}"}}"##);
            assert!(text.contains(&entry), "{entry}");
        }
    }
}
