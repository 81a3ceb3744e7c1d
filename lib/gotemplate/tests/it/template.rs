//! Go's own tables of templates that parse, execute, or fail.

use gotemplate::{Funcs, Nesting, Templates};

use crate::corpus;
use crate::data;

#[test]
fn every_case_of_gos_parse_table_holds() {
    let Some(file) = corpus::read("go-parse.json") else { return };
    let cases = corpus::cases(&file);
    let failures =
        cases.iter().filter_map(|case| parse_case(case).err().map(|why| format!("{case}: {why}"))).collect::<Vec<_>>();
    corpus::settle("go-parse", cases.len(), 144, &failures);
}

fn parse_case(case: &serde_json::Value) -> Result<(), String> {
    let table = case["table"].as_str().unwrap();
    let (name, expect) = (case["name"].as_str().unwrap(), case["expect"].as_str().unwrap());
    // Go's test allows three parentheses, and its templates have their case's name where an error may show it.
    let nesting = Nesting { parens: 3, ..Nesting::default() };
    let mut templates = Templates::new(Funcs::new()).nesting(nesting);
    let file = if table == "errorTests" { name } else { "test" };
    let parsed = templates.parse(file, case["template"].as_str().unwrap());
    match (parsed, case["error"].as_bool().unwrap()) {
        (Ok(()), true) => Err("should not parse".to_owned()),
        (Err(error), false) => Err(error.to_string()),
        (Err(error), true) => {
            let error = error.to_string();
            // The first table repeats the template where it expects no particular words.
            let said = expect.is_empty() || expect == case["template"].as_str().unwrap() || error.contains(expect);
            if said { Ok(()) } else { Err(error) }
        }
        (Ok(()), false) => {
            let text = templates.tree_text("test", table == "tests").unwrap();
            if text == expect { Ok(()) } else { Err(text) }
        }
    }
}

#[test]
fn every_case_of_gos_execution_tables_holds() {
    let Some(file) = corpus::read("go-exec.json") else { return };
    let cases = corpus::cases(&file);
    let failures =
        cases.iter().filter_map(|case| exec_case(case).err().map(|why| format!("{case}: {why}"))).collect::<Vec<_>>();
    corpus::settle("go-exec", cases.len(), 600, &failures);
}

fn exec_case(case: &serde_json::Value) -> Result<(), String> {
    let name = case["name"].as_str().unwrap();
    let mut templates = data::templates(case["table"].as_str().unwrap());
    let result =
        templates.parse("test", case["template"].as_str().unwrap()).map_err(|error| error.to_string()).and_then(|()| {
            let data = data::value(name, &case["data"]);
            templates.execute("test", data, &mut data::session()).map_err(|error| error.to_string())
        });
    match (result, case["error"].as_bool().unwrap()) {
        (Ok(text), true) => Err(format!("printed {text}")),
        (Err(error), false) => Err(error),
        (Err(_), true) => Ok(()),
        (Ok(text), false) if text == case["expect"].as_str().unwrap_or_default() => Ok(()),
        (Ok(text), false) => Err(text.to_string()),
    }
}
