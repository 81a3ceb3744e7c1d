//! Whom we trust, and who we are, over SSH.

use fetch::git::keys::{self, Curve, KeyKind, KeyPair};
use fetch::git::{Outcome, SshAlgorithms};
use testbed::git::{GitSsh, HostKey};

use crate::{World, branch, contents, fetch_with, fetched, refused};

/// Our key in PEM, and a server that lets it in.
async fn server(world: &World, ours: HostKey, theirs: &[HostKey]) -> (String, GitSsh) {
    let key = ours.generate().unwrap();
    let server = GitSsh::start(world.folder.path(), key.public_key(), theirs).await.unwrap();
    (pem(&key), server)
}

fn pem(key: &russh::keys::PrivateKey) -> String {
    key.to_openssh(russh::keys::ssh_key::LineEnding::LF).unwrap().to_string()
}

#[tokio::test]
async fn every_kind_of_key_is_let_in() {
    let (world, ids) = World::filled();
    for kind in [HostKey::Ed25519, HostKey::Ecdsa, HostKey::Rsa] {
        let (identity, server) = server(&world, kind, &[kind]).await;
        let hosts = server.known_hosts().unwrap();
        let mut request = world.request(&server.url(), branch("main"));
        let data = [("identity", identity.as_str()), ("known_hosts", &hosts)];
        let first = fetched(&request, &data).await;
        assert_eq!(first.commit.id, ids[2], "{kind:?}");
        assert_eq!(contents(&first.files)["a.yaml"], "n: 3\n");
        request.last = Some(first.revision);
        assert!(matches!(fetch_with(&request, &data).await, Ok(Outcome::Unchanged(_))));
        world.check_nothing_left();
    }
}

#[tokio::test]
async fn an_encrypted_key_needs_its_passphrase() {
    let (world, ids) = World::filled();
    let key = HostKey::Ed25519.generate().unwrap();
    let server = GitSsh::start(world.folder.path(), key.public_key(), &[HostKey::Ed25519]).await.unwrap();
    let identity = pem(&key.encrypt(&mut russh::keys::key::safe_rng(), "open sesame").unwrap());
    let hosts = server.known_hosts().unwrap();
    let request = world.request(&server.url(), branch("main"));
    let data = |password: Option<&'static str>| {
        let mut data = vec![("identity", identity.as_str()), ("known_hosts", hosts.as_str())];
        data.extend(password.map(|password| ("password", password)));
        data
    };
    assert_eq!(fetched(&request, &data(Some("open sesame"))).await.commit.id, ids[2]);
    let why = |text: &str| format!("unable to construct auth method with options: {text}");
    assert_eq!(
        refused(&request, &data(None)).await,
        why("the SSH identity is encrypted and there is no 'password' for it")
    );
    assert_eq!(
        refused(&request, &data(Some("wrong"))).await,
        why("the SSH identity cannot be decrypted with the 'password'")
    );
    let nonsense = [("identity", "nonsense"), ("known_hosts", hosts.as_str())];
    assert_eq!(
        refused(&request, &nonsense).await,
        why("the SSH identity is not a private key in OpenSSH, PKCS#1 or PKCS#8 format")
    );
}

#[tokio::test]
async fn s3_an_unknown_or_changed_host_key_ends_the_connection() {
    let (world, _) = World::filled();
    let (identity, server) = server(&world, HostKey::Ed25519, &[HostKey::Ed25519]).await;
    let request = world.request(&server.url(), branch("main"));
    let check = async |hosts: String, problem: &str| {
        let message = refused(&request, &[("identity", identity.as_str()), ("known_hosts", &hosts)]).await;
        assert!(message.contains(&format!("ssh: handshake failed: knownhosts: {problem}")), "{message}");
        message
    };
    let good = server.known_hosts().unwrap();
    let elsewhere = good.replace(&server.host(), "example.com");
    let message = check(elsewhere, "key is unknown; the server shows ssh-ed25519 SHA256:").await;
    assert!(message.contains(good.trim()), "the message holds the line to add: {message}");
    let other = HostKey::Ed25519.generate().unwrap().public_key().to_openssh().unwrap();
    check(format!("{} {other}\n", server.host()), "key mismatch").await;
    check(format!("{good}@revoked * {}", good.split_once(' ').unwrap().1), "key is revoked").await;
}

#[tokio::test]
async fn s3_only_kinds_of_host_keys_that_are_known_are_asked_for() {
    let (world, ids) = World::filled();
    let (identity, server) = server(&world, HostKey::Ed25519, &[HostKey::Ed25519, HostKey::Rsa]).await;
    let all = server.known_hosts().unwrap();
    let rsa = all.lines().find(|line| line.contains("ssh-rsa")).unwrap();
    let mut request = world.request(&server.url(), branch("main"));
    let data = [("identity", identity.as_str()), ("known_hosts", rsa)];
    assert_eq!(fetched(&request, &data).await.commit.id, ids[2], "the better key that we do not know is not used");
    request.ssh = SshAlgorithms { host_key: vec!["ssh-ed25519".into()], ..SshAlgorithms::default() };
    assert!(refused(&request, &data).await.contains("knownhosts: key mismatch"));
    request.ssh = SshAlgorithms { kex: vec!["nonsense".into()], ..SshAlgorithms::default() };
    assert!(refused(&request, &data).await.contains("no supported key exchange among nonsense"));
}

#[tokio::test]
async fn a_stranger_and_a_missing_repository_are_refused_in_the_servers_words() {
    let (world, _) = World::filled();
    let (identity, server) = server(&world, HostKey::Ed25519, &[HostKey::Ed25519]).await;
    let hosts = server.known_hosts().unwrap();
    let mut request = world.request(&server.url(), branch("main"));
    let stranger = pem(&HostKey::Ed25519.generate().unwrap());
    let message = refused(&request, &[("identity", stranger.as_str()), ("known_hosts", &hosts)]).await;
    assert!(message.contains("ssh: unable to authenticate as 'git': the server refuses the key SHA256:"), "{message}");
    request.url.set_path("/none.git");
    let message = refused(&request, &[("identity", identity.as_str()), ("known_hosts", &hosts)]).await;
    assert!(message.contains("repository not found: ") && message.contains("does not appear to be a git"), "{message}");
    request.url = "ssh://git@127.0.0.1:1/x.git".parse().unwrap();
    let message = refused(&request, &[("identity", identity.as_str()), ("known_hosts", &hosts)]).await;
    assert_eq!(
        message,
        "unable to clone 'ssh://git@127.0.0.1:1/x.git': dial tcp 127.0.0.1:1: connect: connection refused"
    );
}

#[tokio::test]
async fn a_new_key_and_a_collected_host_key_are_enough() {
    let (world, ids) = World::filled();
    let ours = KeyPair::generate(KeyKind::Ecdsa(Curve::P384)).unwrap();
    let public = russh::keys::PublicKey::from_openssh(&ours.public).unwrap();
    let server = GitSsh::start(world.folder.path(), &public, &[HostKey::Ed25519]).await.unwrap();
    let url: url::Url = server.url().parse().unwrap();
    let hosts = keys::host_key("127.0.0.1", url.port()).await.unwrap();
    assert_eq!(format!("{hosts}\n"), server.known_hosts().unwrap());
    let request = world.request(&server.url(), branch("main"));
    let identity = ours.identity.expose_text();
    let data = [("identity", identity.as_ref()), ("known_hosts", hosts.as_str())];
    assert_eq!(fetched(&request, &data).await.commit.id, ids[2]);
    let nobody = keys::host_key("127.0.0.1", Some(1)).await.unwrap_err().to_string();
    assert!(nobody.starts_with("SSH key scan for host '127.0.0.1:1' failed: "), "{nobody}");
}
