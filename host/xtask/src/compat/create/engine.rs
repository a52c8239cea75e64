//! The engine, asked directly: a comparison makes thousands of small requests, and starting `docker` for each takes longer
//! than all the rest.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde_json::{Value as Json, json};

/// What Compose's objects carry.
const PROJECT: &str = "com.docker.compose.project";

/// An engine behind a Unix socket.
pub(super) struct Engine {
    socket: PathBuf,
}

impl Engine {
    /// The engine that `docker` talks to by default.
    pub(super) fn local() -> anyhow::Result<Self> {
        let host = std::env::var_os("DOCKER_HOST").unwrap_or_else(|| "unix:///var/run/docker.sock".into());
        let host = host.to_string_lossy();
        let Some(socket) = host.strip_prefix("unix://") else { bail!("the engine must be local, not {host}") };
        let engine = Self { socket: socket.into() };
        engine.send("GET", "/_ping")?;
        Ok(engine)
    }

    /// Status and body. HTTP 1.0, so that the engine ends its answer by closing the connection.
    fn send(&self, method: &str, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut stream = UnixStream::connect(&self.socket).with_context(|| format!("{}", self.socket.display()))?;
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Length: 0\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let head = answer.windows(4).position(|end| end == b"\r\n\r\n").context("the engine's answer has no head")?;
        let body = answer.split_off(head + 4);
        let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok((status.context("the engine's answer has no status")?, body))
    }

    /// The answer, or `None` where there is no such thing.
    fn get(&self, path: &str) -> anyhow::Result<Option<Json>> {
        match self.send("GET", path)? {
            (200, body) => Ok(Some(serde_json::from_slice(&body)?)),
            (404, _) => Ok(None),
            (code, body) => bail!("GET {path}: {code} {}", String::from_utf8_lossy(&body)),
        }
    }

    fn list(&self, kind: &str, project: &str) -> anyhow::Result<Vec<Json>> {
        let filters = encode(&json!({ "label": [format!("{PROJECT}={project}")] }).to_string());
        let answer = self.get(&format!("/{kind}?all=1&filters={filters}"))?.unwrap_or_default();
        let rows = if kind == "volumes" { &answer["Volumes"] } else { &answer };
        Ok(rows.as_array().cloned().unwrap_or_default())
    }

    /// All containers of a project, inspected.
    pub(super) fn containers(&self, project: &str) -> anyhow::Result<Vec<Json>> {
        self.inspected("containers/json", project, |id| format!("/containers/{id}/json"))
    }

    /// All networks of a project, inspected.
    pub(super) fn networks(&self, project: &str) -> anyhow::Result<Vec<Json>> {
        self.inspected("networks", project, |id| format!("/networks/{id}"))
    }

    /// All volumes of a project.
    pub(super) fn volumes(&self, project: &str) -> anyhow::Result<Vec<Json>> {
        self.list("volumes", project)
    }

    fn inspected(&self, list: &str, project: &str, path: impl Fn(&str) -> String) -> anyhow::Result<Vec<Json>> {
        let rows = self.list(list, project)?;
        let inspect = |row: &Json| self.get(&path(row["Id"].as_str().unwrap_or_default())).transpose();
        rows.iter().filter_map(inspect).collect()
    }

    /// Removes everything that carries the project's label.
    pub(super) fn clear(&self, project: &str) -> anyhow::Result<()> {
        for (kind, key, of) in [
            ("containers/json", "Id", "/containers/{}?force=1&v=1"),
            ("networks", "Id", "/networks/{}"),
            ("volumes", "Name", "/volumes/{}?force=1"),
        ] {
            for row in self.list(kind, project)? {
                let path = of.replace("{}", &encode(row[key].as_str().unwrap_or_default()));
                let (code, body) = self.send("DELETE", &path)?;
                if code >= 400 && code != 404 {
                    bail!("DELETE {path}: {code} {}", String::from_utf8_lossy(&body));
                }
            }
        }
        Ok(())
    }

    /// Nor is there an image of a name that is none.
    pub(super) fn has_image(&self, name: &str) -> anyhow::Result<bool> {
        Ok(self.send("GET", &format!("/images/{}/json", encode(name)))?.0 == 200)
    }

    /// Whether the name could be given: names with a digest cannot, nor those that are none.
    pub(super) fn tag(&self, image: &str, name: &str) -> anyhow::Result<bool> {
        let (repository, tag) = repository_and_tag(name);
        if tag.is_empty() {
            return Ok(false);
        }
        let path = format!("/images/{}/tag?repo={}&tag={}", encode(image), encode(repository), encode(tag));
        Ok(self.send("POST", &path)?.0 == 201)
    }

    /// Takes a name from an image.
    pub(super) fn untag(&self, name: &str) -> anyhow::Result<()> {
        // With its tag: a short name alone may also be the start of an image's id.
        let (repository, tag) = repository_and_tag(name);
        let path = format!("/images/{}:{}?noprune=1", encode(repository), encode(tag));
        match self.send("DELETE", &path)? {
            (200 | 404, _) => Ok(()),
            (code, body) => bail!("DELETE {path}: {code} {}", String::from_utf8_lossy(&body)),
        }
    }
}

fn repository_and_tag(name: &str) -> (&str, &str) {
    let slash = name.rfind('/').map_or(0, |slash| slash + 1);
    let colon = name[slash..].find(':').map(|colon| slash + colon);
    colon.map_or((name, "latest"), |colon| (&name[..colon], &name[colon + 1..]))
}

/// For a query or a part of a path; slashes stay, as image names have them.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}
