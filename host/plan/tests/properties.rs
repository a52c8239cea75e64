//! What holds for every project, every state of the engine, and every place where a run may be disturbed.
//!
//! A volume that is recreated makes the old containers go before the new ones come, so their services may be without any when
//! the run is disturbed; the next one brings them.
//!
//! A container whose owner of namespaces does not run has no way back either: no engine starts it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use windlass_model::Project;
use windlass_plan::observed::{Container, ContainerState};
use windlass_plan::step::Action;
use windlass_plan::{Observed, Plan, PlanError, UpOptions, check, labels, render, up};
use windlass_testkit::project;

#[path = "world/model.rs"]
mod model;
use model::{Disturbance, Model, Random, Runner};

/// Projects, each brought up from the state that another one left, and disturbed once.
const CASES: u64 = 2000;

/// A project over few names, ports, networks and volumes, so that two of them often want the same.
fn yaml(random: &mut Random) -> String {
    let mut text = "services:\n".to_owned();
    let mut ports: Vec<usize> = (0..3).collect();
    let mut names: Vec<usize> = (0..3).collect();
    let mut addresses: Vec<usize> = (0..3).collect();
    let mut earlier: Vec<usize> = Vec::new();
    for service in 0..5 {
        if random.one_in(4) && !(service == 4 && earlier.is_empty()) {
            continue;
        }
        let mut draw = |pool: &mut Vec<usize>, odds| {
            (random.one_in(odds) && !pool.is_empty()).then(|| pool.remove(random.below(pool.len())))
        };
        let (port, name, address) = (draw(&mut ports, 2), draw(&mut names, 3), draw(&mut addresses, 3));
        write!(text, "  s{service}: {{ image: 'i:{}', environment: {{ A: '{}' }}", random.below(2), random.below(2))
            .expect("it is written to a string");
        let alone = port.is_some() || name.is_some() || address.is_some();
        if let Some(name) = name {
            write!(text, ", container_name: fixed{name}").expect("it is written to a string");
        }
        let host = ["", "127.0.0.1:", "0.0.0.0:"][random.below(3)];
        if let Some(port) = port {
            write!(text, ", ports: ['{host}{}:80']", 8000 + port).expect("it is written to a string");
        }
        let shared = sharing(random, &earlier, alone);
        text.push_str(&shared.text);
        match address {
            _ if shared.network => {}
            Some(address) => write!(text, ", networks: {{ n0: {{ ipv4_address: 10.0.0.{} }} }}", 10 + address)
                .expect("it is written to a string"),
            None => write!(text, ", networks: {}", ["[n0]", "[n1]", "[n0, n1]"][random.below(3)])
                .expect("it is written to a string"),
        }
        if random.one_in(2) {
            write!(text, ", volumes: ['v{}:/data']", random.below(2)).expect("it is written to a string");
        }
        if !alone && shared.text.is_empty() {
            write!(text, ", scale: {}", random.below(3)).expect("it is written to a string");
        }
        let mut edges = Vec::new();
        for other in &earlier {
            if random.one_in(3) {
                let restart = random.one_in(2);
                edges.push(format!("s{other}: {{ condition: service_started, restart: {restart} }}"));
            }
        }
        writeln!(text, ", depends_on: {{ {} }} }}", edges.join(", ")).expect("it is written to a string");
        earlier.push(service);
    }
    let label = |random: &mut Random| format!("{{ labels: {{ l: '{}' }} }}", random.below(4) / 3);
    writeln!(text, "networks: {{ n0: {}, n1: {} }}", label(random), label(random)).expect("it is written to a string");
    writeln!(text, "volumes: {{ v0: {}, v1: {} }}", label(random), label(random)).expect("it is written to a string");
    text
}

/// What a service takes from one before it.
#[derive(Default)]
struct Sharing {
    text: String,
    /// The network is one of those, so it has none of its own.
    network: bool,
}

fn sharing(random: &mut Random, earlier: &[usize], alone: bool) -> Sharing {
    if earlier.is_empty() || !random.one_in(4) {
        return Sharing::default();
    }
    let other = earlier[random.below(earlier.len())];
    let (text, network) = match random.below(4) {
        // Ports and addresses belong to the one whose network it is.
        0 if !alone => (format!(", network_mode: 'service:s{other}'"), true),
        0 | 1 => (format!(", pid: 'service:s{other}'"), false),
        2 => (format!(", ipc: 'service:s{other}'"), false),
        _ => (format!(", volumes_from: [s{other}]"), false),
    };
    Sharing { text, network }
}

/// Containers stop, are paused, or come from `run`.
fn disturb(model: &mut Model, random: &mut Random) {
    for container in &mut model.observed.containers {
        match random.below(8) {
            0 => container.state = ContainerState::Paused,
            1 => {
                container.state = ContainerState::Exited;
                container.ports.clear();
                container.networks.values_mut().for_each(|endpoint| endpoint.ip_address.clear());
            }
            _ => {}
        }
    }
    let Some(some) = model.observed.containers.first().filter(|_| random.one_in(4)).cloned() else { return };
    let mut one_off = Container { id: "f".repeat(64), name: "demo-run".to_owned(), ports: Vec::new(), ..some };
    one_off.labels.insert(labels::ONE_OFF.to_owned(), "True".to_owned());
    one_off.labels.insert(labels::NUMBER.to_owned(), "9".to_owned());
    one_off.mounts.clear();
    one_off.state = ContainerState::Running;
    one_off.networks.values_mut().for_each(|endpoint| endpoint.ip_address = "172.29.0.9".to_owned());
    model.observed.containers.push(one_off);
}

fn options(random: &mut Random, project: &Project) -> UpOptions {
    let targets = project.services.keys().filter(|_| random.one_in(8)).cloned().collect();
    UpOptions {
        targets,
        no_deps: random.one_in(8),
        remove_orphans: !random.one_in(4),
        pull: random.one_in(3).then(|| "always".to_owned()),
        recreate_volumes: project.volumes.values().map(|volume| volume.name.clone()).collect(),
        ..UpOptions::default()
    }
}

fn planned(project: &Project, observed: &Observed, options: &UpOptions, seed: u64) -> Option<Plan> {
    match up(project, observed, options) {
        Ok(plan) => {
            assert_eq!(check(&plan), [], "seed {seed}\n{}", render(&plan));
            Some(plan)
        }
        // Right where something stays that the user left out of the command.
        Err(PlanError::Taken { .. } | PlanError::OwnerStopped { .. } | PlanError::VolumeInUse { .. })
            if !options.targets.is_empty() || !options.remove_orphans =>
        {
            None
        }
        Err(error) => panic!("seed {seed}: {error}"),
    }
}

/// The replica that a container is.
fn slot(container: &Container) -> (String, u32) {
    (container.service().to_owned(), container.number())
}

/// Whatever ran before and is wanted after.
struct Wanted {
    slots: BTreeSet<(String, u32)>,
    others: BTreeSet<String>,
}

impl Wanted {
    fn of(project: &Project, observed: &Observed, options: &UpOptions, plan: &Plan) -> Self {
        let (mut slots, mut others) = (BTreeSet::new(), BTreeSet::new());
        let goes: BTreeSet<&str> = plan
            .steps
            .iter()
            .filter(|step| step.cause.starts_with("scaled to"))
            .filter_map(|step| match &step.action {
                Action::RemoveContainer { container, .. } => container.id.as_deref(),
                _ => None,
            })
            .collect();
        let up = observed.containers.iter().filter(|container| container.is_up());
        for container in up.filter(|container| !goes.contains(container.id.as_str())) {
            if container.is_replica() && project.services.contains_key(container.service()) {
                slots.insert(slot(container));
            } else if container.is_one_off() || !options.remove_orphans {
                others.insert(container.id.clone());
            }
        }
        Self { slots, others }
    }

    /// Those of them that do not run.
    fn missing(&self, model: &Model) -> Vec<String> {
        let up: Vec<&Container> = model.observed.containers.iter().filter(|found| found.is_up()).collect();
        let slots = self.slots.iter().filter(|wanted| !up.iter().any(|found| slot(found) == **wanted));
        let others = self.others.iter().filter(|id| !up.iter().any(|found| found.id == **id));
        slots.map(|(service, number)| format!("{service} {number}")).chain(others.cloned()).collect()
    }
}

/// Services of which a container goes with a volume: there the old one cannot wait for the new one.
fn volume_users(plan: &Plan) -> BTreeSet<String> {
    let removed = plan.steps.iter().filter(|step| step.cause.starts_with("configuration of volume"));
    removed.filter_map(|step| step.service.clone()).collect()
}

/// Services of which a container has no way back: the one whose namespaces it uses does not run, or goes with a volume.
fn cut_off(observed: &Observed, volume_users: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    loop {
        let owner = |id: &String| observed.containers.iter().find(|container| container.id == *id);
        let lost = |id: &String| {
            owner(id).is_none_or(|owner| {
                !owner.is_up() || volume_users.contains(owner.service()) || found.contains(owner.id.as_str())
            })
        };
        let more: Vec<&Container> = observed
            .containers
            .iter()
            .filter(|user| !found.contains(user.id.as_str()) && user.joins.iter().any(lost))
            .collect();
        if more.is_empty() {
            let users = observed.containers.iter().filter(|user| found.contains(user.id.as_str()));
            return users.map(|user| user.service().to_owned()).collect();
        }
        found.extend(more.into_iter().map(|user| user.id.as_str()));
    }
}

/// One `up` without disturbance, after which another one has nothing to do.
fn converge(project: &Project, model: &mut Model, options: &UpOptions, random: &mut Random, seed: u64) -> Option<()> {
    let plan = planned(project, &model.observed, options, seed)?;
    let refused = Runner::run(&plan, model, (Disturbance::None, random), |_, _| {});
    assert_eq!(refused, Vec::<String>::new(), "seed {seed}\n{}\n{:#?}", render(&plan), model.summary(|_| true));
    let quiet = UpOptions { pull: None, ..options.clone() };
    let again = planned(project, &model.observed, &quiet, seed)?;
    let left: Vec<String> = again
        .steps
        .iter()
        .filter(|step| !matches!(step.action, Action::Up | Action::Await { .. } | Action::Probe { .. }))
        .map(|step| format!("{} {}: {}", step.action.verb(), step.action.object(), step.cause))
        .collect();
    assert_eq!(left, Vec::<String>::new(), "seed {seed}\n{}\n{:#?}", render(&plan), model.summary(|_| true));
    Some(())
}

/// Without the numbers of replicas: where the first of two was not made, the next run makes the third.
fn unnumbered(summary: Vec<String>) -> Vec<String> {
    let line = |line: String| match line.split_once(' ') {
        Some((name, rest)) if name.starts_with("demo-s") => {
            format!("{} {rest}", name.rsplit_once('-').map_or(name, |(service, _)| service))
        }
        _ => line,
    };
    let mut lines: Vec<String> = summary.into_iter().map(line).collect();
    lines.sort();
    lines
}

fn case(seed: u64) -> bool {
    let mut random = Random(seed.wrapping_mul(7919) + 1);
    let random = &mut random;
    let (before, after) = (project(&yaml(random)), project(&yaml(random)));
    let mut model = Model::default();
    converge(&before, &mut model, &UpOptions::default(), random, seed).expect("nothing is in the way");
    disturb(&mut model, random);
    model.moving = ["i:0", "i:1"].into_iter().filter(|_| random.one_in(2)).map(str::to_owned).collect();
    let options = options(random, &after);
    let Some(plan) = planned(&after, &model.observed, &options, seed) else { return false };
    let place = 1 + random.below(plan.steps.len() + 1);
    let kinds = [
        Disturbance::None,
        Disturbance::End(place),
        Disturbance::Fail(place),
        Disturbance::Lost(place),
        Disturbance::Kill(place),
    ];
    let disturbance = kinds[random.below(kinds.len())];
    let wanted = Wanted::of(&after, &model.observed, &options, &plan);
    let start = model.clone();
    let mut exempt = volume_users(&plan);
    let cut_off = cut_off(&model.observed, &exempt);
    let known = |refusal: &String| {
        let name = refusal.strip_prefix("on the way back: ").and_then(|rest| rest.split(':').next());
        let found = |name: &str| start.observed.containers.iter().find(|container| container.name == name);
        name.and_then(found).is_some_and(|container| cut_off.contains(container.service()))
    };
    exempt.extend(cut_off.iter().cloned());
    let mut undisturbed = start.clone();
    converge(&after, &mut undisturbed, &options, random, seed);
    let existed: BTreeMap<String, (String, u32)> =
        start.observed.containers.iter().map(|container| (container.id.clone(), slot(container))).collect();
    let told = || format!("seed {seed}, {disturbance:?}\n{}\n{:#?}", render(&plan), start.summary(|_| true));
    let refused = Runner::run(&plan, &mut model, (disturbance, random), |model, action| {
        let Action::RemoveContainer { container, .. } = action else { return };
        let Some(slot_of) = container.id.as_ref().and_then(|id| existed.get(id)) else { return };
        if wanted.slots.contains(slot_of) && !exempt.contains(&slot_of.0) {
            let runs = model.observed.containers.iter().any(|found| found.is_up() && slot(found) == *slot_of);
            assert!(runs, "{} is gone and nothing runs in its place: {}", container.name, told());
        }
    });
    let refused: Vec<String> = refused.into_iter().filter(|refusal| !known(refusal)).collect();
    assert_eq!(refused, Vec::<String>::new(), "{}\n{:#?}", told(), model.summary(|_| true));
    if !matches!(disturbance, Disturbance::Kill(_)) {
        let missing: Vec<String> = wanted
            .missing(&model)
            .into_iter()
            .filter(|name| !exempt.iter().any(|user| name.starts_with(user)))
            .collect();
        assert_eq!(missing, Vec::<String>::new(), "{}\n{:#?}", told(), model.summary(|_| true));
        let aside = model.observed.containers.iter().filter(|found| found.name.contains('_'));
        let kept: Vec<&str> = aside.map(|found| found.name.as_str()).collect();
        let removal_failed = matches!(disturbance, Disturbance::Fail(_));
        assert!(kept.is_empty() || removal_failed, "{kept:?}: {}\n{:#?}", told(), model.summary(|_| true));
    }
    let killed = matches!(disturbance, Disturbance::Kill(_));
    let again = converge(&after, &mut model, &options, random, seed);
    // Nobody remembers what a killed run stopped of that this command is not about, nor who only came along with a volume.
    if again.is_some() && ((!killed && exempt.is_empty()) || options.targets.is_empty()) {
        let known = |found: &Container| !killed || (found.is_replica() && after.services.contains_key(found.service()));
        assert_eq!(unnumbered(model.summary(known)), unnumbered(undisturbed.summary(known)), "{}", told());
    }
    true
}

#[test]
fn any_project_any_state_any_disturbance() {
    #[expect(clippy::disallowed_methods, reason = "more cases, or one alone, for whoever looks for a defect")]
    let number = |variable| std::env::var(variable).ok().and_then(|text| text.parse().ok());
    let (only, cases) = (number("WINDLASS_SEED"), number("WINDLASS_CASES").unwrap_or(CASES));
    if let Some(only) = only {
        assert!(case(only), "seed {only} has no plan");
        return;
    }
    let tried: usize = std::thread::scope(|scope| {
        let share = |first: u64| scope.spawn(move || (first..cases).step_by(2).filter(|seed| case(*seed)).count());
        [0, 1].map(share).into_iter().map(|half| half.join().expect("every case holds")).sum()
    });
    assert!(tried > cases as usize / 2, "too few cases were tried: {tried}");
}
