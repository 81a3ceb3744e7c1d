//! Serves until it is stopped, and writes a kubeconfig: `cargo run -p apiserver --example serve -- KUBECONFIG [PORT [DATA_DIR]]`.
#![allow(clippy::print_stderr, reason = "it talks to a person")]

use std::process::ExitCode;

use apiserver::{Options, Server};

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let Some(file) = args.next() else {
        eprintln!("usage: serve KUBECONFIG [PORT [DATA_DIR]]");
        return ExitCode::FAILURE;
    };
    let port = args.next().and_then(|port| port.parse().ok()).unwrap_or_default();
    let options = Options { port, data_dir: args.next().map(Into::into), ..Options::default() };
    let started = std::time::Instant::now();
    let server = match Server::start(options).await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("cannot start: {error:?}");
            return ExitCode::FAILURE;
        }
    };
    eprintln!("serving on {} after {:?}", server.url(), started.elapsed());
    if let Err(error) = std::fs::write(&file, server.kubeconfig()) {
        eprintln!("cannot write {file}: {error}");
        return ExitCode::FAILURE;
    }
    // When nothing can be waited for, there is nothing to wait for.
    let _ = tokio::signal::ctrl_c().await;
    server.shutdown().await;
    ExitCode::SUCCESS
}
