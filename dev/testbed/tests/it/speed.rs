//! Bounds that the embedded API server holds, loose enough for a busy machine and a debug build; `xtask bench` measures.

use std::time::Instant;

use apiserver::{Options, Server};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use tempfile::TempDir;

async fn client(server: &Server) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&server.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

fn map(name: String) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name);
    map.data = Some([("x".to_owned(), "x".repeat(1024))].into());
    map
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives() {
    let folder = TempDir::new().unwrap();
    let options = Options { data_dir: Some(folder.path().to_owned()), ..Options::default() };
    let server = Server::start(options.clone()).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client(&server).await, "default");
    let made = maps.create(&PostParams::default(), &map("kept".to_owned())).await.unwrap();
    maps.create(&PostParams::default(), &map("gone".to_owned())).await.unwrap();
    maps.delete("gone", &DeleteParams::default()).await.unwrap();
    server.shutdown().await;

    let server = Server::start(options).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client(&server).await, "default");
    let found = maps.get("kept").await.unwrap();
    assert_eq!(found.metadata.uid, made.metadata.uid);
    assert_eq!(found.metadata.resource_version, made.metadata.resource_version);
    assert!(maps.get_opt("gone").await.unwrap().is_none());
    let newer = maps.create(&PostParams::default(), &map("new".to_owned())).await.unwrap();
    let number = |map: &ConfigMap| map.metadata.resource_version.as_deref().unwrap().parse::<u64>().unwrap();
    assert!(number(&newer) > number(&made), "revisions never go back");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_objects_are_made_and_listed() {
    let started = Instant::now();
    let server = Server::start(Options::default()).await.unwrap();
    println!("speed: serving after {:?}", started.elapsed());
    let client = client(&server).await;
    let started = Instant::now();
    let writers = (0..20).map(|writer| {
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
        tokio::spawn(async move {
            for at in 0..500 {
                maps.create(&PostParams::default(), &map(format!("m-{writer}-{at}"))).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    println!("speed: 10,000 creates in {:?}", started.elapsed());
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let started = Instant::now();
    let list = maps.list(&ListParams::default()).await.unwrap();
    println!("speed: a list of {} in {:?}", list.items.len(), started.elapsed());
    assert_eq!(list.items.len(), 10_001);
    let page = maps.list(&ListParams::default().limit(500)).await.unwrap();
    assert_eq!((page.items.len(), page.metadata.remaining_item_count), (500, Some(9_501)));
}
