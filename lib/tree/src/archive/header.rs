//! The 512 bytes before each entry of a tar archive.

use super::BLOCK;

/// Byte ranges of the fields that matter here (POSIX `ustar`).
mod field {
    use std::ops::Range;

    pub(super) const NAME: Range<usize> = 0..100;
    pub(super) const MODE: Range<usize> = 100..108;
    pub(super) const UID: Range<usize> = 108..116;
    pub(super) const GID: Range<usize> = 116..124;
    pub(super) const SIZE: Range<usize> = 124..136;
    pub(super) const MTIME: Range<usize> = 136..148;
    pub(super) const CHECKSUM: Range<usize> = 148..156;
    pub(super) const TYPE: usize = 156;
    pub(super) const MAGIC: Range<usize> = 257..265;
    pub(super) const DEV_MAJOR: Range<usize> = 329..337;
    pub(super) const DEV_MINOR: Range<usize> = 337..345;
    pub(super) const PREFIX: Range<usize> = 345..500;
}

const USTAR: &[u8; 8] = b"ustar\x0000";

/// One header block.
pub(super) struct Header(pub(super) [u8; BLOCK]);

impl Header {
    /// A scrubbed header: owned by nobody, from no time. The name must have been split by [`split`].
    pub(super) fn new(prefix: &[u8], name: &[u8], kind: u8, mode: u64, size: u64) -> Self {
        let mut header = Self([0; BLOCK]);
        header.put(field::NAME, name);
        header.put(field::PREFIX, prefix);
        header.put(field::MAGIC, USTAR);
        header.0[field::TYPE] = kind;
        header.put_octal(field::MODE, mode);
        header.put_octal(field::SIZE, size);
        for zero in [field::UID, field::GID, field::MTIME, field::DEV_MAJOR, field::DEV_MINOR] {
            header.put_octal(zero, 0);
        }
        let sum = header.checksum();
        header.put(field::CHECKSUM, format!("{sum:06o}\0 ").as_bytes());
        header
    }

    pub(super) fn kind(&self) -> u8 {
        self.0[field::TYPE]
    }

    /// The whole name, prefix included.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(&self.0[field::NAME]);
        // Old GNU headers keep times where POSIX keeps the prefix.
        let prefix = if &self.0[field::MAGIC] == USTAR { text(&self.0[field::PREFIX]) } else { &[] };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    pub(super) fn size(&self) -> Option<u64> {
        number(&self.0[field::SIZE])
    }

    pub(super) fn mode(&self) -> Option<u64> {
        number(&self.0[field::MODE])
    }

    /// Whether the checksum is right, summed as bytes or, as some old writers did, as signed characters.
    pub(super) fn is_whole(&self) -> bool {
        let Some(expected) = number(&self.0[field::CHECKSUM]) else { return false };
        let signed: i64 = self.without_checksum().map(|byte| i64::from(byte.cast_signed())).sum();
        expected == self.checksum() || i64::try_from(expected) == Ok(signed)
    }

    fn checksum(&self) -> u64 {
        self.without_checksum().map(u64::from).sum()
    }

    /// The bytes with blanks in place of the checksum.
    fn without_checksum(&self) -> impl Iterator<Item = u8> {
        self.0.iter().enumerate().map(|(at, byte)| if field::CHECKSUM.contains(&at) { b' ' } else { *byte })
    }

    fn put(&mut self, range: std::ops::Range<usize>, bytes: &[u8]) {
        let room = &mut self.0[range];
        let length = bytes.len().min(room.len());
        room[..length].copy_from_slice(&bytes[..length]);
    }

    /// An octal number, or where it does not fit the big-endian form that every reader since GNU tar knows.
    fn put_octal(&mut self, range: std::ops::Range<usize>, value: u64) {
        let digits = range.len() - 1;
        let octal = format!("{value:0digits$o}");
        if octal.len() <= digits {
            self.put(range, octal.as_bytes());
            return;
        }
        let mut wide = vec![0; range.len()];
        let start = wide.len() - 8;
        wide[start..].copy_from_slice(&value.to_be_bytes());
        wide[0] |= 0x80;
        self.put(range, &wide);
    }
}

/// Splits a name at a slash so that both halves fit their fields; none when no slash does.
pub(super) fn split(name: &str) -> Option<(&str, &str)> {
    if name.len() <= field::NAME.len() {
        return Some(("", name));
    }
    let fits = |&(at, _): &(usize, &str)| at <= field::PREFIX.len() && name.len() - at - 1 <= field::NAME.len();
    name.rmatch_indices('/').find(fits).map(|(at, _)| (&name[..at], &name[at + 1..]))
}

/// A field up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// An octal or big-endian number; none when it is neither, negative or too big.
fn number(field: &[u8]) -> Option<u64> {
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        if field[0] & 0x40 != 0 {
            return None;
        }
        let digits = field.iter().enumerate().map(|(at, byte)| if at == 0 { byte & 0x7f } else { *byte });
        return digits.into_iter().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(byte)));
    }
    let digits = field.iter().copied().skip_while(|byte| *byte == b' ').take_while(|byte| !matches!(byte, 0 | b' '));
    digits.into_iter().try_fold(0_u64, |sum, byte| match byte {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}
