//! Random writes to the real API server: the objects and their owners after each are those that `ssa` says.

#![expect(clippy::panic, clippy::print_stdout, reason = "a test that says what it ran")]

use differential::{kinds, sequence, server};
use fastrand::Rng;
use futures::StreamExt;
use schema::{Id, Schemas};
use testbed::{ControlPlane, Namespace};

/// So many sequences run where nobody asks for more.
const FEW: u64 = 60;
/// So many at once.
const AT_ONCE: usize = 6;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

#[test]
fn all_kinds_of_kubernetes_fit_in_little_memory() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let plane = ControlPlane::start().await.unwrap();
        let client = plane.client().await.unwrap();
        let index = server::get(&client, "/openapi/v3").await.unwrap();
        let mut schemas = Schemas::new();
        let ours = format!("{:?}", described(&schemas, schemas.object_meta(), 4));
        let mut documents = 0;
        for path in index["paths"].as_object().unwrap().keys() {
            let document = server::get(&client, &format!("/openapi/v3/{path}")).await.unwrap();
            // Documents of paths that serve no kinds have no schemas.
            if document["components"]["schemas"].is_object() {
                schemas.add_openapi(&document).unwrap_or_else(|error| panic!("{path}: {error}"));
                documents += 1;
            }
        }
        let (kinds, size) = (schemas.kinds().len(), schemas.size());
        println!("differential schemas: {documents} cases (documents), {kinds} kinds in {} KiB", size >> 10);
        assert!(documents >= 40 && kinds >= 250 && size < 4 << 20);
        // What we say of ObjectMeta without a document is what the API server says.
        let mut fresh = Schemas::new();
        let document = server::get(&client, "/openapi/v3/api/v1").await.unwrap();
        let renamed = document.to_string().replace("apis.meta.v1.ObjectMeta", "apis.meta.v1.Theirs");
        fresh.add_openapi(&serde_json::from_str(&renamed).unwrap()).unwrap();
        let theirs = fresh.definition("io.k8s.apimachinery.pkg.apis.meta.v1.Theirs").unwrap();
        assert_eq!(format!("{:?}", described(&fresh, theirs, 4)), ours);
    });
}

/// A type and what is below it, without what merging does not read.
fn described(schemas: &Schemas, id: Id, depth: usize) -> Vec<String> {
    let node = schemas.node(id);
    let keys = schemas.item_keys(id);
    let mut lines =
        vec![format!("{:?} {:?} {:?} {:?} {:?} {keys:?}", node.kind, node.format, node.list, node.map, node.patch)];
    if depth > 0 {
        lines.extend(node.items.into_iter().flat_map(|items| described(schemas, items, depth - 1)));
        for field in schemas.fields(id) {
            lines.push(field.name.to_string());
            lines.extend(described(schemas, field.node, depth - 1));
        }
    }
    lines
}

#[test]
fn writes_of_three_managers_end_as_on_the_real_api_server() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let plane = ControlPlane::start().await.unwrap();
        let client = plane.client().await.unwrap();
        let namespace = Namespace::named(&client, "differential").await.unwrap();
        // It would write to Deployments between our writes.
        plane.controller_manager().stop();
        let count = number("SEQUENCES").unwrap_or(FEW);
        let first = number("SEED").unwrap_or(1);
        let mut rng = Rng::with_seed(number("SCHEMAS").unwrap_or(first));
        let customs = usize::try_from(count / 20).unwrap().clamp(6, 40);
        let kinds = kinds::all(&client, &mut rng, "differential.example.org", customs).await.unwrap();
        let runs = futures::stream::iter(first..first + count)
            .map(|seed| sequence::run(&client, &kinds, namespace.name(), seed))
            .buffer_unordered(AT_ONCE);
        let results: Vec<_> = runs.collect().await;
        let differences: Vec<&String> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        let steps: usize = results.iter().flatten().map(|count| count.steps).sum();
        let refused: usize = results.iter().flatten().map(|count| count.refused).sum();
        println!(
            "differential ssa: {} cases from seed {first}: {steps} writes to {customs} CRDs and {} built-in kinds, {refused} of \
             which changed nothing; {} differ",
            results.len(),
            kinds.len() - customs,
            differences.len()
        );
        for difference in differences.iter().take(usize::try_from(number("SHOW").unwrap_or(3)).unwrap()) {
            println!("{difference}\n");
        }
        assert!(differences.is_empty(), "{} of {count} sequences differ", differences.len());
        assert!(refused * 2 < steps, "most writes changed nothing: {refused} of {steps}");
    });
}
