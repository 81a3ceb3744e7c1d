//! Enough of PEM and DER to tell a certificate from something else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Whether a text holds at least one PEM block `CERTIFICATE` whose content has a certificate's outline.
///
/// # Deviation
/// Go parses the certificate whole. Here a certificate with a broken inside passes, and the API server refuses it,
/// saying why.
pub(super) fn holds_a_certificate(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    blocks.filter_map(|rest| rest.split_once("-----END CERTIFICATE-----")).any(|(body, _)| {
        let body: String = body.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
        BASE64.decode(body).is_ok_and(|der| has_outline_of_certificate(&der))
    })
}

/// A sequence of a sequence (what is signed), a sequence (the algorithm) and a bit string (the signature).
fn has_outline_of_certificate(der: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let parts = || {
        let (content, _) = element(der, SEQUENCE)?;
        let (_, rest) = element(content, SEQUENCE)?;
        let (_, rest) = element(rest, SEQUENCE)?;
        element(rest, BIT_STRING)
    };
    parts().is_some()
}

/// Splits off one element with a tag: its content and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (head, rest) = der.split_first_chunk::<2>()?;
    let [found, short] = *head;
    if found != tag {
        return None;
    }
    let (length, rest) = if short < 0x80 {
        (usize::from(short), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
        let length =
            digits.iter().try_fold(0usize, |length, digit| length.checked_mul(256)?.checked_add((*digit).into()))?;
        (length, rest)
    };
    rest.split_at_checked(length)
}
