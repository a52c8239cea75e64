use bollard::models::{EndpointResource, Ipam, IpamConfig, NetworkInspect};
use windlass_plan::observed::Endpoint as Attachment;

use super::*;

fn attached(networks: &[(&str, &str)]) -> Container {
    let attachment = |(name, ip): &(&str, &str)| {
        let found =
            Attachment { network_id: format!("id-of-{name}"), ip_address: (*ip).to_owned(), ..Attachment::default() };
        ((*name).to_owned(), found)
    };
    Container { networks: networks.iter().map(attachment).collect(), ..Container::from(Row::default()) }
}

#[test]
fn relay_and_container_meet_where_it_has_an_address() {
    let found = meeting(&attached(&[("a", ""), ("b", "172.18.0.2")]));
    assert_eq!(found, Some(("id-of-b".to_owned(), "172.18.0.2".to_owned())));
    assert_eq!(meeting(&attached(&[("host", "")])), Some(("host".to_owned(), "127.0.0.1".to_owned())));
    assert_eq!(meeting(&attached(&[("a", "")])), None);
}

fn network(subnet: &str, held: &str) -> NetworkInspect {
    let range =
        IpamConfig { subnet: Some(subnet.to_owned()), gateway: Some("10.1.0.1".to_owned()), ..IpamConfig::default() };
    let container = EndpointResource { ipv4_address: Some(held.to_owned()), ..EndpointResource::default() };
    NetworkInspect {
        ipam: Some(Ipam { config: Some(vec![range]), ..Ipam::default() }),
        containers: Some([("x".to_owned(), container)].into()),
        ..NetworkInspect::default()
    }
}

#[test]
fn a_relay_takes_the_highest_address_that_nobody_has_or_asks_for() {
    let asked = ["10.1.0.254".to_owned(), "fd00::1".to_owned()];
    let found = address::highest_free(&network("10.1.0.0/24", "10.1.0.253/24"), &asked);
    assert_eq!(found.as_deref(), Some("10.1.0.252"));
    assert_eq!(address::highest_free(&network("10.1.0.0/30", "10.1.0.2/30"), &[]), None);
    assert_eq!(address::highest_free(&network("fd00::/64", ""), &asked), None);
}

#[test]
fn a_refusal_is_final_and_a_lost_engine_is_not() {
    let failed = |kind| Failed::from(EngineError { kind, ..plain("pull image x", "no") });
    assert_eq!(failed(EngineErrorKind::RegistryDenied).kind, EngineErrorKind::OutOfReach);
    assert_eq!(failed(EngineErrorKind::Unreachable).kind, EngineErrorKind::Unreachable);
    assert_eq!(failed(EngineErrorKind::Other).message, "failed to pull image x: no");
}

#[tokio::test]
async fn what_came_with_the_sign_is_read_first_and_errors_are_no_data() {
    use tokio::io::AsyncReadExt as _;
    let chunk = |stream, bytes: &'static str| Ok(OutputChunk { stream, bytes: Bytes::from(bytes) });
    let chunks = [chunk(OutputStream::Stderr, "noise"), chunk(OutputStream::Stdout, "lo")];
    let session = ExecSession { id: String::new(), output: stream::iter(chunks).boxed(), input: None };
    let mut read = String::new();
    joined(Bytes::from("hel"), session).read_to_string(&mut read).await.unwrap();
    assert_eq!(read, "hello");
}
