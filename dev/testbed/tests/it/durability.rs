//! What the embedded API server acknowledged is there after a power failure, and nothing is there by half.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use testbed::{ControlPlane, Kind};

const ROUNDS: usize = 5;
const WRITERS: usize = 8;
/// What each object holds beside its number, twice, so that half of a write would show.
const FILLING: usize = 2048;

/// What a writer knows of its object: the number that was acknowledged, none after a deletion; and what it had asked for
/// when there was no answer.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    acknowledged: Option<usize>,
    asked: Option<Ask>,
}

/// What a writer asks for.
#[derive(Clone, Copy, Debug)]
enum Ask {
    Number(usize),
    Nothing,
}

impl Ask {
    /// The number that is there when it is done.
    fn outcome(self) -> Option<usize> {
        match self {
            Self::Number(number) => Some(number),
            Self::Nothing => None,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill_amid_parallel_writes() {
    let plane = ControlPlane::start_of(Kind::Embedded).await.unwrap();
    let mut known = vec![BTreeMap::new(); WRITERS];
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let client = plane.client().await.unwrap();
        let writers = known.into_iter().enumerate();
        let writers: Vec<_> =
            writers.map(|(writer, known)| tokio::spawn(write(client.clone(), writer, round, known))).collect();
        // The power fails at another moment of their work in every round.
        tokio::time::sleep(Duration::from_millis(400 + 170 * u64::try_from(round).unwrap())).await;
        plane.api_server().kill();
        known = Vec::new();
        for writer in writers {
            let (count, of_writer) = writer.await.unwrap();
            acknowledged += count;
            known.push(of_writer);
        }
        plane.api_server().start().unwrap();
        plane.ready().await.unwrap();
        let maps: Api<ConfigMap> = Api::namespaced(plane.client().await.unwrap(), "default");
        let list = maps.list(&ListParams::default().labels("writer")).await.unwrap();
        let found: BTreeMap<String, usize> =
            list.items.iter().map(|map| (map.metadata.name.clone().unwrap(), number(map))).collect();
        for (name, known) in known.iter_mut().flatten() {
            let now = found.get(name).copied();
            let is_asked = known.asked.is_some_and(|asked| asked.outcome() == now);
            assert!(now == known.acknowledged || is_asked, "round {round}: {name} is {now:?}, and {known:?}");
            *known = Known { acknowledged: now, asked: None };
        }
        let strangers = found.keys().filter(|name| !known.iter().any(|known| known.contains_key(*name)));
        assert_eq!(strangers.collect::<Vec<_>>(), Vec::<&String>::new(), "round {round}: nobody asked for them");
    }
    println!("durability: {acknowledged} acknowledged writes in {ROUNDS} rounds, all there");
    assert!(
        acknowledged > ROUNDS * WRITERS * 3,
        "too few writes were acknowledged for a failure to meet one: {acknowledged}"
    );
}

/// Creates, replaces, applies and deletes objects of its own, one after the other, until nobody answers.
async fn write(
    client: Client,
    writer: usize,
    round: usize,
    mut known: BTreeMap<String, Known>,
) -> (usize, BTreeMap<String, Known>) {
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let mut acknowledged = 0;
    for count in 0_usize.. {
        let name = format!("w{writer}-{}", count % 7);
        let known = known.entry(name.clone()).or_default();
        let number = round * 1_000_000 + count;
        let map = map(&name, number);
        let deletes = count % 5 == 4 && known.acknowledged.is_some();
        let asked = if deletes { Ask::Nothing } else { Ask::Number(number) };
        known.asked = Some(asked);
        let params = PatchParams::apply("durability").force();
        let result = match (asked, known.acknowledged, count % 2) {
            (Ask::Nothing, ..) => maps.delete(&name, &DeleteParams::default()).await.map(drop),
            (_, None, _) => maps.create(&PostParams::default(), &map).await.map(drop),
            (_, Some(_), 0) => maps.replace(&name, &PostParams::default(), &map).await.map(drop),
            (_, Some(_), _) => maps.patch(&name, &params, &Patch::Apply(&applied(&map))).await.map(drop),
        };
        match result {
            Ok(()) => {
                *known = Known { acknowledged: asked.outcome(), asked: None };
                acknowledged += 1;
            }
            Err(kube::Error::Api(status)) => panic!("{name}: {status:?}"),
            Err(_) => break,
        }
    }
    (acknowledged, known)
}

fn map(name: &str, number: usize) -> ConfigMap {
    let text = format!("{number} {}", "x".repeat(FILLING));
    let map = json!({
        "metadata": {"name": name, "labels": {"writer": "yes"}},
        "data": {"first": text, "last": text},
    });
    serde_json::from_value(map).unwrap()
}

fn applied(map: &ConfigMap) -> serde_json::Value {
    let mut object = serde_json::to_value(map).unwrap();
    object["apiVersion"] = "v1".into();
    object["kind"] = "ConfigMap".into();
    object
}

/// The number that an object holds, in both places.
fn number(map: &ConfigMap) -> usize {
    let data = map.data.as_ref().unwrap();
    assert_eq!(data["first"], data["last"], "half of a write");
    assert!(data["first"].ends_with(&"x".repeat(FILLING)), "half of a write");
    data["first"].split(' ').next().unwrap().parse().unwrap()
}
