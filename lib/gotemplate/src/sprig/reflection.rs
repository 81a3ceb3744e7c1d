//! Go's types and kinds as templates see them, and the functions that belong nowhere else.

use crate::funcs::{Fault, Funcs};
use crate::value::{Str, Type, deep_equal};

pub(super) fn register(funcs: &mut Funcs) {
    const ANY: &[Type] = &[Type::Any];
    const NAME_ANY: &[Type] = &[Type::String, Type::Any];
    funcs.add("typeOf", ANY, |_, args| Ok(Str::from(args.get(0).type_name()).into()));
    funcs.add("typeIs", NAME_ANY, |_, args| Ok((args.text(0)? == args.get(1).type_name()).into()));
    funcs.add("typeIsLike", NAME_ANY, |_, args| {
        let (wanted, found) = (args.text(0)?, args.get(1).type_name());
        Ok((wanted == found || found.strip_prefix('*') == Some(&*wanted)).into())
    });
    funcs.add("kindOf", ANY, |_, args| Ok(args.get(0).kind().name().into()));
    funcs.add("kindIs", NAME_ANY, |_, args| Ok((args.text(0)? == args.get(1).kind().name()).into()));
    funcs.add("deepEqual", &[Type::Any, Type::Any], |_, args| Ok(deep_equal(args.get(0), args.get(1))?.into()));
    funcs.add("fail", &[Type::String], |_, args| Err(Fault::Refused(args.text(0)?.into_owned())));
    // Helm leaves lookups to an option that Flux never sets; a chart must not tell anyone that it is rendered.
    funcs.add("getHostByName", &[Type::String], |_, _| Ok("".into()));
}
