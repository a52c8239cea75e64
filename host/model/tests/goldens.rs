//! The corpus as this crate reads it: `config` of every file, hashes, and what is told about refused input.
//!
//! `cargo xtask compat config` proves that the same text comes from `docker compose`; these goldens hold it where there is no
//! peer. When one is out of date the test says where it wrote the new text.

use std::io;
use std::path::{Path, PathBuf};

use windlass_model::{Diagnostic, FileKind, FileSource, LoadOptions, hash, render};

/// The directory `tests`, seen as `/t`, so that absolute paths are the same on every machine.
struct Mounted;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn outside(path: &Path) -> PathBuf {
    path.strip_prefix("/t").map_or_else(|_| PathBuf::from("/nowhere"), |inner| tests().join(inner))
}

impl FileSource for Mounted {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs_err::read(outside(path)).map_err(|error| error.kind().into())
    }

    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        let regular = outside(path).is_file().then_some(FileKind::Regular);
        Ok(regular.or(outside(path).is_dir().then_some(FileKind::Directory)))
    }

    fn canonicalize(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

/// Options of `windlass ARGS config` in a directory.
fn options(folder: &Path, args: &str) -> LoadOptions {
    let mut options = LoadOptions { cwd: folder.into(), home: Some("/home/me".into()), ..LoadOptions::default() };
    let mut words = args.split_whitespace();
    while let Some(word) = words.next() {
        let mut value = || words.next().expect("an option has a value").to_owned();
        match word {
            "-f" => options.files.push(value().into()),
            "-p" => options.project_name = Some(value()),
            "--profile" => options.profiles.push(value()),
            "--env-file" => options.env_files.push(value().into()),
            "--project-directory" => options.project_directory = Some(value().into()),
            "config" => {}
            "--no-path-resolution" => options.no_path_resolution = true,
            "--no-interpolate" => {
                options.no_interpolate = true;
                options.no_env_resolution = true;
                options.no_consistency = true;
            }
            service => options.services.push(service.to_owned()),
        }
    }
    options
}

/// `config` and the hashes, or the problems.
fn told(folder: &Path, args: &str) -> String {
    let mut text = String::new();
    let options = options(folder, args);
    match windlass_model::load(&Mounted, &options) {
        Ok(loaded) if options.no_interpolate => text += &render::tree_yaml(&loaded.tree),
        Err(problems) => text.extend(problems.0.iter().map(problem)),
        Ok(loaded) => {
            text.extend(loaded.warnings.iter().map(problem));
            text += &render::project_yaml(&loaded.project);
            for service in loaded.project.services.values() {
                let hashes: Vec<String> =
                    hash::hashes_accepted(service).iter().map(|hash| hash[..12].to_owned()).collect();
                text += &["# hash ", &service.name, " ", &hashes.join(" "), "\n"].concat();
            }
        }
    }
    text
}

fn problem(problem: &Diagnostic) -> String {
    let place = problem.span.as_ref().map(|span| {
        let file = span.file.as_ref().map(|file| file.path.display().to_string()).unwrap_or_default();
        format!(" {file}:{}:{}", span.line, span.column)
    });
    let hint = problem.hint.as_ref().map(|hint| format!(" [{hint}]")).unwrap_or_default();
    format!("# {:?}{}: {}{hint}\n", problem.severity, place.unwrap_or_default(), problem.message)
}

fn sorted(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).expect("the corpus is committed");
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

/// Compares with `goldens/NAME.txt`; an outdated one is written beside the build.
fn check(name: &str, actual: &str, wrong: &mut Vec<String>) {
    let golden = tests().join("goldens").join(name).with_extension("txt");
    if fs_err::read_to_string(&golden).is_ok_and(|expected| expected == actual) {
        return;
    }
    let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join("goldens").join(name).with_extension("txt");
    fs_err::create_dir_all(written.parent().expect("a directory")).expect("the target folder is writable");
    fs_err::write(&written, actual).expect("the target folder is writable");
    wrong.push(format!("{} differs from {}", golden.display(), written.display()));
}

#[test]
fn every_form_of_every_attribute() {
    let mut wrong = Vec::new();
    for attribute in sorted(&tests().join("corpus/small")) {
        let folder = Path::new("/t/corpus/small").join(&attribute);
        let files = sorted(&outside(&folder)).into_iter().filter(|name| name.ends_with(".yaml"));
        let text: String =
            files.map(|file| ["## ", &file, "\n", &told(&folder, &["-f ", &file].concat()), "\n"].concat()).collect();
        check(&["small/", &attribute].concat(), &text, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_project() {
    let mut wrong = Vec::new();
    for project in sorted(&tests().join("corpus/projects")) {
        let folder = Path::new("/t/corpus/projects").join(&project);
        let args = fs_err::read_to_string(outside(&folder).join("args")).unwrap_or_else(|_| "config\n".to_owned());
        let text: String = args.lines().map(|args| ["## ", args, "\n", &told(&folder, args), "\n"].concat()).collect();
        check(&["projects/", &project].concat(), &text, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
