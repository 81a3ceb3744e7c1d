//! Round trips, the canonical form, and archives that must be refused.

use std::io::{Read, Write};

use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::header::Header;
use super::{BLOCK, Limits, ReadArchiveError, read, write};
use crate::{Files, Ignore, Kind, Tree, TreePath};

const LIMITS: Limits = Limits { total: 1 << 20, file: 1 << 16, entries: 100 };

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = Header::new(b"", name.as_bytes(), kind, 0o644, content.len() as u64).0.to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    gzip(&[entries.concat(), vec![0; 2 * BLOCK]].concat())
}

fn refusal(entries: &[Vec<u8>]) -> String {
    read(archive(entries).as_slice(), &LIMITS).unwrap_err().to_string()
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

/// `name mode type size` of each header, extended headers included.
fn headers(archive: &[u8]) -> Vec<String> {
    let mut tar = Vec::new();
    GzDecoder::new(archive).read_to_end(&mut tar).unwrap();
    let (mut at, mut found) = (0, Vec::new());
    while tar[at..at + BLOCK].iter().any(|byte| *byte != 0) {
        let header = Header(tar[at..at + BLOCK].try_into().unwrap());
        assert!(header.is_whole());
        let size = header.size().unwrap();
        let name = String::from_utf8(header.name()).unwrap();
        found.push(format!("{name} {:o} {} {size}", header.mode().unwrap(), char::from(header.kind())));
        at += BLOCK + usize::try_from(size).unwrap().next_multiple_of(BLOCK);
    }
    assert_eq!(tar.len() - at, 2 * BLOCK, "two blocks of zeros end an archive");
    found
}

#[test]
fn an_archive_is_canonical() {
    let mut tree = Tree::from([("b/x", "1"), ("b.yaml", "22"), ("a", ""), ("docs/secret/x.md", ""), ("docs/y.md", "")]);
    tree.insert_executable(&path("run.sh"), "#!").unwrap();
    tree.insert_link(&path("link"), "b.yaml").unwrap();
    let ignore = Ignore::rules("docs/\n!docs/y.md");
    let bytes = write(&tree, &ignore, Vec::new()).unwrap();
    assert_eq!(
        headers(&bytes),
        [". 750 5 0", "a 600 0 0", "b 750 5 0", "b/x 600 0 1", "b.yaml 600 0 2", "docs/y.md 600 0 0", "run.sh 700 0 2",]
    );
    assert_eq!(bytes, write(&tree.clone(), &ignore, Vec::new()).unwrap());
}

#[test]
fn what_is_written_can_be_read() {
    let deep = path(&format!("{}/file.yaml", "directory/".repeat(30)));
    let long = path(&"n".repeat(300));
    let mut tree = Tree::from([("a/b.yaml", "kind: X\n"), ("ünïcode/ß", "x"), ("empty", "")]);
    tree.insert(&deep, "deep").unwrap();
    tree.insert_executable(&long, vec![7; 1000]).unwrap();
    tree.insert_dir(&path("hollow")).unwrap();
    let bytes = write(&tree, &Ignore::nothing(), Vec::new()).unwrap();
    assert_eq!(read(bytes.as_slice(), &LIMITS).unwrap(), tree);
}

#[test]
fn gnu_long_names_are_read() {
    let name = "long/".repeat(40) + "x";
    for end in ["", "\0"] {
        let text = format!("{name}{end}");
        let bytes = archive(&[entry("././@LongLink", b'L', text.as_bytes()), entry("long", b'0', b"1")]);
        assert_eq!(read(bytes.as_slice(), &LIMITS).unwrap().read(&path(&name)).unwrap(), b"1");
    }
}

#[test]
fn p2_names_that_leave_the_tree_are_refused() {
    for name in ["../x", "a/../../x", "a/..", "/etc/passwd", "a\\..\\b", "..", ""] {
        for kind in [b'0', b'5', b'2'] {
            let error = refusal(&[entry("good", b'0', b"1"), entry(name, kind, b"")]);
            assert_eq!(error, format!("tar contains the invalid name {name:?}"));
        }
    }
    let pax = |record: &str| entry("x", b'x', format!("{} {record}\n", record.len() + 4).as_bytes());
    assert_eq!(refusal(&[pax("path=../evil"), entry("good", b'0', b"")]), "tar contains the invalid name \"../evil\"");
    assert_eq!(refusal(&[pax("path=a\0b/cc"), entry("good", b'0', b"")]), "tar contains the invalid name \"a\\0b/cc\"");
}

#[test]
fn p2_a_name_longer_than_any_file_system_takes_is_refused() {
    let huge = entry("x", b'L', &vec![b'a'; 70_000]);
    assert_eq!(refusal(&[huge, entry("a", b'0', b"")]), "malformed tar archive: overlong extended header at byte 0");
}

#[test]
fn p3_symbolic_links_are_dropped_and_nothing_is_written_through_them() {
    let bytes = archive(&[entry("etc", b'2', b""), entry("etc/passwd", b'0', b"x")]);
    let tree = read(bytes.as_slice(), &LIMITS).unwrap();
    assert_eq!(tree.kind(&path("etc")).unwrap(), Some(Kind::Dir), "the link is gone; the file made a directory");
}

#[test]
fn p3_hard_links_and_devices_are_refused() {
    for kind in [b'1', b'3', b'4', b'6', b'S'] {
        let error = refusal(&[entry("a", kind, b"")]);
        assert_eq!(error, format!("tar entry \"a\" has the unsupported type {:?}", char::from(kind)));
    }
}

#[test]
fn r2_a_bomb_stops_at_the_limit() {
    let mut bomb = Header::new(b"", b"zeros", b'0', 0o644, 10 << 30).0.to_vec();
    bomb.resize(1 << 20, 0);
    let error = read(gzip(&bomb).as_slice(), &LIMITS).unwrap_err();
    assert_eq!(error.to_string(), "tar entry \"zeros\" exceeds the limit of 65536 bytes for one file");

    let files: Vec<_> = (0..40).map(|n| entry(&format!("f{n}"), b'0', &vec![0; 1 << 15])).collect();
    assert_eq!(refusal(&files), "tar entry \"f31\" exceeds the limit of 1048576 bytes in all");

    let files: Vec<_> = (0..101).map(|n| entry(&format!("f{n}"), b'0', b"")).collect();
    assert_eq!(refusal(&files), "tar entry \"f100\" exceeds the limit of 100 entries");
}

#[test]
fn r2_an_archive_that_ends_early_is_refused() {
    let whole = archive(&[entry("a", b'0', &[1; 2000])]);
    for cut in [0, 5, whole.len() / 2] {
        let error = read(&whole[..cut], &LIMITS);
        assert!(matches!(error, Err(ReadArchiveError::Read { .. })), "{cut}: {error:?}");
    }
    let cut = gzip(&entry("a", b'0', &[1; 2000])[..1000]);
    assert!(matches!(read(cut.as_slice(), &LIMITS), Err(ReadArchiveError::Read { offset: 1000, .. })));
}

#[test]
fn a_file_cannot_also_be_a_directory() {
    let error = refusal(&[entry("a", b'0', b""), entry("a/b", b'0', b"")]);
    assert_eq!(error, "tar entries contradict each other");
}

#[test]
fn a_wrong_checksum_is_refused() {
    let mut bad = entry("a", b'0', b"");
    bad[0] = b'b';
    assert_eq!(refusal(&[bad]), "malformed tar archive: header checksum at byte 0");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let _ = read(gzip(&bytes).as_slice(), &LIMITS);
        let _ = read(bytes.as_slice(), &LIMITS);
    }

    #[test]
    fn any_header_is_read_or_refused_without_panic(name in ".{0,90}", kind in any::<u8>(), size in any::<u64>()) {
        let header = Header::new(b"", name.as_bytes(), kind, 0o644, size).0.to_vec();
        if let Ok(tree) = read(gzip(&header).as_slice(), &LIMITS) {
            prop_assert!(tree.paths().all(|path| !path.as_str().contains("..") || path.parts().all(|part| part != "..")));
        }
    }

    #[test]
    fn any_tree_survives_the_round_trip(files in prop::collection::btree_map("[a-z]{1,3}(/[a-zé]{1,40}){0,5}", prop::collection::vec(any::<u8>(), 0..700), 0..20)) {
        let mut tree = Tree::new();
        for (path, bytes) in files {
            let _ = tree.insert(&TreePath::parse(&path).unwrap(), bytes);
        }
        let bytes = write(&tree, &Ignore::nothing(), Vec::new()).unwrap();
        prop_assert_eq!(read(bytes.as_slice(), &LIMITS).unwrap(), tree);
    }
}
