//! `include`, `tpl`, `required`, `fail`, `lookup`.

use std::sync::Arc;

use gotemplate::{Args, Call, Fault, Funcs, Map, Str, Templates, Type, Value};
use memchr::memmem;

use super::Lookup;
use crate::spelling::nearest;
use crate::values;

/// The name under which `tpl` parses: Helm's for the set that all templates belong to.
const TPL_NAME: &str = "gotpl";

pub(super) fn register(funcs: &mut Funcs, lookup: Option<Arc<dyn Lookup>>) {
    const TEXTS: &[Type] = &[Type::String, Type::String, Type::String, Type::String];
    funcs.add("include", &[Type::String, Type::Any], include);
    funcs.add("tpl", &[Type::String, Type::Any], tpl);
    funcs.add("required", &[Type::String, Type::Any], |_, args| match args.get(1) {
        Value::Nil => Err(Fault::Refused(args.text(0)?.into_owned())),
        Value::String(text) if text.is_empty() => Err(Fault::Refused(args.text(0)?.into_owned())),
        value => Ok(value.clone()),
    });
    funcs.add("lookup", TEXTS, move |_, args| {
        let Some(lookup) = &lookup else { return Ok(Map::new().into()) };
        let found = lookup.lookup(&args.text(0)?, &args.text(1)?, &args.text(2)?, &args.text(3)?);
        Ok(match found.map_err(Fault::message)? {
            Some(serde_json::Value::Object(object)) => values::to_map(&object).into(),
            _ => Map::new().into(),
        })
    });
}

/// The templates that are rendered together.
fn siblings<'t>(call: &Call<'t>, function: &str) -> Result<&'t Templates, Fault> {
    call.templates().ok_or_else(|| {
        Fault::message(format!(
            "{function} needs the other templates of a chart; move the text into a file below templates/"
        ))
    })
}

fn include(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let templates = siblings(call, "include")?;
    let name = args.text(0)?;
    if !templates.contains(&name) {
        return Err(unknown_template(&name, templates));
    }
    Ok(call.execute(templates, &name, args.get(1).clone())?.into())
}

fn unknown_template(name: &str, templates: &Templates) -> Fault {
    let message = format!("template: no template {name:?} associated with template {TPL_NAME:?}");
    Fault::message(match nearest(name, templates.names().filter_map(Str::as_str)) {
        Some(nearest) => format!("{message}; did you mean {nearest:?}?"),
        None => format!("{message}; a chart that defines it may be missing in charts/"),
    })
}

/// Renders a text as a template that sees all others; what it defines is seen by nobody else.
///
/// # Deviation
/// Helm repeats the whole text in the error, which may hold passwords; here the error says where in the text.
fn tpl(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let text = args.string(0)?;
    if memmem::find(text.as_bytes(), b"{{").is_none() {
        return Ok(without_no_value(text).into());
    }
    call.spend_steps(text.len())?;
    let templates = siblings(call, "tpl")?;
    let mut overlay = templates.overlay();
    overlay.parse(TPL_NAME, text)?;
    let rendered = call.execute(&overlay, TPL_NAME, args.get(1).clone())?;
    Ok(without_no_value(&rendered).into())
}

/// What Go prints for what is missing, even where Helm wants nothing; Helm takes it out again.
const NO_VALUE: &str = "<no value>";

fn without_no_value(text: &Str) -> Str {
    text.as_str().and_then(replaced).map_or_else(|| text.clone(), Str::from)
}

/// The text that a file printed, as it is written down.
pub(crate) fn text_of(printed: Vec<u8>) -> String {
    match String::from_utf8(printed) {
        Ok(mut text) => replaced(&text).unwrap_or_else(|| {
            text.shrink_to_fit();
            text
        }),
        Err(error) => Str::from(error.into_bytes()).to_str().into_owned(),
    }
}

/// The text without what stands for no value, if that is in it.
fn replaced(text: &str) -> Option<String> {
    memmem::find(text.as_bytes(), NO_VALUE.as_bytes()).map(|_| text.replace(NO_VALUE, ""))
}

#[cfg(test)]
mod tests {
    use gotemplate::{Limits, Moment, Session};

    use super::*;

    #[test]
    fn without_a_chart_the_error_says_what_to_do() {
        let mut funcs = Funcs::new();
        register(&mut funcs, None);
        for (function, text) in [("include", "name"), ("tpl", "{{ . }}")] {
            let mut session = Session::new(Moment::default(), |bytes: &mut [u8]| bytes.fill(4), Limits::default());
            let args = [text.into(), Value::Nil];
            let error = funcs.get(function).unwrap().invoke(&mut Call::outside(&mut session), Args::new(&args));
            let error = error.unwrap_err().to_string();
            assert!(error.contains(&format!("{function} needs the other templates of a chart")), "{error}");
        }
    }
}
