//! What goes over the wire: lines with their length in front, a list of references, a pack.

use std::io::{BufWriter, Write};
use std::path::Path;

use bytes::{Buf, Bytes, BytesMut};
use gix_hash::ObjectId;

use super::connection::Body;
use super::error::RemoteError;

/// Servers may look for this; it says that we are no browser.
pub(super) const AGENT: &str = concat!("git/2.0 (fluxide/", env!("CARGO_PKG_VERSION"), ")");

const FLUSH: &[u8] = b"0000";
/// Progress that a server reports is of interest only when it fails, and then only its end.
const PROGRESS: usize = 1024;

/// What a server has.
#[derive(Debug, Default)]
pub(super) struct Advertisement {
    /// Those that were asked to be kept, by full name; peeled tags end in `^{}`.
    pub(super) refs: Vec<(String, ObjectId)>,
    /// No references at all.
    pub(super) is_empty: bool,
    /// The branch that HEAD stands for.
    pub(super) head: Option<String>,
    pub(super) capabilities: Vec<String>,
}

impl Advertisement {
    pub(super) fn find(&self, name: &str) -> Option<ObjectId> {
        self.refs.iter().find(|(other, _)| other == name).map(|(_, id)| *id)
    }

    fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|other| other == capability)
    }

    /// Reads a list of references, keeping only those that matter.
    pub(super) async fn read(lines: &mut Lines<'_>, keep: impl Fn(&str) -> bool) -> Result<Self, RemoteError> {
        let mut found = Self { is_empty: true, ..Self::default() };
        let mut first = true;
        loop {
            let line = match lines.next().await? {
                Some(Line::Data(line)) => line,
                Some(Line::Flush) => return Ok(found),
                // Over SSH a server that cannot serve says why on another channel and hangs up.
                None => return Err(RemoteError::Protocol { what: "the list of references ends early" }),
            };
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            if let Some(message) = line.strip_prefix(b"ERR ") {
                return Err(refusal(message));
            }
            if line.starts_with(b"# service=") {
                // Only HTTP has this header; a flush ends it.
                while !matches!(lines.next().await?, Some(Line::Flush) | None) {}
                continue;
            }
            if line.starts_with(b"version ") || line.starts_with(b"shallow ") {
                continue;
            }
            let mut halves = line.splitn(2, |byte| *byte == 0);
            let reference = halves.next().unwrap_or_default();
            if first {
                found.read_capabilities(halves.next().unwrap_or_default())?;
                first = false;
            }
            found.read_reference(reference, &keep)?;
        }
    }

    fn read_capabilities(&mut self, text: &[u8]) -> Result<(), RemoteError> {
        self.capabilities = String::from_utf8_lossy(text).split_whitespace().map(str::to_owned).collect();
        self.head = self.capabilities.iter().find_map(|text| text.strip_prefix("symref=HEAD:")).map(str::to_owned);
        if self.can("object-format=sha256") { Err(RemoteError::Sha256) } else { Ok(()) }
    }

    fn read_reference(&mut self, line: &[u8], keep: impl Fn(&str) -> bool) -> Result<(), RemoteError> {
        let malformed = || RemoteError::Protocol { what: "a reference without an id" };
        let blank = line.iter().position(|byte| *byte == b' ').ok_or_else(malformed)?;
        let (id, name) = (&line[..blank], &line[blank + 1..]);
        if id.len() == 64 {
            return Err(RemoteError::Sha256);
        }
        let id = ObjectId::from_hex(id).map_err(|_| malformed())?;
        if name == b"capabilities^{}" {
            return Ok(());
        }
        self.is_empty = false;
        if let Ok(name) = std::str::from_utf8(name)
            && keep(name)
        {
            self.refs.push((name.to_owned(), id));
        }
        Ok(())
    }

    /// A request for objects by one who has none.
    pub(super) fn request(&self, wants: &[ObjectId], shallow: bool) -> Vec<u8> {
        let known = ["side-band-64k", "ofs-delta", "no-progress", "include-tag"];
        let mut capabilities: Vec<&str> = known.into_iter().filter(|capability| self.can(capability)).collect();
        let agent = format!("agent={}", AGENT.replace(' ', "-"));
        capabilities.push(&agent);
        let mut request = Vec::new();
        for (at, want) in wants.iter().enumerate() {
            let capabilities = if at == 0 { format!(" {}", capabilities.join(" ")) } else { String::new() };
            line(&mut request, &format!("want {want}{capabilities}\n"));
        }
        if shallow && self.can("shallow") {
            line(&mut request, "deepen 1\n");
        }
        request.extend_from_slice(FLUSH);
        line(&mut request, "done\n");
        request
    }

    /// Whether the pack comes wrapped in lines.
    pub(super) fn has_side_band(&self) -> bool {
        self.can("side-band-64k")
    }
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(format!("{:04x}{text}", text.len() + 4).as_bytes());
}

/// What a server says instead of an answer. Hosting services use it for repositories that are not there.
pub(super) fn refusal(message: &[u8]) -> RemoteError {
    let message = String::from_utf8_lossy(message).trim().to_owned();
    let lower = message.to_lowercase();
    if lower.contains("not found") || lower.contains("does not exist") || lower.contains("does not appear to be a git")
    {
        return RemoteError::NotFound { reason: message };
    }
    RemoteError::Remote { message }
}

pub(super) enum Line {
    Data(Bytes),
    Flush,
}

/// Lines with their length in front, of an answer that may not be longer than a limit.
pub(super) struct Lines<'a> {
    body: Body<'a>,
    buffer: BytesMut,
    taken: u64,
    limit: u64,
    what: &'static str,
}

impl<'a> Lines<'a> {
    pub(super) fn new(body: Body<'a>, limit: u64, what: &'static str) -> Self {
        Self { body, buffer: BytesMut::new(), taken: 0, limit, what }
    }

    /// The next line; none at the end of the answer.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, RemoteError> {
        if !self.fill(4).await? {
            return if self.buffer.is_empty() { Ok(None) } else { Err(Self::broken()) };
        }
        let length = std::str::from_utf8(&self.buffer[..4]).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        match length {
            Some(0) => {
                self.buffer.advance(4);
                Ok(Some(Line::Flush))
            }
            Some(length @ 4..) => {
                if !self.fill(length).await? {
                    return Err(Self::broken());
                }
                self.buffer.advance(4);
                Ok(Some(Line::Data(self.buffer.split_to(length - 4).freeze())))
            }
            _ => Err(RemoteError::Protocol { what: "a line without a length" }),
        }
    }

    /// Waits until that many bytes are there; false when the answer ends before.
    async fn fill(&mut self, count: usize) -> Result<bool, RemoteError> {
        while self.buffer.len() < count {
            match self.chunk().await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Bytes as they come, for packs that are not wrapped in lines.
    async fn raw(&mut self) -> Result<Option<Bytes>, RemoteError> {
        if !self.buffer.is_empty() {
            return Ok(Some(self.buffer.split().freeze()));
        }
        self.chunk().await
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, RemoteError> {
        let chunk = self.body.chunk().await?;
        self.taken += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        if self.taken > self.limit {
            return Err(RemoteError::TooLarge { what: self.what, limit: self.limit });
        }
        Ok(chunk)
    }

    fn broken() -> RemoteError {
        RemoteError::Protocol { what: "the answer ends within a line" }
    }
}

/// The answer to a request for objects.
pub(super) struct Answer<'a> {
    pub(super) body: Body<'a>,
    pub(super) side_band: bool,
}

/// Writes the pack of an answer to a new file.
pub(super) async fn save_pack(answer: Answer<'_>, path: &Path, limit: u64) -> Result<(), RemoteError> {
    let mut lines = Lines::new(answer.body, limit, "the pack");
    // First the commits at which history was cut, in a section of their own; then that nothing was in common.
    loop {
        match lines.next().await? {
            Some(Line::Flush) => {}
            Some(Line::Data(line)) if line.starts_with(b"shallow ") || line.starts_with(b"unshallow ") => {}
            Some(Line::Data(line)) if line.starts_with(b"NAK") || line.starts_with(b"ACK ") => break,
            Some(Line::Data(line)) => {
                return Err(match line.strip_prefix(b"ERR ") {
                    Some(message) => refusal(message),
                    None => RemoteError::Protocol { what: "an unknown line before the pack" },
                });
            }
            None => return Err(RemoteError::Protocol { what: "the answer ends before the pack" }),
        }
    }
    let disk = |source| RemoteError::Disk { source };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(disk)?;
    // Pieces are small and go to the page cache; a thread for each would cost more than it saves.
    let mut file = BufWriter::with_capacity(64 * 1024, file);
    if answer.side_band {
        let mut progress = Vec::new();
        while let Some(Line::Data(line)) = lines.next().await? {
            match line.split_first() {
                Some((1, data)) => file.write_all(data).map_err(disk)?,
                Some((2, text)) => {
                    progress.extend_from_slice(text);
                    let surplus = progress.len().saturating_sub(PROGRESS);
                    progress.drain(..surplus);
                }
                Some((3, text)) => {
                    progress.extend_from_slice(text);
                    return Err(refusal(&progress));
                }
                _ => return Err(RemoteError::Protocol { what: "data on an unknown channel" }),
            }
        }
    } else {
        while let Some(data) = lines.raw().await? {
            file.write_all(&data).map_err(disk)?;
        }
    }
    file.flush().map_err(disk)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use bytes::Bytes;
    use gix_hash::ObjectId;
    use proptest::prelude::*;

    use super::{Advertisement, Answer, Body, Lines, save_pack};

    fn packet(text: &str) -> String {
        format!("{:04x}{text}", text.len() + 4)
    }

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    fn read(bytes: impl Into<Vec<u8>>) -> Result<Advertisement, String> {
        let bytes: Vec<u8> = bytes.into();
        // One byte at a time is the worst that a network does.
        let chunks = bytes.into_iter().map(|byte| Bytes::from(vec![byte])).collect();
        let mut lines = Lines::new(Body::Chunks(chunks), 10_000, "the list of references");
        block_on(Advertisement::read(&mut lines, |_| true)).map_err(|error| error.to_string())
    }

    const ID: &str = "8fc8b3b08fc8b3b08fc8b3b08fc8b3b08fc8b3b0";

    #[test]
    fn references_and_capabilities_are_read() {
        let text = packet("# service=git-upload-pack\n")
            + "0000"
            + &packet(&format!("{ID} HEAD\0shallow ofs-delta symref=HEAD:refs/heads/main agent=git/2\n"))
            + &packet(&format!("{ID} refs/heads/main\n"))
            + "0000";
        let found = read(text).unwrap();
        let id = ObjectId::from_hex(ID.as_bytes()).unwrap();
        assert_eq!(found.refs, [("HEAD".to_owned(), id), ("refs/heads/main".to_owned(), id)]);
        assert_eq!(found.head.as_deref(), Some("refs/heads/main"));
        assert!(!found.is_empty && !found.has_side_band());
        let request = String::from_utf8(found.request(&[id, id], true)).unwrap();
        assert!(
            request.starts_with(&format!("{:04x}want {ID} ofs-delta agent=git/2.0-(fluxide/", 81 + 4))
                || request.contains("ofs-delta agent=")
        );
        assert!(request.ends_with(&format!("0032want {ID}\n000ddeepen 1\n00000009done\n")), "{request}");
    }

    #[test]
    fn an_empty_repository_is_told_from_a_broken_answer() {
        let none = "0".repeat(40);
        assert!(read(packet(&format!("{none} capabilities^{{}}\0shallow\n")) + "0000").unwrap().is_empty);
        assert!(read("0000").unwrap().is_empty);
        let early = "the server does not keep to the Git protocol: the list of references ends early";
        assert_eq!(read("").unwrap_err(), early);
        assert_eq!(read(packet(&format!("{ID} refs/heads/a\0\n"))).unwrap_err(), early);
        assert!(read("00").unwrap_err().ends_with("ends within a line"));
        assert!(read("zzzz").unwrap_err().ends_with("a line without a length"));
        assert!(read("0003").unwrap_err().ends_with("a line without a length"));
        assert!(read(packet("nonsense")).unwrap_err().ends_with("a reference without an id"));
        assert_eq!(
            read(packet("ERR Repository not found.")).unwrap_err(),
            "repository not found: Repository not found."
        );
        assert_eq!(read(packet("ERR go away")).unwrap_err(), "remote: go away");
        let sha256 = packet(&format!("{} HEAD\0object-format=sha256\n", "a".repeat(64)));
        assert!(read(sha256).unwrap_err().contains("SHA-256"));
    }

    #[test]
    fn r5_a_list_without_end_is_cut_off() {
        let text = packet(&format!("{ID} refs/heads/main\0\n")).repeat(1000);
        assert_eq!(read(text).unwrap_err(), "the list of references is larger than 10000 bytes");
    }

    fn save(text: &str, side_band: bool, limit: u64) -> Result<Vec<u8>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path: PathBuf = dir.path().join("pack");
        let body = Body::Chunks(text.bytes().map(|byte| Bytes::from(vec![byte])).collect());
        block_on(save_pack(Answer { body, side_band }, &path, limit)).map_err(|error| error.to_string())?;
        Ok(std::fs::read(path).unwrap())
    }

    #[test]
    fn a_pack_is_taken_out_of_its_wrapping() {
        let before = packet(&format!("shallow {ID}")) + "0000" + &packet("NAK\n");
        let wrapped = format!("{before}{}{}{}0000", packet("\u{1}PA"), packet("\u{2}counting"), packet("\u{1}CK"));
        assert_eq!(save(&wrapped, true, 1000).unwrap(), b"PACK");
        assert_eq!(save(&format!("{before}PACK"), false, 1000).unwrap(), b"PACK");
        assert_eq!(save(&wrapped, true, 20).unwrap_err(), "the pack is larger than 20 bytes");
        let failed = format!("{before}{}", packet("\u{3}not our ref"));
        assert_eq!(save(&failed, true, 1000).unwrap_err(), "remote: not our ref");
        assert_eq!(
            save(&packet("ERR upload-pack: not our ref"), true, 1000).unwrap_err(),
            "remote: upload-pack: not our ref"
        );
        assert!(save(&packet("hello"), true, 1000).unwrap_err().contains("an unknown line"));
        assert!(save("", true, 1000).unwrap_err().contains("ends before the pack"));
        assert!(save(&format!("{before}{}", packet("\u{7}x")), true, 1000).unwrap_err().contains("unknown channel"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(bytes);
        }

        #[test]
        fn any_lines_are_read_or_refused_without_panic(lines in prop::collection::vec(".{0,60}", 0..6)) {
            let _ = read(lines.iter().map(|line| packet(line)).collect::<String>());
        }
    }
}
