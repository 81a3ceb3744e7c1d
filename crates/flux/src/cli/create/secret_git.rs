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
    settings::{Settings, read_file},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # A user name and a password or token
  flux create secret git webapp-auth --url=https://git.example.com/org/webapp --username=me --password=token

  # A bearer token, and the certificate authority of the server
  flux create secret git webapp-auth --url=https://git.example.com/org/webapp --bearer-token=token --ca-crt-file=ca.crt";

/// What was typed.
#[derive(clap::Args)]
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
    #[arg(short, long)]
    password: Option<String>,
    /// The bearer token
    #[arg(long)]
    bearer_token: Option<String>,
    /// The certificate authority of the Git server
    #[arg(long, value_name = "FILE")]
    ca_crt_file: Option<PathBuf>,
}

impl std::fmt::Debug for Args {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Args").field("name", &self.name).finish_non_exhaustive()
    }
}

pub(super) async fn run(args: Args, common: &Common, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let name = checked_name(args.name.clone())?;
    let secret = secret(args)?;
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

fn secret(args: Args) -> Result<GitSecret, Failure> {
    let url = given(args.url).ok_or_else(|| Failure::new("url is required"))?;
    if scheme_of(&url)? == Scheme::Ssh {
        return Err(Failure::new("keys for SSH cannot be made by this version").hint(SSH_HINT));
    }
    let mut secret = GitSecret::default();
    match (given(args.username).zip(given(args.password)), given(args.bearer_token)) {
        (Some(_), Some(_)) => return Err(Failure::new("user credentials and bearer token cannot be used together")),
        (None, None) => {
            let message = "for Git over HTTP/S the username and password, or a bearer token is required";
            return Err(Failure::new(message));
        }
        (Some((username, password)), None) => {
            secret.set("username", username);
            secret.set("password", password);
        }
        (None, Some(token)) => secret.set("bearerToken", token),
    }
    if let Some(path) = &args.ca_crt_file {
        secret.set_file("ca.crt", path, read_file(path)?)?;
    }
    Ok(secret)
}
