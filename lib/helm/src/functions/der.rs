//! As much of DER and PEM as certificates need.

use gotemplate::sprig::encoding::{base64, from_base64};

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// Writes one element: tag, length, content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if let Ok(length @ 0..0x80) = u8::try_from(content.len()) {
        out.push(length);
    } else {
        let bytes = content.len().to_be_bytes();
        let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(0)..];
        out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(0));
        out.extend_from_slice(bytes);
    }
    out.extend_from_slice(content);
    out
}

/// Writes an element of elements.
pub(super) fn of(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    element(tag, &parts.concat())
}

/// Writes an object identifier.
pub(super) fn oid(numbers: &[u32]) -> Vec<u8> {
    let mut content = Vec::new();
    let first = numbers.first().copied().unwrap_or(0) * 40 + numbers.get(1).copied().unwrap_or(0);
    for number in std::iter::once(first).chain(numbers.iter().skip(2).copied()) {
        let groups = (32 - number.leading_zeros()).div_ceil(7).max(1);
        for i in (0..groups).rev() {
            let group = u8::try_from((number >> (7 * i)) & 0x7f).unwrap_or(0);
            content.push(if i > 0 { group | 0x80 } else { group });
        }
    }
    element(OID, &content)
}

/// Writes a positive integer of big-endian bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..];
    let sign: &[u8] = if bytes.first().is_none_or(|byte| *byte >= 0x80) { &[0] } else { &[] };
    of(INTEGER, &[sign, bytes])
}

/// One element: its tag, its content, the whole of it, and what follows.
pub(super) type Taken<'d> = (u8, &'d [u8], &'d [u8], &'d [u8]);

/// Takes one element off.
pub(super) fn take(der: &[u8]) -> Option<Taken<'_>> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.len() > 4 {
            return None;
        }
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, &der[..der.len() - after.len()], after))
}

/// Writes a PEM block.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let body = base64(der);
    let lines: Vec<&str> = (0..body.len()).step_by(64).filter_map(|i| body.get(i..body.len().min(i + 64))).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Reads the first PEM block: its label and content.
pub(super) fn from_pem(text: &str) -> Option<(String, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    // Headers such as `Proc-Type: 4,ENCRYPTED` end at a blank line.
    let body = if body.contains(':') { body.split_once("\n\n")?.1 } else { body };
    let body: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Some((label.to_owned(), from_base64(&body).ok()?))
}
