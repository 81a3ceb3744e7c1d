//! base64, base32, hexadecimal, and checksums.

use sha1::Digest as _;

use crate::funcs::Funcs;
use crate::value::{Str, Type};

pub(super) fn register(funcs: &mut Funcs) {
    const TEXT: &[Type] = &[Type::String];
    funcs.add("b64enc", TEXT, |_, args| Ok(base64(args.string(0)?.as_bytes()).into()));
    funcs.add("b32enc", TEXT, |_, args| Ok(base32(args.string(0)?.as_bytes()).into()));
    funcs.add("b64dec", TEXT, |_, args| Ok(decoded(from_base64(args.string(0)?.as_bytes()), "base64").into()));
    funcs.add("b32dec", TEXT, |_, args| Ok(decoded(from_base32(args.string(0)?.as_bytes()), "base32").into()));
    funcs.add("sha1sum", TEXT, |_, args| Ok(hex(&sha1::Sha1::digest(args.string(0)?.as_bytes())).into()));
    funcs.add("sha256sum", TEXT, |_, args| Ok(hex(&sha2::Sha256::digest(args.string(0)?.as_bytes())).into()));
    funcs.add("sha512sum", TEXT, |_, args| Ok(hex(&sha2::Sha512::digest(args.string(0)?.as_bytes())).into()));
    funcs.add("adler32sum", TEXT, |_, args| Ok(adler32(args.string(0)?.as_bytes()).to_string().into()));
}

/// Where text stops being what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Illegal(pub usize);

/// What sprig's decoders return: the bytes, or the error as text.
fn decoded(result: Result<Vec<u8>, Illegal>, encoding: &str) -> Str {
    match result {
        Ok(bytes) => bytes.into(),
        Err(Illegal(at)) => format!("illegal {encoding} data at input byte {at}").into(),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Encodes in the standard alphabet, padded.
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = (bits >> (18 - 6 * i)) & 63;
            out.push(if i > chunk.len() { '=' } else { char::from(BASE64[digit as usize]) });
        }
    }
    out
}

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let bits = chunk.iter().fold(0_u64, |bits, b| bits << 8 | u64::from(*b)) << (8 * (5 - chunk.len()));
        let digits = (chunk.len() * 8).div_ceil(5);
        for i in 0..8 {
            let digit = usize::try_from((bits >> (35 - 5 * i)) & 31).unwrap_or(0);
            out.push(if i >= digits { '=' } else { char::from(BASE32[digit]) });
        }
    }
    out
}

fn digit64(byte: u8) -> Option<u32> {
    let digit = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(digit))
}

/// Decodes padded base64; line breaks may stand anywhere.
///
/// # Errors
/// The position that Go's decoder names.
pub fn from_base64(text: &[u8]) -> Result<Vec<u8>, Illegal> {
    let is_break = |b: u8| b == b'\n' || b == b'\r';
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    loop {
        let (mut bits, mut count) = (0, 0);
        while count < 4 {
            let Some(byte) = text.get(at).copied() else {
                return if count == 0 { Ok(out) } else { Err(Illegal(at - count)) };
            };
            at += 1;
            if let Some(digit) = digit64(byte) {
                bits = bits << 6 | digit;
                count += 1;
            } else if is_break(byte) {
            } else if byte == b'=' && count >= 2 {
                return padded(text, at, count, bits, out);
            } else {
                return Err(Illegal(at - 1));
            }
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
}

/// Finishes at the first padding character, after which only the second and line breaks may come.
fn padded(text: &[u8], mut at: usize, count: usize, bits: u32, mut out: Vec<u8>) -> Result<Vec<u8>, Illegal> {
    let skip_breaks = |at: &mut usize| {
        while matches!(text.get(*at), Some(b'\n' | b'\r')) {
            *at += 1;
        }
    };
    if count == 2 {
        skip_breaks(&mut at);
        match text.get(at) {
            None => return Err(Illegal(text.len())),
            Some(b'=') => at += 1,
            Some(_) => return Err(Illegal(at - 1)),
        }
    }
    skip_breaks(&mut at);
    if at < text.len() {
        return Err(Illegal(at));
    }
    let bytes = (bits << (6 * (4 - count))).to_be_bytes();
    out.extend_from_slice(&bytes[1..count]);
    Ok(out)
}

/// Decodes padded base32; line breaks may stand anywhere.
fn from_base32(text: &[u8]) -> Result<Vec<u8>, Illegal> {
    let text: Vec<u8> = text.iter().copied().filter(|b| *b != b'\n' && *b != b'\r').collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    for (i, group) in text.chunks(8).enumerate() {
        let start = i * 8;
        let mut bits = 0_u64;
        let mut digits = 0;
        for (j, byte) in group.iter().enumerate() {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                b'=' if j >= 2 && start + 8 >= text.len() => {
                    if let Some(bad) = group[j..].iter().position(|b| *b != b'=') {
                        return Err(Illegal(start + j + bad - 1));
                    }
                    if group.len() < 8 {
                        return Err(Illegal(text.len()));
                    }
                    if matches!(j, 3 | 6) {
                        return Err(Illegal(start + j));
                    }
                    break;
                }
                _ => return Err(Illegal(start + j)),
            };
            bits = bits << 5 | u64::from(digit);
            digits += 1;
        }
        if group.len() < 8 {
            return Err(Illegal(start));
        }
        let bytes = (bits << (40 - 5 * digits)).to_be_bytes();
        out.extend_from_slice(&bytes[3..3 + digits * 5 / 8]);
    }
    Ok(out)
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut a, mut b) = (1, 0);
    for chunk in bytes.chunks(5_552) {
        for byte in chunk {
            a += u32::from(*byte);
            b += a;
        }
        a %= MODULUS;
        b %= MODULUS;
    }
    b << 16 | a
}
