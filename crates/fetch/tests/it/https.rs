//! Whom we trust, and who we are, over HTTP.

use std::sync::Arc;
use std::time::Duration;

use testbed::git::{Access, Authority, Settings};

use crate::{World, branch, closed_port, fetched, refused};

#[tokio::test]
async fn passwords_and_tokens_are_sent_at_once() {
    let (world, ids) = World::filled();
    let basic = world.serve(Settings { access: Access::Basic("u".into(), "p:w".into()), ..Settings::default() }).await;
    let request = world.request(basic.url(), branch("main"));
    assert_eq!(fetched(&request, &[("username", "u"), ("password", "p:w")]).await.commit.id, ids[2]);
    let mut with_userinfo = request.clone();
    with_userinfo.url = basic.url().replace("http://", "http://u:p%3Aw@").parse().unwrap();
    with_userinfo.url.set_path("/r.git");
    assert_eq!(fetched(&with_userinfo, &[]).await.commit.id, ids[2]);

    let bearer = world.serve(Settings { access: Access::Bearer("t0ken".into()), ..Settings::default() }).await;
    let request = world.request(bearer.url(), branch("main"));
    assert_eq!(fetched(&request, &[("bearerToken", "t0ken"), ("username", "x")]).await.commit.id, ids[2]);
    let message = refused(&request, &[("bearerToken", "wr0ng")]).await;
    assert_eq!(
        message.replace(bearer.url(), "<url>"),
        "unable to clone '<url>/r.git': authentication required: who are you? (401 Unauthorized)"
    );
    assert!(!message.contains("wr0ng"));
}

#[tokio::test]
async fn s4_a_refusal_does_not_show_the_credentials_of_the_url() {
    let (world, _) = World::filled();
    let server = world.serve(Settings { access: Access::Bearer("t".into()), ..Settings::default() }).await;
    let mut request = world.request(server.url(), branch("main"));
    request.url = server.url().replace("http://", "http://me:canary@").parse().unwrap();
    let message = refused(&request, &[]).await;
    assert!(!message.contains("canary") && !message.contains("me@"), "{message}");
    request.url =
        format!("http://me:canary@127.0.0.1:{}/r.git", closed_port(world.scratch.path()).await).parse().unwrap();
    let message = refused(&request, &[]).await;
    assert!(!message.contains("canary") && message.contains("connection refused"), "{message}");
}

#[tokio::test]
async fn s3_only_a_server_that_is_vouched_for_is_talked_to() {
    let (world, ids) = World::filled();
    let authority = Arc::new(Authority::new().unwrap());
    let server = world.serve(Settings { tls: Some(Arc::clone(&authority)), ..Settings::default() }).await;
    let request = world.request(server.url(), branch("main"));
    let ca = authority.certificate();
    assert_eq!(fetched(&request, &[("ca.crt", &ca)]).await.commit.id, ids[2]);
    assert_eq!(fetched(&request, &[("caFile", &ca)]).await.commit.id, ids[2]);
    let other = Authority::new().unwrap().certificate();
    for data in [&[][..], &[("ca.crt", other.as_str()), ("caFile", &ca)]] {
        let message = refused(&request, data).await;
        assert!(message.contains("invalid peer certificate: "), "{message}");
    }
    assert!(refused(&request, &[("ca.crt", "nonsense")]).await.contains("'ca.crt'"));
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_gets_one() {
    let (world, ids) = World::filled();
    let authority = Arc::new(Authority::new().unwrap());
    let settings = Settings { tls: Some(Arc::clone(&authority)), client_certificate: true, ..Settings::default() };
    let server = world.serve(settings).await;
    let request = world.request(server.url(), branch("main"));
    let ca = authority.certificate();
    let (certificate, key) = authority.issue().unwrap();
    let data = [("ca.crt", ca.as_str()), ("tls.crt", &certificate), ("tls.key", &key)];
    assert_eq!(fetched(&request, &data).await.commit.id, ids[2]);
    let message = refused(&request, &[("ca.crt", &ca)]).await;
    assert!(message.contains("CertificateRequired") || message.contains("certificate required"), "{message}");
}

#[tokio::test]
async fn the_way_to_a_server_is_told_where_it_ends() {
    let (world, _) = World::filled();
    let port = closed_port(world.scratch.path()).await;
    let message = refused(&world.request(&format!("http://127.0.0.1:{port}"), branch("main")), &[]).await;
    assert_eq!(
        message,
        format!(
            "unable to clone 'http://127.0.0.1:{port}/r.git': \
             Get \"http://127.0.0.1:{port}/r.git/info/refs?service=git-upload-pack\": \
             dial tcp 127.0.0.1:{port}: connect: connection refused"
        )
    );
    let server = world.serve(Settings::default()).await;
    let mut request = world.request(server.url(), branch("main"));
    request.url = format!("{}/none.git", server.url()).parse().unwrap();
    let message = refused(&request, &[]).await.replace(server.url(), "<url>");
    assert!(message.starts_with("unable to clone '<url>/none.git': repository not found: "), "{message}");
    request.last = Some("main@sha1:00".into());
    let message = refused(&request, &[]).await.replace(server.url(), "<url>");
    assert!(message.starts_with("unable to list remote for '<url>/none.git': repository not found: "), "{message}");
}

#[tokio::test]
async fn r6_a_server_that_stalls_is_left_at_the_deadline() {
    let (world, _) = World::filled();
    for (path, step) in [("info/refs", "listing the references"), ("git-upload-pack", "fetching the objects")] {
        let server = world.serve(Settings { stall: Some(path.into()), ..Settings::default() }).await;
        let mut request = world.request(server.url(), branch("main"));
        request.timeout = Duration::from_millis(500);
        let message = refused(&request, &[]).await.replace(server.url(), "<url>");
        let deadline = format!("{step} took longer than the timeout of 500ms: context deadline exceeded");
        assert!(message.contains("context deadline exceeded"), "{message}");
        assert!(message.ends_with(&deadline) || message.starts_with("unable to clone"), "{message}");
        world.check_nothing_left();
    }
}

#[tokio::test]
async fn s2_credentials_do_not_follow_a_redirect_to_another_server() {
    let (world, ids) = World::filled();
    let stranger = world.serve(Settings::default()).await;
    let moved = world.serve(Settings { redirect: Some(stranger.url().to_owned()), ..Settings::default() }).await;
    let request = world.request(moved.url(), branch("main"));
    assert_eq!(fetched(&request, &[("username", "u"), ("password", "canary")]).await.commit.id, ids[2]);
    assert!(moved.requests()[0].contains("Basic "));
    assert_eq!(stranger.requests(), ["GET /r.git/info/refs -", "POST /r.git/git-upload-pack -"]);
}
