//! `windlass port`.

use clap::Args;
use windlass_runtime::engine::ContainerFilter;

use crate::entry::context::Context;
use crate::entry::project;
use crate::errors::{CliError, CliResult};
use crate::output::ports;

/// Print the address that a container port is published at
#[derive(Debug, Args)]
pub(crate) struct PortArgs {
    /// Number of the replica
    #[arg(long, value_name = "N", default_value_t = 1)]
    index: u32,
    /// Protocol: `tcp` or `udp`
    #[arg(long, value_name = "PROTOCOL", default_value = "tcp")]
    protocol: String,
    /// Service
    service: String,
    /// Container port
    private_port: u16,
}

pub(crate) async fn run(context: &Context, args: PortArgs) -> CliResult<()> {
    let project = project::name(context)?;
    let filter = ContainerFilter {
        project: Some(project),
        all: false,
        one_off: Some(false),
        service: Some(args.service.clone()),
    };
    let containers = context.engine()?.list_containers(&filter).await?;
    let Some(container) = containers.iter().find(|container| container.number() == args.index) else {
        return Err(CliError::state(format!("no container found for service {:?}", args.service)));
    };
    let wanted = format!("{}/{}", args.private_port, args.protocol);
    let found = ports::sorted(&container.ports)
        .into_iter()
        .find(|port| port.private == args.private_port && port.protocol == args.protocol && port.public.is_some());
    match found {
        Some(port) => {
            context.ui.data(format!("{}\n", ports::joined(&port.host_ip, &port.public.unwrap_or_default().to_string())))
        }
        None => Err(CliError::state(format!(
            "no port {wanted} for container {}: {}",
            container.name,
            ports::displayed(&container.ports)
        ))),
    }
}
