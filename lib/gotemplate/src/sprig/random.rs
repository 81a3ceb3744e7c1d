//! Random text, numbers and identifiers, from the session's randomness.

use crate::funcs::{Args, Call, Fault, Funcs};
use crate::value::{Type, Value};

pub(super) fn register(funcs: &mut Funcs) {
    const INT: &[Type] = &[Type::Int];
    const DIGITS: &str = "0123456789";
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    funcs.add("randNumeric", INT, |call, args| characters(call, args, DIGITS.as_bytes()));
    funcs.add("randAlpha", INT, |call, args| characters(call, args, LETTERS.as_bytes()));
    funcs.add("randAlphaNum", INT, |call, args| characters(call, args, &[DIGITS, LETTERS].concat().into_bytes()));
    funcs.add("randAscii", INT, |call, args| characters(call, args, &(32..127).collect::<Vec<u8>>()));
    funcs.add("randInt", &[Type::Int, Type::Int], |call, args| {
        let (min, max) = (args.int(0)?, args.int(1)?);
        let span = max.checked_sub(min).and_then(|span| u64::try_from(span).ok()).filter(|span| *span > 0);
        let span = span.ok_or_else(|| Fault::message("invalid argument to Intn"))?;
        Ok(Value::Int(min.wrapping_add_unsigned(below(call, span))))
    });
    funcs.add("randBytes", INT, |call, args| {
        let count = usize::try_from(args.int(0)?);
        let count = count.map_err(|_| Fault::message("runtime error: makeslice: len out of range"))?;
        call.spend_bytes(count.saturating_mul(2))?;
        let mut bytes = vec![0; count];
        call.random(&mut bytes);
        Ok(super::encoding::base64(&bytes).into())
    });
    funcs.add("uuidv4", &[], |call, _| Ok(uuid(call).into()));
    funcs.add("shuffle", &[Type::String], |call, args| {
        let mut chars: Vec<char> = args.text(0)?.chars().collect();
        for i in (1..chars.len()).rev() {
            let other = below(call, i as u64 + 1);
            chars.swap(i, usize::try_from(other).unwrap_or(i));
        }
        Ok(String::from_iter(chars).into())
    });
}

fn characters(call: &mut Call<'_>, args: Args<'_>, alphabet: &[u8]) -> Result<Value, Fault> {
    let count = usize::try_from(args.int(0)?).unwrap_or(0);
    call.spend_steps(count)?;
    call.spend_bytes(count)?;
    let mut text = String::with_capacity(count);
    for _ in 0..count {
        let choice = usize::try_from(below(call, alphabet.len() as u64)).unwrap_or(0);
        text.extend(alphabet.get(choice).map(|byte| char::from(*byte)));
    }
    Ok(text.into())
}

/// A number below `bound`, each as likely as any other.
fn below(call: &mut Call<'_>, bound: u64) -> u64 {
    let unbiased = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        call.random(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        // A source that only ever gives large numbers is broken; its answer is taken rather than waited for.
        if number < unbiased || bytes == [0xff; 8] {
            return number % bound;
        }
    }
}

fn uuid(call: &mut Call<'_>) -> String {
    let mut bytes = [0; 16];
    call.random(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = super::encoding::hex(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
