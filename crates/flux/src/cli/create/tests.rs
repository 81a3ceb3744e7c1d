//! What `flux create` makes of what was typed.

use clap::Parser;
use testbed::git::{GitSsh, HostKey};

use super::*;
use crate::cli::settings::Environment;

#[derive(Parser)]
struct Typed {
    #[command(flatten)]
    args: Args,
}

/// What `flux create … --export` prints, or the message of the failure.
async fn exported(typed: &str) -> Result<String, String> {
    let words = std::iter::once("create").chain(typed.split(' ')).chain(["--export"]);
    let args = Typed::parse_from(words).args;
    let printed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut out = Output::new(Box::new(Shared(printed.clone())), Box::new(std::io::sink()));
    let settings = Settings::new(crate::cli::settings::Args::default(), &Environment::default(), &mut out).unwrap();
    run(args, &settings, &mut out).await.map_err(|failure| failure.message().to_owned())?;
    let printed = printed.lock().unwrap().clone();
    Ok(String::from_utf8(printed).unwrap())
}

struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_source_is_exported_with_one_reference() {
    let typed =
        "source git webapp --url=https://example.com/webapp --branch=main --tag=v1 --interval=90s --label=team=a";
    assert_eq!(
        exported(typed).await.unwrap(),
        "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata:\n  labels:\n    team: a\n  \
         name: webapp\n  namespace: flux-system\nspec:\n  interval: 1m30s\n  ref:\n    tag: v1\n  \
         url: https://example.com/webapp\n"
    );
}

#[tokio::test]
async fn a_kustomization_is_exported_with_what_was_typed() {
    let typed = "ks webapp --source=webapp.apps --path=./deploy/ --prune --wait --depends-on=a,b/c --interval=10m";
    assert_eq!(
        exported(typed).await.unwrap(),
        "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: webapp\n  \
         namespace: flux-system\nspec:\n  dependsOn:\n  - name: a\n  - name: c\n    namespace: b\n  \
         interval: 10m0s\n  path: ./deploy\n  prune: true\n  sourceRef:\n    kind: GitRepository\n    \
         name: webapp\n    namespace: apps\n  timeout: 2m0s\n  wait: true\n"
    );
}

#[tokio::test]
async fn credentials_are_exported_as_a_secret() {
    let typed = "secret git webapp --url=https://example.com/webapp --username=me --password=token";
    assert_eq!(
        exported(typed).await.unwrap(),
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: webapp\n  namespace: flux-system\nstringData:\n  \
         password: token\n  username: me\n"
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_reason() {
    for (typed, message) in [
        ("source git --url=https://x/y --branch=main", "name is required"),
        ("source git webapp --branch=main", "url is required"),
        (
            "source git webapp --url=git@x:y --branch=main",
            "git URL scheme '' not supported, can be: ssh, http and https",
        ),
        (
            "source git webapp --url=https://x/y",
            "a Git ref is required, use one of the following: --branch, --tag, --commit, --ref-name or --tag-semver",
        ),
        ("ks webapp --path=./", "source is required"),
        ("ks webapp --source=x --label=a", "invalid label format 'a', must be key=value"),
        ("ks webapp --source=x --label=a!=b", "invalid label 'a!'"),
        (
            "secret git webapp --url=https://x/y --username=me",
            "for Git over HTTP/S the username and password, or a bearer token is required",
        ),
        (
            "secret git webapp --url=https://x/y --username=me --password=p --bearer-token=t",
            "user credentials and bearer token cannot be used together",
        ),
    ] {
        assert_eq!(exported(typed).await.unwrap_err(), message, "{typed}");
    }
    for name in ["a", "ab-", "Ab", "a.b", &"a".repeat(64)] {
        let refused = exported(&format!("ks {name} --source=x")).await.unwrap_err();
        assert!(refused.starts_with(&format!("name '{name}' is invalid")), "{refused}");
    }
}

#[tokio::test]
async fn a_key_for_ssh_is_made_and_the_servers_is_collected() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = HostKey::Ed25519.generate().unwrap();
    let server = GitSsh::start(folder.path(), nobody.public_key(), &[HostKey::Ecdsa]).await.unwrap();
    let url = server.url();
    let text = exported(&format!("secret git webapp --url={url}/org/app --ssh-key-algorithm=ed25519")).await.unwrap();
    let secret = &yaml::to_values(&text, yaml::Schema::V2).unwrap()[0]["stringData"];
    assert!(secret["identity"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"), "{text}");
    assert!(secret["identity.pub"].as_str().unwrap().starts_with("ssh-ed25519 "), "{text}");
    assert_eq!(format!("{}\n", secret["known_hosts"].as_str().unwrap()), server.known_hosts().unwrap());
    let refused = exported(&format!("secret git webapp --url={url}/org/app --private-key-file=/dev/null")).await;
    assert_eq!(refused.unwrap_err(), "the SSH identity is not a private key in OpenSSH, PKCS#1 or PKCS#8 format");
}
