//! Builds every plugin of `plugins/` to a component in `plugins/dist`, the fixtures to `plugins/dist/fixtures`.
//!
//! Cargo decides what is stale; a component is made anew when its module, or this tool, is newer than it.

mod component;
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
pub(crate) use toolchain::TARGET;
use toolchain::Toolchain;

/// Builds all.
pub(crate) fn run(root: &Path) -> Result<()> {
    let directory = fs_err::canonicalize(root.join("plugins"))?;
    let toolchain = Toolchain::find()?;
    let modules = directory.join("target").join(TARGET).join("release");
    build(&toolchain, &directory)?;
    for plugin in list(&directory)? {
        plugin.componentize(&modules, &directory.join("dist"))?;
    }
    Ok(())
}

fn build(toolchain: &Toolchain, directory: &Path) -> Result<()> {
    let mut cargo = toolchain.cargo();
    cargo.current_dir(directory).args([
        "build",
        "--release",
        "--workspace",
        "--lib",
        "--target",
        TARGET,
        "--target-dir",
        "target",
    ]);
    cargo.args(toolchain.extra_args());
    let status = cargo.status().with_context(|| format!("failed to run `{}`", cargo.get_program().display()))?;
    ensure!(status.success(), "building the plugins failed (compiler: {toolchain})");
    Ok(())
}

/// The part of `cargo metadata` that is looked at.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

/// One plugin crate.
struct Plugin {
    /// Name of its directory, and of the component.
    name: String,
    /// Name of its crate.
    package: String,
    /// Name of cargo's artifact.
    library: String,
    fixture: bool,
}

fn list(directory: &Path) -> Result<Vec<Plugin>> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(directory)
        .output()
        .context("failed to run `cargo metadata`")?;
    ensure!(output.status.success(), "`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("`cargo metadata` is not as expected")?;
    let mut plugins: Vec<Plugin> = metadata.packages.iter().filter_map(Plugin::of).collect();
    plugins.sort_by(|a, b| (a.fixture, &a.name).cmp(&(b.fixture, &b.name)));
    Ok(plugins)
}

/// Names of the crates of the plugins that are embedded in the program.
pub(crate) fn built_in(directory: &Path) -> Result<Vec<String>> {
    let plugins = list(directory)?;
    Ok(plugins.into_iter().filter(|plugin| !plugin.fixture).map(|plugin| plugin.package).collect())
}

impl Plugin {
    /// None for crates that are no plugins, such as the SDK.
    fn of(package: &Package) -> Option<Self> {
        let library = package.targets.iter().find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))?;
        let directory = package.manifest_path.parent()?;
        Some(Self {
            name: directory.file_name()?.to_str()?.to_owned(),
            package: package.name.clone(),
            library: library.name.replace('-', "_"),
            fixture: directory.parent()?.ends_with("fixtures"),
        })
    }

    fn componentize(&self, modules: &Path, dist: &Path) -> Result<()> {
        let module = modules.join(&self.library).with_extension("wasm");
        let dist = if self.fixture { dist.join("fixtures") } else { dist.to_owned() };
        let output = dist.join(&self.name).with_extension("wasm");
        let built = is_stale(&module, &output)?;
        if built {
            let component = component::encode(&fs_err::read(&module)?)
                .with_context(|| format!("plugin `{}` cannot be made a component", self.name))?;
            self.check_manifest(&component)?;
            fs_err::create_dir_all(&dist)?;
            write_whole(&output, &component)?;
        }
        let size = fs_err::metadata(&output)?.len();
        let note = if built { "built" } else { "fresh" };
        println!("{note}  {:>7.1} kB  {}", kilobytes(size), shown(&output, modules));
        Ok(())
    }

    /// What is embedded in the binary under a name must say that name. Fixtures may lie.
    fn check_manifest(&self, component: &[u8]) -> Result<()> {
        if self.fixture {
            return Ok(());
        }
        let manifest = component::manifest(component)?
            .with_context(|| format!("plugin `{}` has no manifest: call `windlass_plugin::manifest!`", self.name))?;
        if manifest["name"] != self.name.as_str() {
            bail!("the manifest of plugin `{}` says that its name is {}", self.name, manifest["name"]);
        }
        Ok(())
    }
}

/// A reader never sees half a file.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let new = path.with_extension("wasm.new");
    fs_err::write(&new, bytes)?;
    fs_err::rename(&new, path)?;
    Ok(())
}

fn is_stale(module: &Path, output: &Path) -> Result<bool> {
    let modified = |path: &Path| -> Result<SystemTime> { Ok(fs_err::metadata(path)?.modified()?) };
    let Ok(made) = modified(output) else { return Ok(true) };
    let tool = std::env::current_exe().ok().and_then(|path| modified(&path).ok());
    Ok(modified(module)? > made || tool.is_some_and(|tool| tool > made))
}

#[expect(clippy::cast_precision_loss, reason = "for display")]
fn kilobytes(bytes: u64) -> f64 {
    bytes as f64 / 1000.0
}

/// Path from the checkout.
fn shown(output: &Path, modules: &Path) -> String {
    let checkout = modules.ancestors().nth(4).unwrap_or(modules);
    output.strip_prefix(checkout).unwrap_or(output).display().to_string()
}

#[cfg(test)]
mod tests;
