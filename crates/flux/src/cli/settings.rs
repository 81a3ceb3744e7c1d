//! The flags of every command, and what they come to together with the environment and the kubeconfig.

use std::{
    env,
    path::{Path, PathBuf},
};

use api::Duration;
use clap::builder::{StringValueParser, TypedValueParser};
use kube::config::Kubeconfig;

use crate::cli::{failure::Failure, output::Output};

/// The namespace that Flux lives in unless told otherwise.
const DEFAULT_NAMESPACE: &str = "flux-system";

// The flags of every command.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
#[group(skip)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Args {
    /// The namespace to work in [default: flux-system, or $FLUX_SYSTEM_NAMESPACE]
    #[arg(short, long, global = true)]
    namespace: Option<String>,
    /// How long the command may take
    #[arg(long, global = true, default_value = "5m0s")]
    timeout: Option<Duration>,
    /// Print what is made up
    #[arg(long, global = true)]
    verbose: bool,
    /// Work in the namespace of the kubeconfig's context, also by $FLUX_NS_FOLLOWS_KUBE_CONTEXT
    #[arg(long, global = true)]
    ns_follows_kube_context: bool,
    /// The kubeconfig file
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig
    #[arg(long, global = true)]
    context: Option<String>,
    /// The cluster in the kubeconfig
    #[arg(long, global = true)]
    cluster: Option<String>,
    /// The user in the kubeconfig
    #[arg(long, global = true)]
    user: Option<String>,
    /// The address of the API server
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// The bearer token for the API server
    #[arg(long, global = true, value_parser = secret())]
    token: Option<auth::Secret>,
    /// The user to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    impersonate: Option<String>,
    /// The groups to impersonate
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    impersonate_groups: Vec<String>,
    /// The UID to impersonate
    #[arg(long = "as-uid", global = true, value_name = "UID")]
    impersonate_uid: Option<String>,
    /// What else to impersonate, as key=value
    #[arg(long = "as-user-extra", global = true, value_name = "KEY=VALUE")]
    impersonate_extra: Vec<String>,
    /// The certificate authority of the API server
    #[arg(long, global = true, value_name = "FILE")]
    certificate_authority: Option<PathBuf>,
    /// The client certificate for the API server
    #[arg(long, global = true, value_name = "FILE")]
    client_certificate: Option<PathBuf>,
    /// The key of the client certificate
    #[arg(long, global = true, value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// The name that the API server's certificate has to hold
    #[arg(long, global = true, value_name = "NAME")]
    tls_server_name: Option<String>,
    /// Do not check the API server's certificate: everything said is open to others
    #[arg(long, global = true)]
    insecure_skip_tls_verify: bool,
    /// Ask for answers that are not compressed
    #[arg(long, global = true)]
    disable_compression: bool,
    /// Accepted for scripts that set it: nothing is cached on disk
    #[arg(long, global = true, value_name = "DIR", hide = true)]
    cache_dir: Option<PathBuf>,
    /// Accepted for scripts that set it: the API server's own fairness decides
    #[arg(long, global = true, value_name = "N", hide = true)]
    kube_api_qps: Option<f32>,
    /// Accepted for scripts that set it: the API server's own fairness decides
    #[arg(long, global = true, value_name = "N", hide = true)]
    kube_api_burst: Option<u32>,
}

impl Args {
    /// The namespace that was typed, for commands that work without a cluster and have a default of their own.
    pub(crate) fn namespace(&self) -> Result<Option<&str>, Failure> {
        match self.namespace.as_deref() {
            Some(typed) if !is_dns_label(typed) => Err(invalid_namespace(typed)),
            typed => Ok(typed),
        }
    }
}

fn invalid_namespace(text: &str) -> Failure {
    Failure::new(format!("namespace must be a valid DNS label: {text:?}"))
}

/// The environment variables that commands look at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    namespace: Option<String>,
    follows_context: bool,
}

impl Environment {
    /// Reads them from this process.
    pub(crate) fn of_process() -> Self {
        let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
        Self { namespace: set("FLUX_SYSTEM_NAMESPACE"), follows_context: set("FLUX_NS_FOLLOWS_KUBE_CONTEXT").is_some() }
    }
}

/// What every command is told.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The namespace to work in.
    pub(crate) namespace: String,
    /// How long the command may take.
    pub(crate) timeout: Duration,
    /// Whether to print what is made up.
    pub(crate) verbose: bool,
    /// How to reach the cluster.
    pub(crate) connection: Connection,
}

/// How to reach the cluster: the flags, still to be laid over the kubeconfig.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connection {
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) context: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) server: Option<String>,
    pub(crate) token: Option<auth::Secret>,
    pub(crate) impersonate: Option<String>,
    pub(crate) impersonate_groups: Vec<String>,
    pub(crate) impersonate_uid: Option<String>,
    pub(crate) impersonate_extra: Vec<String>,
    pub(crate) certificate_authority: Option<PathBuf>,
    pub(crate) client_certificate: Option<PathBuf>,
    pub(crate) client_key: Option<PathBuf>,
    pub(crate) tls_server_name: Option<String>,
    pub(crate) insecure_skip_tls_verify: bool,
    pub(crate) disable_compression: bool,
}

impl Settings {
    /// Puts together what was typed and what the environment says.
    ///
    /// # Deviation
    /// Flux does not look at the namespace's form, nor at the kubeconfig's context, for `create`: there one hook of its
    /// command line library hides another. Here all commands are alike.
    pub(crate) fn new(args: Args, environment: &Environment, out: &mut Output) -> Result<Self, Failure> {
        let timeout = args.timeout.unwrap_or(Duration::from_secs(300));
        let connection = Connection {
            kubeconfig: args.kubeconfig,
            context: args.context,
            cluster: args.cluster,
            user: args.user,
            server: args.server,
            token: args.token,
            impersonate: args.impersonate,
            impersonate_groups: args.impersonate_groups,
            impersonate_uid: args.impersonate_uid,
            impersonate_extra: args.impersonate_extra,
            certificate_authority: args.certificate_authority,
            client_certificate: args.client_certificate,
            client_key: args.client_key,
            tls_server_name: args.tls_server_name,
            insecure_skip_tls_verify: args.insecure_skip_tls_verify,
            disable_compression: args.disable_compression,
        };
        let mut namespace = DEFAULT_NAMESPACE.to_owned();
        match &environment.namespace {
            Some(wanted) if is_dns_label(wanted) => namespace.clone_from(wanted),
            Some(wanted) => out.warning(&format!(" ignoring invalid FLUX_SYSTEM_NAMESPACE: {wanted:?}")),
            None => {}
        }
        if let Some(typed) = args.namespace {
            namespace = typed;
        } else if (args.ns_follows_kube_context || environment.follows_context)
            && let Some(current) = connection.context_namespace()
        {
            namespace = current;
        }
        if !is_dns_label(&namespace) {
            return Err(invalid_namespace(&namespace));
        }
        Ok(Self { namespace, timeout, verbose: args.verbose, connection })
    }
}

impl Connection {
    /// The kubeconfig that is meant, if there is one.
    pub(crate) fn read(&self) -> Result<Kubeconfig, kube::config::KubeconfigError> {
        match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        }
    }

    /// The namespace that the context names, if it names one.
    fn context_namespace(&self) -> Option<String> {
        let kubeconfig = self.read().ok()?;
        let current = self.context.as_ref().or(kubeconfig.current_context.as_ref())?;
        let context = kubeconfig.contexts.iter().find(|context| &context.name == current)?;
        context.context.as_ref()?.namespace.clone().filter(|namespace| !namespace.is_empty())
    }
}

/// Whether a text can be a namespace: up to 63 lower-case letters, digits and inner dashes.
pub(crate) fn is_dns_label(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(|c| plain(*c))
        && bytes.last().is_some_and(|c| plain(*c))
        && bytes.iter().all(|c| plain(*c) || *c == b'-')
}

/// Reads a flag's value that must never be shown.
pub(crate) fn secret() -> impl TypedValueParser<Value = auth::Secret> {
    StringValueParser::new().map(auth::Secret::new)
}

/// Reads a file that a flag names.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Output {
        Output::new(Box::new(std::io::sink()), Box::new(std::io::sink()))
    }

    #[track_caller]
    fn check(flag: Option<&str>, variable: Option<&str>, wanted: Result<&str, &str>) {
        let args = Args { namespace: flag.map(str::to_owned), ..Args::default() };
        let environment = Environment { namespace: variable.map(str::to_owned), follows_context: false };
        let found = Settings::new(args, &environment, &mut quiet());
        let found = found.as_ref().map(|settings| settings.namespace.as_str()).map_err(Failure::message);
        assert_eq!(found, wanted);
    }

    #[test]
    fn the_flag_beats_the_variable_beats_the_default() {
        check(None, None, Ok("flux-system"));
        check(None, Some("apps"), Ok("apps"));
        check(Some("mine"), Some("apps"), Ok("mine"));
    }

    #[test]
    fn an_invalid_variable_is_passed_over_and_an_invalid_flag_refused() {
        check(None, Some("Not-A-Label"), Ok("flux-system"));
        check(Some("a.b"), None, Err("namespace must be a valid DNS label: \"a.b\""));
        check(Some(""), None, Err("namespace must be a valid DNS label: \"\""));
        check(Some("-a"), None, Err("namespace must be a valid DNS label: \"-a\""));
    }

    #[test]
    fn the_namespace_of_the_context_is_followed_on_demand() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        let text = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n\
                    - {name: a, context: {cluster: x, user: y, namespace: team-a}}\n\
                    - {name: b, context: {cluster: x, user: y}}\n";
        std::fs::write(&file, text).unwrap();
        for (context, wanted) in [(None, "team-a"), (Some("b"), "flux-system"), (Some("missing"), "flux-system")] {
            let args = Args {
                kubeconfig: Some(file.clone()),
                context: context.map(str::to_owned),
                ns_follows_kube_context: true,
                ..Args::default()
            };
            let settings = Settings::new(args, &Environment::default(), &mut quiet()).unwrap();
            assert_eq!(settings.namespace, wanted);
        }
    }
}
