//! Conveniences on the records of the contract.

use crate::{Failure, Impossible, Pending, Target, Verdict};

/// A failure that another attempt cannot cure; see the methods of [`Failure`] for more.
pub fn failure(message: impl Into<String>) -> Failure {
    Failure { message: message.into(), code: None, hint: None, retryable: false }
}

impl Failure {
    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a stable identifier.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Says that another attempt may succeed.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// Ask again: the protocol step that was not passed, and why.
pub fn not_yet(step: impl Into<String>, reason: impl Into<String>) -> Verdict {
    Verdict::NotYet(Pending { step: step.into(), reason: reason.into(), hint: None })
}

/// Waiting cannot help.
pub fn never(reason: impl Into<String>) -> Verdict {
    Verdict::Never(Impossible { reason: reason.into(), hint: None })
}

impl Verdict {
    /// Adds what to do about it; `Ready` stays as it is.
    #[must_use]
    pub fn hint(self, text: impl Into<String>) -> Self {
        let hint = Some(text.into());
        match self {
            Self::Ready => Self::Ready,
            Self::NotYet(pending) => Self::NotYet(Pending { hint, ..pending }),
            Self::Never(impossible) => Self::Never(Impossible { hint, ..impossible }),
        }
    }
}

impl Target {
    /// Whom to talk to: `target:` of the project file where there is one, else the service. A port of `target:` wins over
    /// `port`. The host keeps the brackets of an IPv6 address.
    ///
    /// # Errors
    /// When the port is not a number from 1 to 65535, or none is known.
    pub fn endpoint(&self, port: Option<u16>) -> Result<(String, u16), Failure> {
        let authority = self.authority.as_deref().unwrap_or(&self.service);
        let (host, own) = split_port(authority);
        let port = match own {
            Some(text) => Some(text.parse().ok().filter(|port| *port > 0).ok_or_else(|| bad_port(authority))?),
            None => port,
        };
        let port = port.ok_or_else(|| {
            failure(format!("no port is known for `{authority}`"))
                .hint("add `with: { port: … }`, or a port to `target:`")
                .code("settings")
        })?;
        Ok((host.to_owned(), port))
    }
}

/// Splits `host:port`, `host`, `[v6]:port` and `[v6]`.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let after_address = authority.rfind(']').map_or(0, |end| end + 1);
    match authority[after_address..].rfind(':') {
        Some(colon) => (&authority[..after_address + colon], Some(&authority[after_address + colon + 1..])),
        None => (authority, None),
    }
}

fn bad_port(authority: &str) -> Failure {
    failure(format!("target `{authority}` has no valid port"))
        .hint("write `target: SERVICE:PORT`, with a port from 1 to 65535")
        .code("settings")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(authority: Option<&str>) -> Target {
        Target { service: "es".into(), index: 1, container_id: None, authority: authority.map(Into::into) }
    }

    #[test]
    fn endpoint_prefers_the_target_of_the_file() {
        let endpoint = |authority, port| target(authority).endpoint(port).unwrap();
        assert_eq!(endpoint(None, Some(9200)), ("es".into(), 9200));
        assert_eq!(endpoint(Some("search"), Some(9200)), ("search".into(), 9200));
        assert_eq!(endpoint(Some("search:9201"), Some(9200)), ("search".into(), 9201));
        assert_eq!(endpoint(Some("[fd00::1]:9201"), None), ("[fd00::1]".into(), 9201));
        assert_eq!(endpoint(Some("[fd00::1]"), Some(80)), ("[fd00::1]".into(), 80));
    }

    #[test]
    fn endpoint_without_a_usable_port_is_a_failure_with_a_hint() {
        for authority in [None, Some("es:"), Some("es:0"), Some("es:70000"), Some("es:http")] {
            let error = target(authority).endpoint(None).unwrap_err();
            assert!(error.hint.is_some(), "{authority:?}: {error:?}");
        }
    }

    #[test]
    fn hints_land_on_both_waiting_verdicts() {
        let Verdict::NotYet(pending) = not_yet("dns", "unknown").hint("wait") else { panic!() };
        assert_eq!((pending.step.as_str(), pending.hint.as_deref()), ("dns", Some("wait")));
        let Verdict::Never(impossible) = never("wrong").hint("fix") else { panic!() };
        assert_eq!(impossible.hint.as_deref(), Some("fix"));
        assert_eq!(Verdict::Ready.hint("x"), Verdict::Ready);
    }
}
