//! [`DockerEngine`]: every call of the trait is one request, its error named by operation and object.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use tokio::io::AsyncWrite;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use windlass_model::project::{Network, Volume};
use windlass_plan::observed::{self, Container, EngineInfo, Image, Observed};
use windlass_plan::step::{ContainerSpec, InjectedFile};
use windlass_runtime::engine::{
    BuildRequest, Connection, ContainerDetails, ContainerEvent, ContainerFilter, Created, EngineErrorKind,
    EngineResult, ExecSession, ExecSpec, LogOptions, OutputChunk, ProgressSink, Scope, TransferProgress,
};
use windlass_runtime::{Engine, EngineError};

use crate::api::{self, Api};
use crate::config_file::ConfigFile;
use crate::connect::{ConnectOptions, with_address};
use crate::convert::inspect::Inspection;
use crate::convert::resources::{network_request, volume_request};
use crate::create::{self, Facts, Inherited};
use crate::error::{engine_error, plain};
use crate::transport::Endpoint;
use crate::{auth, build, connect, streams};

/// Engine calls at once: beyond this an engine only queues.
const PARALLEL: usize = 16;

/// A Docker engine. Connects with the first call.
pub struct DockerEngine {
    endpoint: Endpoint,
    host: String,
    config: ConfigFile,
    options: ConnectOptions,
    api: OnceCell<Api>,
    slots: Semaphore,
}

impl DockerEngine {
    pub(crate) fn new(endpoint: Endpoint, host: String, config: ConfigFile, options: ConnectOptions) -> Self {
        let slots = Semaphore::new(options.parallel.unwrap_or(PARALLEL).max(1));
        Self { endpoint, host, config, options, api: OnceCell::new(), slots }
    }

    /// The API, after the first round trip.
    pub(crate) async fn api(&self) -> EngineResult<&Api> {
        let negotiate = || async {
            let client = connect::http(&self.endpoint);
            Api::negotiate(client)
                .await
                .map_err(|error| with_address(engine_error("reach the engine", &error), &self.host))
        };
        self.api.get_or_try_init(negotiate).await
    }

    async fn slot(&self) -> SemaphorePermit<'_> {
        self.slots.acquire().await.expect("the semaphore is never closed")
    }

    /// The `docker` command line's settings.
    pub(crate) fn settings(&self) -> (&ConfigFile, &ConnectOptions, &str) {
        (&self.config, &self.options, &self.host)
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        operation: &str,
        path: &str,
        query: &[(&str, &str)],
    ) -> EngineResult<T> {
        let api = self.api().await?;
        let _slot = self.slot().await;
        api.get(path, query).await.map_err(|error| engine_error(operation, &error))
    }

    async fn post(&self, operation: &str, path: &str, query: &[(&str, &str)], body: &Json) -> EngineResult<Json> {
        let api = self.api().await?;
        let _slot = self.slot().await;
        api.post(path, query, body).await.map_err(|error| engine_error(operation, &error))
    }

    /// A request whose answer has no content that matters. Waiting ones (stop) do not take a slot.
    async fn tell(&self, operation: &str, method: Method, path: &str, query: &[(&str, &str)]) -> EngineResult<()> {
        let api = self.api().await?;
        let answer = api.send(method, path, query, api::empty()).await;
        answer.map(|_| ()).map_err(|error| engine_error(operation, &error))
    }

    /// Anonymous volumes that the new container takes over: what the image or the service declares at their path.
    async fn inherited(&self, spec: &ContainerSpec) -> EngineResult<Vec<Inherited>> {
        let Some(old) = &spec.inherit_from else { return Ok(Vec::new()) };
        let (image, details) = tokio::try_join!(self.image(&spec.image, ""), self.inspection(old))?;
        let declared = image.map(|image| image.volumes).unwrap_or_default();
        let anonymous =
            |target: &str| spec.service.volumes.iter().any(|mount| mount.source.is_empty() && mount.target == target);
        let named =
            |target: &str| spec.service.volumes.iter().any(|mount| !mount.source.is_empty() && mount.target == target);
        let points = details.mount_points().into_iter().filter(|mount| mount.kind == "volume");
        let kept = points.filter(|mount| {
            !named(&mount.destination) && (declared.contains(&mount.destination) || anonymous(&mount.destination))
        });
        Ok(kept
            .map(|mount| Inherited {
                source: mount.name,
                target: mount.destination,
                volume: true,
                read_only: !mount.writable,
            })
            .collect())
    }

    /// A request that the engine passes on to a registry, with what we know to sign in there.
    async fn with_credentials(
        &self,
        api: &Api,
        method: Method,
        uri: String,
        reference: &str,
    ) -> api::Result<hyper::Response<hyper::body::Incoming>> {
        let mut request = api::request(method, uri, api::empty())?;
        if let Some(header) = auth::header(&self.config, &self.options.environment, reference).await
            && let Ok(value) = hyper::header::HeaderValue::from_str(&header)
        {
            request.headers_mut().insert("X-Registry-Auth", value);
        }
        api.execute(request).await
    }

    async fn inspection(&self, id: &str) -> EngineResult<Inspection> {
        self.get(&format!("inspect container {id}"), &format!("/containers/{id}/json"), &[]).await
    }
}

/// Treats some kinds of errors as success.
fn unless(result: EngineResult<()>, kinds: &[EngineErrorKind]) -> EngineResult<()> {
    result.or_else(|error| if kinds.contains(&error.kind) { Ok(()) } else { Err(error) })
}

fn seconds(timeout: Option<Duration>) -> Option<String> {
    timeout.map(|timeout| timeout.as_secs().to_string())
}

#[async_trait]
impl Engine for DockerEngine {
    async fn info(&self) -> EngineResult<EngineInfo> {
        self.engine_info().await
    }

    async fn observe(&self, scope: &Scope) -> EngineResult<Observed> {
        self.snapshot(scope).await
    }

    async fn list_containers(&self, filter: &ContainerFilter) -> EngineResult<Vec<Container>> {
        self.containers(filter).await
    }

    async fn inspect_container(&self, id: &str) -> EngineResult<ContainerDetails> {
        self.inspection(id).await.map(ContainerDetails::from)
    }

    async fn inspect_image(&self, reference: &str, platform: &str) -> EngineResult<Option<Image>> {
        self.image(reference, platform).await
    }

    async fn image_digest(&self, reference: &str) -> EngineResult<String> {
        let operation = format!("resolve the digest of {reference}");
        let api = self.api().await?;
        let _slot = self.slot().await;
        let uri = api.uri(&format!("/distribution/{reference}/json"), &[]);
        let answer = self.with_credentials(api, Method::GET, uri, reference).await;
        let lines = answer.map(api::json_lines::<Json>).map_err(|error| engine_error(operation.clone(), &error))?;
        let described = std::pin::pin!(lines).next().await.and_then(Result::ok).unwrap_or_default();
        let digest = described["Descriptor"]["digest"].as_str().map(str::to_owned);
        digest.ok_or_else(|| plain(operation, "the engine's answer names no digest"))
    }

    async fn pull_image(&self, reference: &str, platform: &str, progress: ProgressSink<'_>) -> EngineResult<()> {
        let operation = format!("pull image {reference}");
        let api = self.api().await?;
        let mut query = vec![("fromImage", reference)];
        if !reference.rsplit('/').next().unwrap_or_default().contains([':', '@']) {
            query.push(("tag", "latest"));
        }
        if !platform.is_empty() {
            query.push(("platform", platform));
        }
        let failed = |error: &bollard::errors::Error| engine_error(operation.clone(), error);
        let uri = api.uri("/images/create", &query);
        let answer = self.with_credentials(api, Method::POST, uri, reference).await.map_err(|error| failed(&error))?;
        let mut lines = std::pin::pin!(api::json_lines::<Json>(answer));
        while let Some(line) = lines.next().await {
            let line = line.map_err(|error| failed(&error))?;
            if let Some(message) = line["errorDetail"]["message"].as_str().or(line["error"].as_str()) {
                return Err(plain(operation, message.trim()));
            }
            progress(TransferProgress {
                id: line["id"].as_str().unwrap_or_default().to_owned(),
                text: line["status"].as_str().unwrap_or_default().to_owned(),
                current: line["progressDetail"]["current"].as_u64(),
                total: line["progressDetail"]["total"].as_u64(),
            });
        }
        Ok(())
    }

    async fn build_image(&self, request: BuildRequest<'_>, progress: ProgressSink<'_>) -> EngineResult<String> {
        build::build(self, request, progress).await
    }

    async fn remove_image(&self, reference: &str) -> EngineResult<()> {
        self.tell(&format!("remove image {reference}"), Method::DELETE, &format!("/images/{reference}"), &[]).await
    }

    async fn create_network(&self, network: &Network) -> EngineResult<String> {
        let operation = format!("create network {}", network.name);
        let body = serde_json::to_value(network_request(network))
            .map_err(|error| plain(operation.clone(), error.to_string()))?;
        match self.post(&operation, "/networks/create", &[], &body).await {
            Ok(answer) => Ok(answer["Id"].as_str().unwrap_or_default().to_owned()),
            Err(error) if error.kind == EngineErrorKind::Conflict => {
                let found: Json = self.get(&operation, &format!("/networks/{}", network.name), &[]).await?;
                Ok(found["Id"].as_str().unwrap_or_default().to_owned())
            }
            Err(error) => Err(error),
        }
    }

    async fn remove_network(&self, id: &str) -> EngineResult<()> {
        let done = self.tell(&format!("remove network {id}"), Method::DELETE, &format!("/networks/{id}"), &[]).await;
        unless(done, &[EngineErrorKind::NotFound])
    }

    async fn connect_network(&self, network: &str, id: &str, spec: &ContainerSpec) -> EngineResult<()> {
        let info = self.engine_info().await?;
        let settings = create::endpoint_settings(spec, network, &info)?;
        self.connect_endpoint(network, id, json!(settings)).await
    }

    async fn disconnect_network(&self, network: &str, id: &str) -> EngineResult<()> {
        let api = self.api().await?;
        let body = api::full(json!({ "Container": id, "Force": true }).to_string().into_bytes());
        let operation = format!("disconnect container {id} from network {network}");
        let done = api.send(Method::POST, &format!("/networks/{network}/disconnect"), &[], body).await;
        unless(done.map(|_| ()).map_err(|error| engine_error(operation, &error)), &[EngineErrorKind::NotFound])
    }

    async fn create_volume(&self, volume: &Volume) -> EngineResult<observed::Volume> {
        let operation = format!("create volume {}", volume.name);
        let body = serde_json::to_value(volume_request(volume))
            .map_err(|error| plain(operation.clone(), error.to_string()))?;
        let answer = self.post(&operation, "/volumes/create", &[], &body).await?;
        let row: crate::convert::resources::VolumeRow =
            serde_json::from_value(answer).map_err(|error| plain(operation, error.to_string()))?;
        Ok(row.into())
    }

    async fn inspect_volume(&self, name: &str) -> EngineResult<Option<observed::Volume>> {
        self.volume(name).await
    }

    async fn remove_volume(&self, name: &str) -> EngineResult<()> {
        let done = self.tell(&format!("remove volume {name}"), Method::DELETE, &format!("/volumes/{name}"), &[]).await;
        unless(done, &[EngineErrorKind::NotFound])
    }

    async fn create_container(&self, spec: &ContainerSpec) -> EngineResult<Created> {
        let facts = Facts {
            engine: self.engine_info().await?,
            proxies: self.config.proxy_environment(&self.host),
            profiles: create::read_profiles(spec)?,
            inherited: self.inherited(spec).await?,
        };
        let request = create::create_body(spec, &facts)?;
        let operation = format!("create container {}", request.name);
        let mut body =
            serde_json::to_value(&request.body).map_err(|error| plain(operation.clone(), error.to_string()))?;
        if let Some(address) = &request.mac_address {
            body["MacAddress"] = Json::from(address.clone());
        }
        let mut query = vec![("name", request.name.as_str())];
        if !request.platform.is_empty() {
            query.push(("platform", request.platform.as_str()));
        }
        let answer = self.post(&operation, "/containers/create", &query, &body).await?;
        let id = answer["Id"].as_str().unwrap_or_default().to_owned();
        for (network, settings) in request.connect_later {
            if let Err(error) = self.connect_endpoint(&network, &id, json!(settings)).await {
                // Nothing half-made stays; the first error is the one that matters.
                drop(self.remove_container(&id, true, true).await);
                return Err(error);
            }
        }
        let warnings = answer["Warnings"].as_array().into_iter().flatten().filter_map(Json::as_str);
        Ok(Created { warnings: warnings.map(|warning| warning.trim().to_owned()).collect(), id })
    }

    async fn start_container(&self, id: &str) -> EngineResult<()> {
        let _slot = self.slot().await;
        self.tell(&format!("start container {id}"), Method::POST, &format!("/containers/{id}/start"), &[]).await
    }

    async fn stop_container(&self, id: &str, timeout: Option<Duration>) -> EngineResult<()> {
        let seconds = seconds(timeout);
        let query: Vec<(&str, &str)> = seconds.iter().map(|seconds| ("t", seconds.as_str())).collect();
        self.tell(&format!("stop container {id}"), Method::POST, &format!("/containers/{id}/stop"), &query).await
    }

    async fn restart_container(&self, id: &str, timeout: Option<Duration>) -> EngineResult<()> {
        let seconds = seconds(timeout);
        let query: Vec<(&str, &str)> = seconds.iter().map(|seconds| ("t", seconds.as_str())).collect();
        self.tell(&format!("restart container {id}"), Method::POST, &format!("/containers/{id}/restart"), &query).await
    }

    async fn kill_container(&self, id: &str, signal: &str) -> EngineResult<()> {
        self.tell(
            &format!("kill container {id}"),
            Method::POST,
            &format!("/containers/{id}/kill"),
            &[("signal", signal)],
        )
        .await
    }

    async fn remove_container(&self, id: &str, volumes: bool, force: bool) -> EngineResult<()> {
        let flag = |value: bool| if value { "1" } else { "0" };
        let query = [("v", flag(volumes)), ("force", flag(force))];
        let done =
            self.tell(&format!("remove container {id}"), Method::DELETE, &format!("/containers/{id}"), &query).await;
        match done {
            Err(error) if error.kind == EngineErrorKind::Conflict && error.message.contains("already in progress") => {
                Ok(())
            }
            done => unless(done, &[EngineErrorKind::NotFound]),
        }
    }

    async fn rename_container(&self, id: &str, name: &str) -> EngineResult<()> {
        self.tell(
            &format!("rename container {id} to {name}"),
            Method::POST,
            &format!("/containers/{id}/rename"),
            &[("name", name)],
        )
        .await
    }

    async fn pause_container(&self, id: &str) -> EngineResult<()> {
        self.tell(&format!("pause container {id}"), Method::POST, &format!("/containers/{id}/pause"), &[]).await
    }

    async fn unpause_container(&self, id: &str) -> EngineResult<()> {
        self.tell(&format!("unpause container {id}"), Method::POST, &format!("/containers/{id}/unpause"), &[]).await
    }

    async fn wait_container(&self, id: &str) -> EngineResult<i64> {
        let api = self.api().await?;
        let operation = format!("wait for container {id}");
        let query = [("condition", "next-exit")];
        let answer: Json = api
            .post(&format!("/containers/{id}/wait"), &query, &json!({}))
            .await
            .map_err(|error| engine_error(operation, &error))?;
        Ok(answer["StatusCode"].as_i64().unwrap_or_default())
    }

    async fn put_files(&self, id: &str, files: &[InjectedFile]) -> EngineResult<()> {
        let operation = format!("copy files into container {id}");
        let archive = build::archive_of(files).map_err(|error| plain(operation.clone(), error.to_string()))?;
        let api = self.api().await?;
        let uri = api.uri(&format!("/containers/{id}/archive"), &[("path", "/"), ("copyUIDGID", "1")]);
        let failed = |error: bollard::errors::Error| engine_error(operation.clone(), &error);
        let mut request = api::request(Method::PUT, uri, api::full(archive)).map_err(failed)?;
        request.headers_mut().insert("Content-Type", hyper::header::HeaderValue::from_static("application/x-tar"));
        api.execute(request).await.map(|_| ()).map_err(failed)
    }

    async fn logs(
        &self,
        id: &str,
        tty: bool,
        options: &LogOptions,
    ) -> EngineResult<BoxStream<'static, EngineResult<OutputChunk>>> {
        let flag = |value: bool| if value { "1" } else { "0" };
        let mut query = vec![
            ("stdout", "1"),
            ("stderr", "1"),
            ("follow", flag(options.follow)),
            ("timestamps", flag(options.timestamps)),
        ];
        for (key, value) in [("tail", &options.tail), ("since", &options.since), ("until", &options.until)] {
            if let Some(value) = value {
                query.push((key, value));
            }
        }
        let operation = format!("read the log of container {id}");
        let api = self.api().await?;
        let answer = api.send(Method::GET, &format!("/containers/{id}/logs"), &query, api::empty()).await;
        let answer = answer.map_err(|error| engine_error(operation.clone(), &error))?;
        Ok(streams::output(api::pieces(answer), tty, operation))
    }

    async fn exec(&self, id: &str, spec: &ExecSpec) -> EngineResult<ExecSession> {
        let operation = format!("run a command in container {id}");
        let attach = !spec.detach;
        let body = json!({
            "Cmd": spec.command, "Env": spec.environment, "User": spec.user, "WorkingDir": spec.working_dir,
            "Privileged": spec.privileged, "Tty": spec.tty,
            "AttachStdin": spec.stdin && attach, "AttachStdout": attach, "AttachStderr": attach,
        });
        let answer = self.post(&operation, &format!("/containers/{id}/exec"), &[], &body).await?;
        let exec = answer["Id"].as_str().unwrap_or_default().to_owned();
        let path = format!("/exec/{exec}/start");
        let start = json!({ "Detach": spec.detach, "Tty": spec.tty });
        let api = self.api().await?;
        let failed = |error: bollard::errors::Error| engine_error(operation.clone(), &error);
        if spec.detach {
            let body = api::full(start.to_string().into_bytes());
            api.send(Method::POST, &path, &[], body).await.map_err(failed)?;
            return Ok(ExecSession { id: exec, output: futures_util::stream::empty().boxed(), input: None });
        }
        let stream = api.hijack(&path, &[], &start).await.map_err(failed)?;
        let (read, write) = tokio::io::split(stream);
        let bytes = tokio_util::io::ReaderStream::new(read);
        let input: Option<Pin<Box<dyn AsyncWrite + Send>>> = if spec.stdin { Some(Box::pin(write)) } else { None };
        Ok(ExecSession { id: exec, output: streams::output(bytes, spec.tty, operation), input })
    }

    async fn exec_exit_code(&self, exec_id: &str) -> EngineResult<i64> {
        let answer: Json = self.get("inspect a command", &format!("/exec/{exec_id}/json"), &[]).await?;
        Ok(answer["ExitCode"].as_i64().unwrap_or_default())
    }

    async fn exec_resize(&self, exec_id: &str, width: u16, height: u16) -> EngineResult<()> {
        let (width, height) = (width.to_string(), height.to_string());
        let query = [("w", width.as_str()), ("h", height.as_str())];
        self.tell("resize a command's terminal", Method::POST, &format!("/exec/{exec_id}/resize"), &query).await
    }

    async fn events(
        &self,
        project: Option<&str>,
        since: Option<&str>,
    ) -> EngineResult<BoxStream<'static, EngineResult<ContainerEvent>>> {
        let label = project.map_or_else(
            || "com.docker.compose.project".to_owned(),
            |project| format!("com.docker.compose.project={project}"),
        );
        let filters = json!({ "type": ["container"], "label": [label] }).to_string();
        let mut query = vec![("filters", filters.as_str())];
        if let Some(since) = since {
            query.push(("since", since));
        }
        let api = self.api().await?;
        let answer = api.send(Method::GET, "/events", &query, api::empty()).await;
        let answer = answer.map_err(|error| engine_error("subscribe to events", &error))?;
        Ok(api::json_lines::<Json>(answer)
            .map(|line| line.map(|line| event(&line)).map_err(|error| engine_error("read events", &error)))
            .boxed())
    }

    async fn client_settings(&self) -> EngineResult<String> {
        Ok(auth::all(&self.config, &self.options.environment).await)
    }

    async fn dial(&self, container: &Container, port: u16) -> EngineResult<Connection> {
        let operation = format!("connect to {}:{port}", container.name);
        let mut last = String::from("the container has no address");
        for address in self.addresses(container, port) {
            match tokio::net::TcpStream::connect(address.as_str()).await {
                Ok(stream) => return Ok(Box::new(stream)),
                // A refusal by the container itself is the answer. The published port would be accepted by the engine's
                // proxy, and look open when nothing listens behind it.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    last = error.to_string();
                    break;
                }
                Err(error) => last = error.to_string(),
            }
        }
        let hint = (!self.endpoint.is_local())
            .then(|| format!("publish port {port} of the service: the engine is on another machine"));
        Err(EngineError { operation, message: last, kind: EngineErrorKind::Other, hint })
    }
}

impl DockerEngine {
    async fn connect_endpoint(&self, network: &str, id: &str, settings: Json) -> EngineResult<()> {
        let api = self.api().await?;
        let body = api::full(json!({ "Container": id, "EndpointConfig": settings }).to_string().into_bytes());
        let operation = format!("connect container {id} to network {network}");
        let done = api.send(Method::POST, &format!("/networks/{network}/connect"), &[], body).await;
        done.map(|_| ()).map_err(|error| engine_error(operation, &error))
    }

    /// Where a port of a container can be reached from here, best first: its own address where the engine is local, the
    /// host for containers on the host's network, then the published port.
    fn addresses(&self, container: &Container, port: u16) -> Vec<String> {
        let local = self.endpoint.is_local() && cfg!(target_os = "linux");
        let own = container.networks.values().filter(|endpoint| local && !endpoint.ip_address.is_empty());
        let own = own.map(|endpoint| crate::engine::joined(&endpoint.ip_address, port));
        let host = container.networks.contains_key("host").then(|| joined("127.0.0.1", port)).filter(|_| local);
        let published = container.ports.iter().filter(|mapping| mapping.private == port && mapping.protocol == "tcp");
        let published =
            published.filter_map(|mapping| Some(joined(&self.reachable_host(&mapping.host_ip), mapping.public?)));
        own.chain(host).chain(published).collect()
    }

    fn reachable_host(&self, host_ip: &str) -> String {
        let remote = self.host.split_once("://").map(|(_, rest)| rest.rsplit('@').next().unwrap_or(rest));
        let remote = remote.and_then(|rest| rest.split([':', '/']).next()).filter(|host| !host.is_empty());
        match (self.endpoint.is_local(), host_ip) {
            (false, "" | "0.0.0.0" | "::") => remote.unwrap_or("127.0.0.1").to_owned(),
            (true, "" | "0.0.0.0" | "::") => "127.0.0.1".to_owned(),
            (_, other) => other.to_owned(),
        }
    }
}

fn joined(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn event(line: &Json) -> ContainerEvent {
    let attributes: BTreeMap<String, String> = line["Actor"]["Attributes"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    ContainerEvent {
        id: line["Actor"]["ID"].as_str().unwrap_or_default().to_owned(),
        action: line["Action"].as_str().unwrap_or_default().to_owned(),
        attributes,
        time_nano: line["timeNano"].as_i64().unwrap_or_default(),
    }
}
