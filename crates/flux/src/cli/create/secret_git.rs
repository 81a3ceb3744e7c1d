//! `flux create secret git`: makes or changes the credentials for a Git server.

use std::path::PathBuf;

use crate::cli::{
    cluster::Cluster,
    create::{
        Common, checked_name, given,
        secret::GitSecret,
        source_git::{SSH_HINT, Scheme, scheme_of},
    },
    export::document,
    failure::Failure,
    output::Output,
    settings::{Settings, read_file, secret},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # A user name and a password or token
  flux create secret git webapp --url=https://example.com/webapp --username=me --password=token

  # A bearer token, and the certificate authority of the server
  flux create secret git webapp --url=https://example.com/webapp --bearer-token=token --ca-crt-file=ca.crt";

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The Secret's name
    name: Option<String>,
    /// The repository's address
    #[arg(long)]
    url: Option<String>,
    /// The user name
    #[arg(short, long)]
    username: Option<String>,
    /// The password
    #[arg(short, long, value_parser = secret())]
    password: Option<auth::Secret>,
    /// The bearer token
    #[arg(long, value_parser = secret())]
    bearer_token: Option<auth::Secret>,
    /// The certificate authority of the Git server
    #[arg(long, value_name = "FILE")]
    ca_crt_file: Option<PathBuf>,
}

pub(super) async fn run(args: Args, common: &Common, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let name = checked_name(args.name.clone())?;
    let secret = credentials(args)?;
    let labels = common.labels()?;
    if common.export {
        out.data(&document(&secret.manifest(&name, &labels, settings)));
        return Ok(());
    }
    let cluster = Cluster::open(settings).await?;
    secret.apply(&cluster, &name, &labels, settings).await?;
    out.action(&format!("git secret '{name}' created in '{}' namespace", settings.namespace));
    Ok(())
}

fn credentials(args: Args) -> Result<GitSecret, Failure> {
    let url = given(args.url).ok_or_else(|| Failure::new("url is required"))?;
    if scheme_of(&url)? == Scheme::Ssh {
        return Err(Failure::new("keys for SSH cannot be made by this version").hint(SSH_HINT));
    }
    let mut secret = GitSecret::default();
    let filled = |secret: &auth::Secret| !secret.is_empty();
    let user = given(args.username).zip(args.password.filter(filled));
    match (user, args.bearer_token.filter(filled)) {
        (Some(_), Some(_)) => return Err(Failure::new("user credentials and bearer token cannot be used together")),
        (None, None) => {
            let message = "for Git over HTTP/S the username and password, or a bearer token is required";
            return Err(Failure::new(message));
        }
        (Some((username, password)), None) => {
            secret.set("username", auth::Secret::new(username));
            secret.set("password", password);
        }
        (None, Some(token)) => secret.set("bearerToken", token),
    }
    if let Some(path) = &args.ca_crt_file {
        secret.set_file("ca.crt", path, read_file(path)?)?;
    }
    Ok(secret)
}
