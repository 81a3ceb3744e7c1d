//! Release records, as Helm's storage holds them: JSON, gzip, base64.
//!
//! # Source
//! Helm 4.2.4, `pkg/storage/driver/util.go` and `pkg/release/v1`. The JSON is what Go's encoder writes, field by field in
//! its order, because Flux computes digests of parts of it.

mod json;
mod name;

use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use gotemplate::sprig::encoding::{Illegal, base64, from_base64};
use serde_json::Value;

use crate::chart::{Chart, File, Metadata, MetadataError};
use crate::manifest::{Hook, HookEvent};
use crate::values::{Table, with_go_numbers};
pub use name::{MAX_NAME, NameError, ReleaseName};

/// One revision of a release.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// What happened to it.
    pub info: Info,
    /// The chart, without its subcharts: Helm does not store them.
    pub chart: Option<Chart>,
    /// What the user set, without the chart's defaults.
    pub config: Table,
    /// Every document under its source.
    pub manifest: String,
    /// Hooks and how they last ran.
    pub hooks: Vec<HookRecord>,
    /// From 1.
    pub version: i64,
    /// Where it is.
    pub namespace: String,
    /// `ssa` or `csa`; empty in records of Helm 3, which means `csa`.
    pub apply_method: String,
}

/// What happened to a release. Times are RFC 3339 texts, as stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Info {
    /// When its first revision was deployed.
    pub first_deployed: Option<String>,
    /// When this one was.
    pub last_deployed: Option<String>,
    /// When it was deleted.
    pub deleted: Option<String>,
    /// One sentence.
    pub description: String,
    /// `deployed`, `failed`, `pending-install`, …
    pub status: String,
    /// What `NOTES.txt` rendered to.
    pub notes: String,
    /// Live objects by kind, in records of `helm get` only.
    pub resources: Option<Value>,
}

/// A hook, and how it last ran.
#[derive(Debug, Clone, PartialEq)]
pub struct HookRecord {
    /// The hook.
    pub hook: Hook,
    /// When it last started.
    pub started_at: Option<String>,
    /// When it was done.
    pub completed_at: Option<String>,
    /// `Unknown`, `Running`, `Succeeded`, `Failed`; empty when it never ran.
    pub phase: String,
}

/// Why bytes are no release record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// They are not base64.
    #[error("release record: illegal base64 data at input byte {0}")]
    Base64(usize),
    /// They cannot be decompressed.
    #[error("decompress release record")]
    Gzip(#[source] std::io::Error),
    /// They are larger than allowed.
    #[error("release record is larger than {0} bytes")]
    TooLarge(u64),
    /// They are not JSON.
    #[error("read release record")]
    Json(#[source] serde_json::Error),
    /// A field has the wrong type.
    #[error("release record: {0} has the wrong type")]
    Field(&'static str),
    /// The chart's metadata is not valid.
    #[error("release record: chart metadata")]
    Metadata(#[source] MetadataError),
}

impl Release {
    /// Encodes the record as the value of a storage Secret's `release` key, before Kubernetes' own base64.
    pub fn encode(&self) -> String {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory cannot fail.
        let written = gzip.write_all(self.to_json().as_bytes()).and_then(|()| gzip.finish());
        base64(&written.unwrap_or_default())
    }

    /// The record as Go's JSON encoder writes it.
    pub fn to_json(&self) -> String {
        json::release(self)
    }

    /// Decodes a record, compressed or not, of at most `limit` bytes of JSON.
    pub fn decode(data: &[u8], limit: u64) -> Result<Self, DecodeError> {
        Self::from_json(&unpack(data, limit)?)
    }

    /// Reads a record's JSON.
    pub fn from_json(text: &[u8]) -> Result<Self, DecodeError> {
        let value: Value = serde_json::from_slice(text).map_err(DecodeError::Json)?;
        let fields = Fields(value.as_object().ok_or(DecodeError::Field("the record"))?);
        let info = match fields.object("info")? {
            None => Info::default(),
            Some(info) => Info {
                first_deployed: info.time("first_deployed")?,
                last_deployed: info.time("last_deployed")?,
                deleted: info.time("deleted")?,
                description: info.text("description")?,
                status: info.text("status")?,
                notes: info.text("notes")?,
                resources: info.get("resources").cloned(),
            },
        };
        Ok(Self {
            name: fields.text("name")?,
            info,
            chart: fields.object("chart")?.map(chart).transpose()?,
            config: fields.object("config")?.map(|config| with_go_numbers(config.0.clone())).unwrap_or_default(),
            manifest: fields.text("manifest")?,
            hooks: fields.objects("hooks")?.into_iter().map(hook).collect::<Result<_, _>>()?,
            version: fields.integer("version")?,
            namespace: fields.text("namespace")?,
            apply_method: fields.text("apply_method")?,
        })
    }
}

/// Takes a record's JSON, of at most `limit` bytes, out of its packing.
pub fn unpack(data: &[u8], limit: u64) -> Result<Vec<u8>, DecodeError> {
    const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];
    let bytes = from_base64(data).map_err(|Illegal(at)| DecodeError::Base64(at))?;
    let mut text = Vec::new();
    if bytes.starts_with(GZIP) {
        let unpacked = MultiGzDecoder::new(&bytes[..]).take(limit.saturating_add(1)).read_to_end(&mut text);
        unpacked.map_err(DecodeError::Gzip)?;
    } else {
        text = bytes;
    }
    if text.len() as u64 > limit { Err(DecodeError::TooLarge(limit)) } else { Ok(text) }
}

fn chart(fields: Fields<'_>) -> Result<Chart, DecodeError> {
    let files = |name: &'static str| {
        let read =
            |file: Fields<'_>| Ok(File { name: file.text("name")?, data: file.bytes("data")?.unwrap_or_default() });
        fields.objects(name)?.into_iter().map(read).collect::<Result<Vec<_>, DecodeError>>()
    };
    let metadata = fields.get("metadata").map(Metadata::read).transpose().map_err(DecodeError::Metadata)?;
    Ok(Chart {
        metadata: metadata.unwrap_or_default(),
        lock: fields.get("lock").cloned(),
        values: fields.object("values")?.map(|values| with_go_numbers(values.0.clone())).unwrap_or_default().into(),
        schema: fields.bytes("schema")?,
        templates: files("templates")?,
        files: files("files")?,
        ..Chart::default()
    })
}

fn hook(fields: Fields<'_>) -> Result<HookRecord, DecodeError> {
    let events = fields.texts("events")?;
    let last_run = fields.object("last_run")?.unwrap_or(Fields(&EMPTY));
    Ok(HookRecord {
        hook: Hook {
            name: fields.text("name")?,
            kind: fields.text("kind")?,
            path: fields.text("path")?,
            manifest: fields.text("manifest")?,
            events: events.iter().filter_map(|event| HookEvent::parse(event)).collect(),
            weight: fields.integer("weight")?,
            delete_policies: fields.texts("delete_policies")?,
            output_log_policies: fields.texts("output_log_policies")?,
        },
        started_at: last_run.time("started_at")?,
        completed_at: last_run.time("completed_at")?,
        phase: last_run.text("phase")?,
    })
}

static EMPTY: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::new);

/// The fields of an object; null is the same as absent.
#[derive(Clone, Copy)]
struct Fields<'v>(&'v Table);

impl<'v> Fields<'v> {
    fn get(self, name: &'static str) -> Option<&'v Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(self, name: &'static str) -> Result<String, DecodeError> {
        let value = self.get(name).map(|value| value.as_str().ok_or(DecodeError::Field(name))).transpose()?;
        Ok(value.unwrap_or_default().to_owned())
    }

    fn time(self, name: &'static str) -> Result<Option<String>, DecodeError> {
        Ok(Some(self.text(name)?).filter(|text| !text.is_empty()))
    }

    fn integer(self, name: &'static str) -> Result<i64, DecodeError> {
        let value = self.get(name).map(|value| value.as_i64().ok_or(DecodeError::Field(name))).transpose()?;
        Ok(value.unwrap_or_default())
    }

    fn object(self, name: &'static str) -> Result<Option<Self>, DecodeError> {
        let object = |value: &'v Value| value.as_object().map(Fields).ok_or(DecodeError::Field(name));
        self.get(name).map(object).transpose()
    }

    fn objects(self, name: &'static str) -> Result<Vec<Self>, DecodeError> {
        let items = self.get(name).map(|value| value.as_array().ok_or(DecodeError::Field(name))).transpose()?;
        let object = |value: &'v Value| value.as_object().map(Fields).ok_or(DecodeError::Field(name));
        items.into_iter().flatten().map(object).collect()
    }

    fn texts(self, name: &'static str) -> Result<Vec<String>, DecodeError> {
        let items = self.get(name).map(|value| value.as_array().ok_or(DecodeError::Field(name))).transpose()?;
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(DecodeError::Field(name));
        items.into_iter().flatten().map(text).collect()
    }

    fn bytes(self, name: &'static str) -> Result<Option<Arc<[u8]>>, DecodeError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or(DecodeError::Field(name))?;
        let bytes = from_base64(text.as_bytes()).map_err(|_| DecodeError::Field(name))?;
        Ok(Some(bytes.into()))
    }
}
