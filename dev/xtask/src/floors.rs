//! Holds the real dependencies against the tables of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::Outcome;
use crate::workspace::Workspace;

/// Where a crate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Floor {
    Number(u8),
    Dev,
}

struct Row {
    floor: Floor,
    uses: BTreeSet<String>,
}

/// What ARCHITECTURE.md says.
struct Rules {
    floors: BTreeMap<String, Row>,
    /// A crate from elsewhere, and who may name it.
    only_in: BTreeMap<String, BTreeSet<String>>,
}

/// What cargo says of one of our crates.
struct Crate {
    name: String,
    /// Its direct dependencies, ours and others', and whether tests alone use them.
    dependencies: Vec<(String, Use)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Ships,
    Tests,
}

/// Fails with everything that is wrong.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let rules = parse(&workspace.read("ARCHITECTURE.md")?)?;
    let crates = crates(workspace)?;
    let problems = problems(&rules, &crates);
    if problems.is_empty() {
        println!("floors: {} crates stand where ARCHITECTURE.md says", crates.len());
        return Ok(());
    }
    Err(format!("floors: the code and ARCHITECTURE.md differ:\n  {}", problems.join("\n  ")))
}

fn crates(workspace: &Workspace) -> Result<Vec<Crate>, String> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace.path("Cargo.toml"))
        .no_deps()
        .exec()
        .map_err(|e| format!("cargo metadata: {e}"))?;
    let crates = metadata.packages.iter().map(|package| Crate {
        name: package.name.to_string(),
        dependencies: package
            .dependencies
            .iter()
            .map(|d| (d.name.clone(), if d.kind == DependencyKind::Development { Use::Tests } else { Use::Ships }))
            .collect(),
    });
    Ok(crates.collect())
}

fn problems(rules: &Rules, crates: &[Crate]) -> Vec<String> {
    let mut problems = Vec::new();
    let names: BTreeSet<&str> = crates.iter().map(|c| c.name.as_str()).collect();
    for gone in rules.floors.keys().filter(|name| !names.contains(name.as_str())) {
        problems.push(format!("{gone} is in the table and does not exist"));
    }
    for krate in crates {
        let name = &krate.name;
        let Some(row) = rules.floors.get(name) else {
            problems.push(format!("{name} is missing from the table of floors"));
            continue;
        };
        for (dependency, purpose) in &krate.dependencies {
            let ours = rules.floors.get(dependency);
            let allowed = rules.only_in.get(dependency);
            if let Some(below) = ours {
                problems.extend(stands_wrong(name, row, dependency, below.floor, *purpose));
            } else if let Some(allowed) = allowed
                && *purpose == Use::Ships
                && !allowed.contains(name)
            {
                let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
                let places =
                    if allowed.is_empty() { "nowhere".to_owned() } else { format!("only in {}", allowed.join(", ")) };
                problems.push(format!("{name} names {dependency}, which is allowed {places}"));
            }
        }
    }
    problems
}

fn stands_wrong(name: &str, row: &Row, dependency: &str, below: Floor, purpose: Use) -> Option<String> {
    if row.floor == Floor::Dev {
        return None;
    }
    if below == Floor::Dev {
        return (purpose == Use::Ships).then(|| format!("{name} ships {dependency}, which is for tests"));
    }
    if below >= row.floor {
        let direction = if below == row.floor { "sideways" } else { "upward" };
        return Some(format!("{name} depends {direction} on {dependency}"));
    }
    (purpose == Use::Ships && !row.uses.contains(dependency))
        .then(|| format!("{name} uses {dependency}, which its row does not name"))
}

fn parse(text: &str) -> Result<Rules, String> {
    let mut floors = BTreeMap::new();
    for cells in table(text, "crate | floor | one line | uses (ours)")? {
        let [name, floor, _, uses] = cells.as_slice() else {
            return Err(format!(
                "ARCHITECTURE.md: a row of the floors has {} cells, not 4: {}",
                cells.len(),
                cells.join(" | ")
            ));
        };
        let floor = match floor.as_str() {
            "dev" => Floor::Dev,
            n => Floor::Number(n.parse().map_err(|_| format!("ARCHITECTURE.md: {name} has floor {n}"))?),
        };
        floors.insert(words(name).concat(), Row { floor, uses: words(uses).into_iter().collect() });
    }
    let mut only_in = BTreeMap::new();
    for cells in table(text, "crate from elsewhere | only in")? {
        let [names, places] = cells.as_slice() else {
            return Err(format!("ARCHITECTURE.md: a row of the absences has {} cells, not 2", cells.len()));
        };
        let places: BTreeSet<String> = words(places).into_iter().filter(|w| w != "nowhere").collect();
        if let Some(unknown) = places.iter().find(|place| !floors.contains_key(*place)) {
            return Err(format!("ARCHITECTURE.md: {names} is allowed in {unknown}, which has no floor"));
        }
        only_in.extend(words(names).into_iter().map(|name| (name, places.clone())));
    }
    Ok(Rules { floors, only_in })
}

/// The rows of the Markdown table with this header.
fn table(text: &str, header: &str) -> Result<Vec<Vec<String>>, String> {
    let mut lines = text.lines().skip_while(|l| l.trim_matches(['|', ' ']) != header);
    if lines.next().is_none() {
        return Err(format!("ARCHITECTURE.md has no table with the header | {header} |"));
    }
    let rows = lines.skip(1).take_while(|l| l.starts_with('|'));
    Ok(rows.map(|l| l.trim_matches(['|', ' ']).split(" | ").map(|c| c.trim().to_owned()).collect()).collect())
}

fn words(cell: &str) -> Vec<String> {
    cell.split_whitespace().map(|w| w.trim_matches('`').to_owned()).filter(|w| w != "-").collect()
}

#[cfg(test)]
mod tests {
    use super::{Crate, Use, parse, problems};

    const TEXT: &str = "\
| crate | floor | one line | uses (ours) |
|---|---|---|---|
| `low` | 0 | x | - |
| `side` | 0 | x | - |
| `high` | 1 | x | low |
| `bed` | dev | x | - |

| crate from elsewhere | only in |
|---|---|
| `kube` `gix` | high |
| `anyhow` | nowhere |
";

    #[track_caller]
    fn check(name: &str, dependency: &str, purpose: Use, expected: &str) {
        let mut crates: Vec<Crate> =
            ["low", "side", "high", "bed"].map(|name| Crate { name: name.into(), dependencies: Vec::new() }).into();
        match crates.iter_mut().find(|c| c.name == name) {
            Some(krate) => krate.dependencies.push((dependency.into(), purpose)),
            None => crates.push(Crate { name: name.into(), dependencies: Vec::new() }),
        }
        assert_eq!(problems(&parse(TEXT).unwrap(), &crates).join("; "), expected);
    }

    #[test]
    fn only_what_the_tables_say() {
        check("high", "low", Use::Ships, "");
        check("high", "side", Use::Ships, "high uses side, which its row does not name");
        check("high", "side", Use::Tests, "");
        check("low", "high", Use::Ships, "low depends upward on high");
        check("low", "high", Use::Tests, "low depends upward on high");
        check("low", "side", Use::Ships, "low depends sideways on side");
        check("high", "bed", Use::Tests, "");
        check("high", "bed", Use::Ships, "high ships bed, which is for tests");
        check("bed", "high", Use::Ships, "");
        check("high", "kube", Use::Ships, "");
        check("low", "gix", Use::Ships, "low names gix, which is allowed only in high");
        check("low", "gix", Use::Tests, "");
        check("bed", "anyhow", Use::Ships, "bed names anyhow, which is allowed nowhere");
        check("new", "", Use::Ships, "new is missing from the table of floors");
    }
}
