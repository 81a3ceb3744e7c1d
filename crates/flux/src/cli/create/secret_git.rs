//! `flux create secret git`: makes or changes the credentials for a Git server.

use std::path::PathBuf;

use crate::cli::{
    cluster::Cluster,
    create::{
        Common, checked_name, given,
        secret::GitSecret,
        source_git::{Scheme, scheme_of},
        ssh_key,
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
  flux create secret git webapp --url=https://example.com/webapp --bearer-token=token --ca-crt-file=ca.crt

  # A new SSH key; its public half is printed, to be registered with the server
  flux create secret git webapp --url=ssh://git@example.com/webapp --ssh-key-algorithm=ed25519";

// What was typed.
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
    #[command(flatten)]
    key: ssh_key::Args,
}

pub(super) async fn run(args: Args, common: &Common, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let name = checked_name(args.name.clone())?;
    let (secret, deploy_key) = credentials(args).await?;
    let labels = common.labels()?;
    if common.export {
        out.data(&document(&secret.manifest(&name, &labels, settings)));
        return Ok(());
    }
    let cluster = Cluster::open(settings).await?;
    if let Some(deploy_key) = deploy_key {
        out.generate(&format!("deploy key: {deploy_key}"));
    }
    secret.apply(&cluster, &name, &labels, settings).await?;
    out.action(&format!("git secret '{name}' created in '{}' namespace", settings.namespace));
    Ok(())
}

/// The credentials, and the public key that is to be registered with the server, where there is one.
async fn credentials(args: Args) -> Result<(GitSecret, Option<String>), Failure> {
    let url = given(args.url).ok_or_else(|| Failure::new("url is required"))?;
    let filled = |secret: &auth::Secret| !secret.is_empty();
    if scheme_of(&url)? == Scheme::Ssh {
        let access = args.key.access(&url, args.password.filter(filled)).await?;
        return Ok((access.secret, Some(access.deploy_key)));
    }
    let mut secret = GitSecret::default();
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
    Ok((secret, None))
}
