//! Slots never meet; places are the mounts that hold the data.

use super::*;

fn volume(path: &str, name: &str, created_at: &str, id: Option<&str>) -> Mounted {
    let backing =
        Backing::Volume { name: name.to_owned(), created_at: created_at.to_owned(), id: id.map(str::to_owned) };
    Mounted { path: path.to_owned(), backing }
}

fn bind(path: &str, source: &str) -> Mounted {
    Mounted { path: path.to_owned(), backing: Backing::Bind(source.to_owned()) }
}

fn memory(path: &str) -> Mounted {
    Mounted { path: path.to_owned(), backing: Backing::Memory }
}

fn site(mounts: &[Mounted]) -> Site {
    Site { container: "c1".to_owned(), started_at: "t1".to_owned(), mounts: mounts.to_vec(), declared: Vec::new() }
}

fn restarted(mounts: &[Mounted]) -> Site {
    Site { started_at: "t2".to_owned(), ..site(mounts) }
}

fn recreated(mounts: &[Mounted]) -> Site {
    Site { container: "c2".to_owned(), ..restarted(mounts) }
}

#[test]
fn no_two_slots_share_a_key() {
    let hooks = ["es-bulk", "notify", "es-bulk"].map(|plugin| Hook { plugin: plugin.to_owned(), ..hook() });
    let dataset = |service: &str, dataset: &str| Slot::of_dataset("p", service, dataset);
    let slots = [
        dataset("es", "a b"),
        dataset("es", "a-b"),
        dataset("x", "y_z"),
        dataset("x_y", "z"),
        dataset("es", "post-start-es-bulk"),
        Slot::of_hook("p", "es", &hooks, 0),
        Slot::of_hook("p", "es", &hooks, 2),
    ];
    let keys: std::collections::BTreeSet<String> = slots.iter().map(Slot::key).collect();
    assert_eq!(keys.len(), slots.len());
    // A hook of another plugin that goes away does not change who the second loader is.
    let without = [hooks[0].clone(), hooks[2].clone()];
    assert_eq!(Slot::of_hook("p", "es", &without, 1).key(), Slot::of_hook("p", "es", &hooks, 2).key());
}

fn hook() -> Hook {
    Hook {
        plugin: String::new(),
        with: serde_json::Value::Null,
        target: None,
        from: Vec::new(),
        when: windlass_model::windlass::LoadWhen::Changed,
        timeout: None,
        timing: windlass_model::windlass::ProbeTiming::default(),
        retries: 0,
        on_failure: windlass_model::windlass::OnFailure::Fail,
        span: None,
    }
}

#[test]
fn places_read_back() {
    let sites = [site(&[]), site(&[volume("/d", "demo_data", "now", None), bind("/b", "/srv/b")])];
    for place in sites.iter().map(Site::place) {
        assert_eq!(Place::parse(&place.to_string()).as_ref(), Some(&place));
    }
    assert_eq!(Place::parse("container:abc"), Some(Place::OldContainer("abc".to_owned())));
    assert!(matches!(Place::parse("volume:a@1,volume:b@2"), Some(Place::OldVolumes(two)) if two.len() == 2));
    assert_eq!(Place::parse("something else"), None);
}

#[test]
fn a_volume_outlives_containers_and_a_changed_time_when_it_has_our_id() {
    let place = site(&[volume("/d", "demo_data", "t", Some("u"))]).place();
    assert!(recreated(&[volume("/d", "demo_data", "later", Some("u"))]).holds(&place));
    assert!(!site(&[volume("/d", "demo_data", "t", Some("other"))]).holds(&place));
    assert!(!site(&[volume("/d", "demo_data", "t", None)]).holds(&place));
    assert_eq!(place.volumes(), ["demo_data"]);
}

#[test]
fn a_volume_of_others_is_its_name_and_time() {
    let place = site(&[volume("/d", "ext", "t", None)]).place();
    assert!(recreated(&[volume("/d", "ext", "t", None)]).holds(&place));
    assert!(!site(&[volume("/d", "ext", "t2", None)]).holds(&place));
}

#[test]
fn a_volume_beside_the_data_may_come_but_not_one_with_data_go() {
    let data = volume("/d", "data", "t", Some("u"));
    let other = volume("/backup", "backup", "t", Some("v"));
    let alone = site(std::slice::from_ref(&data)).place();
    assert!(recreated(&[data.clone(), other.clone()]).holds(&alone));
    let both = site(&[data.clone(), other]).place();
    assert!(!recreated(&[data]).holds(&both));
}

#[test]
fn data_is_known_to_be_gone_with_its_volume_or_its_containers_run() {
    let volume_then = site(&[volume("/d", "demo_data", "t", Some("u"))]).place();
    assert!(site(&[volume("/d", "demo_data", "t", Some("v"))]).replaced(&volume_then));
    assert!(!site(&[volume("/d", "demo_data", "t", Some("u"))]).replaced(&volume_then));
    assert!(!site(&[]).replaced(&volume_then));
    let run_then = site(&[]).place();
    assert!(restarted(&[]).replaced(&run_then));
    let memory_then = site(&[memory("/data")]).place();
    assert!(restarted(&[memory("/data")]).replaced(&memory_then) && memory_then.ends_with_container());
    assert!(!site(&[]).replaced(&run_then) && !recreated(&[]).replaced(&run_then));
    assert!(site(&[volume("/d", "a", "2", None)]).replaced(&Place::parse("volume:a@1").unwrap()));
}

#[test]
fn a_bind_mount_is_its_path_and_survives_a_new_image() {
    let place = site(&[bind("/data", "/srv/es")]).place();
    assert!(recreated(&[bind("/data", "/srv/es")]).holds(&place));
    assert!(!site(&[bind("/data", "/srv/other")]).holds(&place));
    // A configuration file is no place for data.
    assert!(site(&[bind("/etc/es.yml", "/srv/es.yml")]).place().ends_with_container());
}

#[test]
fn memory_and_the_containers_own_files_end_with_its_run() {
    for mounts in [vec![], vec![memory("/data")], vec![volume("/c", "c", "t", Some("u")), memory("/data")]] {
        let place = site(&mounts).place();
        assert!(site(&mounts).holds(&place), "{mounts:?}");
        assert!(!restarted(&mounts).holds(&place), "{mounts:?}");
    }
    let scratch = [volume("/d", "d", "t", Some("u")), memory("/tmp"), memory("/run/lock")];
    assert!(restarted(&scratch).holds(&site(&scratch).place()));
}

#[test]
fn what_the_image_declares_is_where_the_data_lives() {
    let declared = vec!["/var/lib/mysql".to_owned()];
    let mounts = [volume("/var/lib/mysql", "data", "t", Some("u")), volume("/backup", "b", "t", Some("v"))];
    let place = Site { declared, ..site(&mounts) }.place();
    assert_eq!(place.volumes(), ["data"]);
    assert!(recreated(&mounts[..1]).holds(&place));
    let memory = [memory("/var/lib/mysql"), volume("/backup", "b", "t", None)];
    let place = Site { declared: vec!["/var/lib/mysql".to_owned()], ..site(&memory) }.place();
    assert!(!restarted(&memory).holds(&place));
}

#[test]
fn markers_of_the_first_version_still_count() {
    let here = site(&[volume("/d", "demo_data", "t", None)]);
    assert!(here.holds(&Place::parse("volume:demo_data@t").unwrap()));
    assert!(!here.holds(&Place::parse("volume:demo_data@t2").unwrap()));
    assert!(here.holds(&Place::parse("container:c1").unwrap()));
    assert!(!here.holds(&Place::parse("container:c9").unwrap()));
}

#[test]
fn a_slot_has_markers_only_of_its_own_project_and_key() {
    let slot = Slot::of_dataset("p", "es", "trucks");
    let marker = |project: &str, key: &str| Volume {
        labels: [(labels::PROJECT.to_owned(), project.to_owned()), (labels::LEDGER_SLOT.to_owned(), key.to_owned())]
            .into(),
        ..Volume::default()
    };
    assert!(slot.has_markers(&[marker("p", &slot.key())]));
    assert!(!slot.has_markers(&[marker("q", &slot.key()), marker("p", "another")]));
}

#[test]
fn places_have_keys_of_their_own() {
    let places = ["container:c1@t1", "container:c1@t2", "volume:v@t"].map(|text| Place::parse(text).unwrap().key());
    assert!(places.iter().all(|key| key.len() == DIGITS && key.bytes().all(|byte| byte.is_ascii_hexdigit())));
    assert!(places[0] != places[1] && places[1] != places[2]);
}

#[test]
fn the_engine_names_volumes_that_nobody_named() {
    assert!(is_anonymous(&"0a".repeat(32)));
    assert!(!is_anonymous(&"0a".repeat(31)) && !is_anonymous(&"0g".repeat(32)) && !is_anonymous("data"));
}
