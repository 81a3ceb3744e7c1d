//! What the file server answers.

use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, IF_MODIFIED_SINCE, LAST_MODIFIED, RANGE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tree::Tree;

use crate::{World, client};

#[tokio::test]
async fn a_stored_file_is_served_whole_or_in_part() {
    let world = World::new().await;
    let artifact = world.put(&Tree::from([("a.yaml", "x: 1")]));
    let whole = client().get(&artifact.url).send().await.unwrap();
    assert_eq!(whole.status(), 200);
    let modified = whole.headers()[LAST_MODIFIED].clone();
    assert_eq!(whole.headers()[CONTENT_LENGTH], artifact.size.to_string());
    let bytes = whole.bytes().await.unwrap();
    assert_eq!(artifact.digest.algorithm().hash(&bytes[..]).unwrap(), artifact.digest);

    let part = client().get(&artifact.url).header(RANGE, "bytes=2-5").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()[CONTENT_RANGE], format!("bytes 2-5/{}", artifact.size));
    assert_eq!(part.bytes().await.unwrap(), bytes.slice(2..6));
    let tail = client().get(&artifact.url).header(RANGE, "bytes=-3").send().await.unwrap();
    assert_eq!(tail.bytes().await.unwrap(), bytes.slice(bytes.len() - 3..));
    let beyond = client().get(&artifact.url).header(RANGE, "bytes=99999-").send().await.unwrap();
    assert_eq!(beyond.status(), 416);

    let again = client().get(&artifact.url).header(IF_MODIFIED_SINCE, modified).send().await.unwrap();
    assert_eq!(again.status(), 304);
    let head = client().head(&artifact.url).send().await.unwrap();
    assert_eq!(head.headers()[CONTENT_LENGTH], artifact.size.to_string());
    let post = client().post(&artifact.url).send().await.unwrap();
    assert_eq!(post.status(), 405);
    let root = client().get(format!("http://{}/", world.host)).send().await.unwrap();
    assert_eq!((root.status().as_u16(), root.text().await.unwrap().as_str()), (200, ""));
}

#[tokio::test]
async fn a5_no_listing_and_no_way_out_of_the_store() {
    let world = World::new().await;
    world.put(&Tree::new());
    std::fs::write(world.root.path().join("secret"), "s").unwrap();
    // Raw requests: a well-behaved client would tidy these paths up.
    for path in [
        "/gitrepository",
        "/gitrepository/",
        "/gitrepository/default/podinfo/",
        "/../secret",
        "/gitrepository/default/podinfo/../../../../secret",
        "/gitrepository/default/%2e%2e/%2e%2e/secret",
        "//etc/passwd",
        "/gitrepository/default/podinfo/.tmp-0",
    ] {
        let mut stream = tokio::net::TcpStream::connect(&world.host).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", world.host);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}
