//! The beginning of a connection: TLS, who is there, and to which domain.

use std::{net::SocketAddr, sync::Arc};

use lakehouse_accounts::Scope;
use lakehouse_service::Visitor;
use lakehouse_spec::DomainName;
use lakehouse_wire::{Frontend, Startup, write};

use super::{
    Wire,
    fault::{Fault, Stop},
    link::Link,
    session::Session,
    variables::Variables,
};

/// Offers of TLS and the like that a client may make before it begins.
const MOST_OFFERS: usize = 4;

/// A session, if it comes to one; the client has been told otherwise.
pub(super) async fn begin(wire: &Arc<Wire>, link: Link, peer: SocketAddr) -> Option<Session> {
    let (mut link, parameters, is_secure) = negotiate(wire, link).await?;
    match welcome(wire, &mut link, parameters, peer, is_secure).await {
        Ok((visitor, domain, variables)) => {
            link.trust();
            let mut session = Session::new(wire.clone(), link, visitor, domain, variables);
            session.greet().await.ok().map(|()| session)
        }
        Err(Stop::Fault(fault)) => {
            link.part(&fault.fatal()).await;
            None
        }
        Err(Stop::Gone) => None,
    }
}

type Parameters = Vec<(String, String)>;

async fn negotiate(wire: &Wire, mut link: Link) -> Option<(Link, Parameters, bool)> {
    let mut is_secure = false;
    for _ in 0..MOST_OFFERS {
        match link.startup().await {
            Ok(Startup::Ssl) => match wire.tls.as_ref().filter(|_| !is_secure) {
                Some(tls) => {
                    link.out.push(b'S');
                    link.flush().await.ok()?;
                    link = link.secured(tls).await.inspect_err(|error| tracing::debug!(%error, "TLS did not begin")).ok()?;
                    is_secure = true;
                }
                None => {
                    link.out.push(b'N');
                    link.flush().await.ok()?;
                }
            },
            Ok(Startup::Gss) => {
                link.out.push(b'N');
                link.flush().await.ok()?;
            }
            Ok(Startup::Cancel { process, secret }) => {
                wire.cancels.cancel(process, &secret);
                return None;
            }
            Ok(Startup::Session { minor, parameters }) => {
                let is_extension = |(name, _): &&(String, String)| name.starts_with("_pq_.");
                let unknown: Vec<&str> = parameters.iter().filter(is_extension).map(|(name, _)| name.as_str()).collect();
                if minor > 0 || !unknown.is_empty() {
                    write::negotiate(&mut link.out, &unknown);
                }
                return Some((link, parameters, is_secure));
            }
            Err(Stop::Fault(fault)) => {
                link.part(&fault).await;
                return None;
            }
            Err(Stop::Gone) => return None,
        }
    }
    None
}

async fn welcome(
    wire: &Wire,
    link: &mut Link,
    parameters: Parameters,
    peer: SocketAddr,
    is_secure: bool,
) -> Result<(Visitor, DomainName, Variables), Stop> {
    let of = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let user = of("user").ok_or_else(|| Fault::new("28000", "say who you are: the user is missing"))?;
    let mut visitor = identify(wire, link, &user, peer, is_secure).await?;
    // A key without the scope is told so now, and not at the first query.
    drop(visitor.admit(Scope::SqlRun).await?);
    let database = of("database");
    let mut domains = wire.state.domains.iter().map(|domain| &domain.name);
    let domain = match &database {
        Some(name) => domains.find(|domain| domain.as_str() == name).ok_or_else(|| {
            Fault::new("3D000", format!("database \"{name}\" does not exist: the databases are the lakehouse's domains"))
        })?,
        None => domains.next().ok_or_else(|| Fault::new("3D000", "there is no domain"))?,
    };
    let mut variables = Variables::new(visitor.name());
    for (name, value) in &parameters {
        match name.as_str() {
            "user" | "database" | "replication" => {}
            "options" => variables.set_options(value)?,
            name if name.starts_with("_pq_.") => {}
            name => variables.set(name, value)?,
        }
    }
    Ok((visitor, domain.clone(), variables))
}

async fn identify(wire: &Wire, link: &mut Link, user: &str, peer: SocketAddr, is_secure: bool) -> Result<Visitor, Stop> {
    if !wire.admission.asks_everybody() {
        return Ok(wire.admission.anybody(peer));
    }
    if !is_secure && !peer.ip().is_loopback() {
        return Err(Fault::new("28000", "passwords are taken over TLS only: connect with sslmode=require or better").into());
    }
    write::ask_password(&mut link.out);
    link.flush().await?;
    match link.next().await? {
        Frontend::Password(password) => Ok(wire.admission.receive(user, password, peer).await?),
        _ => Err(Fault::new("08P01", "a password was expected").into()),
    }
}
