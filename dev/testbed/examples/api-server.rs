//! The embedded API server as a process of its own, so that tests can freeze, kill and restart it like the real one.
#![allow(clippy::print_stderr, reason = "it is a command")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use apiserver::{Options, Server, User};

/// Nothing that needs a node ever becomes ready, as on a control plane without any.
const NEVER: Duration = Duration::from_hours(10_000);

#[tokio::main]
async fn main() -> ExitCode {
    // Whoever was first has the same provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [port, data_dir, audit_log, tokens] = args.as_slice() else {
        eprintln!("usage: api-server PORT DATA-DIR AUDIT-LOG TOKENS.CSV");
        return ExitCode::FAILURE;
    };
    let users = match std::fs::read_to_string(tokens) {
        Ok(text) => text.lines().filter_map(user).collect(),
        Err(error) => {
            eprintln!("read {tokens}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let options = Options {
        data_dir: Some(PathBuf::from(data_dir)),
        port: port.parse().unwrap_or_default(),
        users,
        audit_log: Some(PathBuf::from(audit_log)),
        ready_after: Some(NEVER),
    };
    match Server::start(options).await {
        Ok(server) => {
            // The test ends this process, in whatever way; SIGTERM ends it in good order.
            let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
            let Ok(mut terminate) = terminate else { return ExitCode::FAILURE };
            terminate.recv().await;
            server.shutdown().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
            ExitCode::FAILURE
        }
    }
}

/// A line of a token file: `TOKEN,NAME,UID,"GROUP,GROUP"`.
fn user(line: &str) -> Option<(String, User)> {
    let mut fields = line.splitn(4, ',');
    let (token, name, uid) = (fields.next()?, fields.next()?, fields.next()?);
    let groups = fields.next().unwrap_or_default().trim_matches('"');
    let groups = groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned);
    let groups = groups.chain(["system:authenticated".to_owned()]).collect();
    let user = User { name: name.to_owned(), uid: uid.to_owned(), groups, ..User::default() };
    Some((token.to_owned(), user))
}
