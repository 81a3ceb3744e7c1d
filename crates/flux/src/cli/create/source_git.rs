//! `flux create source git`: makes or changes a GitRepository.

use api::{Duration, GitProvider, GitRepositoryRef, GitRepositorySpec, LocalObjectReference};
use clap::ValueEnum;

use crate::cli::{
    ask,
    cluster::Cluster,
    create::{Common, Wanted, checked_name, given, row_of, secret::GitSecret, ssh_key, to_json},
    failure::Failure,
    output::Output,
    settings::{Settings, read_file, secret},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # A branch of a public repository
  flux create source git webapp --url=https://github.com/org/webapp --branch=main

  # The highest tag of a range of versions
  flux create source git webapp --url=https://github.com/org/webapp --tag-semver='>=3.2.0 <3.3.0'

  # A private repository, with credentials that are kept in a Secret of the same name
  flux create source git webapp --url=https://example.com/webapp --branch=main -u me -p token

  # A private repository over SSH, with a new key that is to be registered with the server
  flux create source git webapp --url=ssh://git@example.com/webapp --branch=main

  # A private repository over SSH, with an existing Secret
  flux create source git webapp --url=ssh://git@example.com/webapp --branch=main --secret-ref=webapp";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The GitRepository's name
    name: Option<String>,
    /// The repository's address: https, http or ssh
    #[arg(long)]
    url: Option<String>,
    /// The branch to follow
    #[arg(long)]
    branch: Option<String>,
    /// The tag to check out
    #[arg(long)]
    tag: Option<String>,
    /// The range of versions whose highest tag is checked out
    #[arg(long)]
    tag_semver: Option<String>,
    /// The full name of the reference to check out, e.g. refs/pull/420/head
    #[arg(long)]
    ref_name: Option<String>,
    /// The commit to check out
    #[arg(long)]
    commit: Option<String>,
    /// The user name for HTTPS
    #[arg(short, long)]
    username: Option<String>,
    /// The password for HTTPS, or the passphrase of the private key for SSH
    #[arg(short, long, value_parser = secret())]
    password: Option<auth::Secret>,
    /// The Secret with the credentials
    #[arg(long)]
    secret_ref: Option<String>,
    /// The Secret with the proxy's address
    #[arg(long)]
    proxy_secret_ref: Option<String>,
    /// Whose way of authenticating is used
    #[arg(long)]
    provider: Option<Provider>,
    /// The certificate authority of the Git server
    #[arg(long, value_name = "FILE")]
    ca_file: Option<std::path::PathBuf>,
    #[command(flatten)]
    key: ssh_key::Args,
    /// Fetch submodules too
    #[arg(long)]
    recurse_submodules: bool,
    /// Do not ask
    #[arg(short, long)]
    silent: bool,
    /// Paths to leave out, as in .gitignore
    #[arg(long, value_delimiter = ',')]
    ignore_paths: Vec<String>,
    /// The directories to fetch; all without it
    #[arg(long, value_delimiter = ',')]
    sparse_checkout_paths: Vec<String>,
    /// How long a look at the repository may take
    #[arg(long)]
    fetch_timeout: Option<Duration>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Provider {
    Generic,
    Aws,
    Azure,
    Github,
}

impl From<Provider> for GitProvider {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Generic => Self::Generic,
            Provider::Aws => Self::Aws,
            Provider::Azure => Self::Azure,
            Provider::Github => Self::Github,
        }
    }
}

pub(super) async fn run(args: Args, common: &Common, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let name = checked_name(args.name.clone())?;
    let url = given(args.url.clone()).ok_or_else(|| Failure::new("url is required"))?;
    let scheme = scheme_of(&url)?;
    if args.ca_file.is_some() && scheme == Scheme::Ssh {
        return Err(Failure::new("specifying a CA file is not supported for Git over SSH"));
    }
    let spec = spec(&args, url.clone(), common)?;
    let wants_secret = spec.secret_ref.is_none();
    let mut wanted = Wanted {
        row: row_of("GitRepository")?,
        called: "GitRepository source",
        name: &name,
        labels: common.labels()?,
        spec: to_json(&spec)?,
    };
    if common.export {
        out.data(&wanted.manifest(settings));
        return Ok(());
    }
    let cluster = Cluster::open(settings).await?;
    out.generate("generating GitRepository source");
    if wants_secret && let Some(secret) = credentials(&args, &url, scheme, out).await? {
        out.action("applying secret with repository credentials");
        secret.apply(&cluster, &name, &std::collections::BTreeMap::new(), settings).await?;
        wanted.spec["secretRef"] = serde_json::json!({ "name": name });
        out.success("authentication configured");
    }
    wanted.write(&cluster, settings, out).await?;
    let object = wanted.wait(&cluster, settings, out).await?;
    out.success("GitRepository source reconciliation completed");
    match object.data.pointer(wanted.row.revision).and_then(|revision| revision.as_str()) {
        Some(revision) => out.success(&format!("fetched revision: {revision}")),
        None => return Err(Failure::new("GitRepository source reconciliation completed but no artifact was found")),
    }
    Ok(())
}

fn spec(args: &Args, url: String, common: &Common) -> Result<GitRepositorySpec, Failure> {
    let [branch, tag, semver, name, commit] =
        [&args.branch, &args.tag, &args.tag_semver, &args.ref_name, &args.commit].map(|text| given(text.clone()));
    let none = GitRepositoryRef::default();
    let reference = match (commit, name, semver, tag, branch) {
        (Some(commit), _, _, _, branch) => GitRepositoryRef { commit: Some(commit), branch, ..none },
        (_, Some(name), ..) => GitRepositoryRef { name: Some(name), ..none },
        (_, _, Some(semver), ..) => GitRepositoryRef { semver: Some(semver), ..none },
        (_, _, _, Some(tag), _) => GitRepositoryRef { tag: Some(tag), ..none },
        (.., Some(branch)) => GitRepositoryRef { branch: Some(branch), ..none },
        _ => {
            return Err(Failure::new(
                "a Git ref is required, use one of the following: --branch, --tag, --commit, --ref-name or --tag-semver",
            ));
        }
    };
    let named = |name: &Option<String>| given(name.clone()).map(|name| LocalObjectReference { name });
    Ok(GitRepositorySpec {
        url,
        interval: common.interval(),
        timeout: args.fetch_timeout.filter(|timeout| !timeout.is_zero()),
        reference: Some(reference),
        secret_ref: named(&args.secret_ref),
        proxy_secret_ref: named(&args.proxy_secret_ref),
        provider: args.provider.map(Into::into),
        ignore: (!args.ignore_paths.is_empty()).then(|| args.ignore_paths.join("\n")),
        recurse_submodules: args.recurse_submodules,
        sparse_checkout: args.sparse_checkout_paths.clone(),
        ..GitRepositorySpec::default()
    })
}

/// The Secret that the flags ask for.
async fn credentials(args: &Args, url: &str, scheme: Scheme, out: &mut Output) -> Result<Option<GitSecret>, Failure> {
    let username = given(args.username.clone());
    let password = args.password.clone().filter(|password| !password.is_empty());
    match scheme {
        Scheme::Ssh => {
            let access = args.key.access(url, password).await?;
            out.success(&format!("collected public key from SSH server:\n{}", access.known_hosts));
            out.generate(&format!("deploy key: {}", access.deploy_key));
            if !args.silent && !ask::confirm("Have you added the deploy key to your repository", out) {
                return Err(Failure::new("aborting"));
            }
            Ok(Some(access.secret))
        }
        Scheme::Http | Scheme::Https => {
            let mut secret = GitSecret::default();
            if let (Some(username), Some(password)) = (username, password) {
                if scheme == Scheme::Http {
                    out.warning(" insecure configuration: credentials configured for an HTTP URL");
                }
                secret.set("username", auth::Secret::new(username));
                secret.set("password", password);
            }
            if let Some(path) = &args.ca_file {
                secret.set_file("ca.crt", path, read_file(path)?)?;
            }
            Ok((!secret.is_empty()).then_some(secret))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
    Ssh,
}

/// How a repository is reached.
pub(super) fn scheme_of(url: &str) -> Result<Scheme, Failure> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok(Scheme::Http),
        "https" => Ok(Scheme::Https),
        "ssh" => Ok(Scheme::Ssh),
        _ => Err(Failure::new(format!("git URL scheme '{scheme}' not supported, can be: ssh, http and https"))
            .hint("git@host:org/repository is written ssh://git@host/org/repository")),
    }
}
