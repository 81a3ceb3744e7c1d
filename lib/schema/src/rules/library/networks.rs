//! `ip('10.0.0.1')` and `cidr('10.0.0.0/8')` and what can be asked of them.

use std::net::IpAddr;

use cel::common::types::{CelBool, CelInt, CelString};
use cel::{DeclarationError, Env, ExecutionError};

use expression::opaque;

opaque!(
    /// An address.
    pub(super) Ip(IpAddr),
    "net.IP"
);

opaque!(
    /// A network: an address and how many of its bits count.
    pub(super) Cidr((IpAddr, u8)),
    "net.CIDR"
);

pub(super) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_overload!(env, fn ip: (CelString) -> Result<Ip>)?;
    cel::add_overload!(env, fn is_ip: (CelString) -> CelBool, name = "isIP")?;
    cel::add_overload!(env, fn is_canonical: (CelString) -> Result<CelBool>, name = "ip.isCanonical")?;
    cel::add_member_overload!(env, fn family: (Ip) -> CelInt)?;
    cel::add_member_overload!(env, fn is_unspecified: (Ip) -> CelBool)?;
    cel::add_member_overload!(env, fn is_loopback: (Ip) -> CelBool)?;
    cel::add_member_overload!(env, fn is_link_local_unicast: (Ip) -> CelBool)?;
    cel::add_member_overload!(env, fn is_link_local_multicast: (Ip) -> CelBool)?;
    cel::add_member_overload!(env, fn is_global_unicast: (Ip) -> CelBool)?;
    cel::add_overload!(env, fn ip_text: (Ip) -> CelString, name = "string")?;
    cel::add_overload!(env, fn cidr: (CelString) -> Result<Cidr>)?;
    cel::add_overload!(env, fn is_cidr: (CelString) -> CelBool, name = "isCIDR")?;
    cel::add_member_overload!(env, fn contains_ip: (Cidr, Ip) -> CelBool, name = "containsIP")?;
    cel::add_member_overload!(env, fn contains_ip_text: (Cidr, CelString) -> Result<CelBool>, name = "containsIP")?;
    cel::add_member_overload!(env, fn contains_cidr: (Cidr, Cidr) -> CelBool, name = "containsCIDR")?;
    cel::add_member_overload!(env, fn contains_cidr_text: (Cidr, CelString) -> Result<CelBool>, name = "containsCIDR")?;
    cel::add_member_overload!(env, fn prefix_length: (Cidr) -> CelInt)?;
    cel::add_member_overload!(env, fn masked: (Cidr) -> Cidr)?;
    cel::add_member_overload!(env, fn address: (Cidr) -> Ip, name = "ip")?;
    cel::add_overload!(env, fn cidr_text: (Cidr) -> CelString, name = "string")
}

fn parse_ip(text: &str) -> Result<IpAddr, ExecutionError> {
    let problem = || {
        ExecutionError::function_error("ip", format!("IP Address {text:?} parse error during conversion from string"))
    };
    text.parse().map_err(|_| problem())
}

fn parse_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, length) = text.split_once('/')?;
    let (ip, length): (IpAddr, u8) = (ip.parse().ok()?, length.parse().ok()?);
    (length <= if ip.is_ipv4() { 32 } else { 128 }).then_some((ip, length))
}

fn cidr_of(text: &str) -> Result<Cidr, ExecutionError> {
    let problem = || {
        ExecutionError::function_error(
            "cidr",
            format!("network address parse error during conversion from string: {text:?}"),
        )
    };
    parse_cidr(text).map(Cidr).ok_or_else(problem)
}

/// The bits of an address.
fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// The bits of an address that count for a network.
fn network(ip: IpAddr, length: u8) -> u128 {
    let all: u32 = if ip.is_ipv4() { 32 } else { 128 };
    bits(ip).checked_shr(all.saturating_sub(u32::from(length))).unwrap_or_default()
}

fn holds(outer: (IpAddr, u8), ip: IpAddr) -> bool {
    outer.0.is_ipv4() == ip.is_ipv4() && network(outer.0, outer.1) == network(ip, outer.1)
}

fn ip(text: &CelString<'_>) -> Result<Ip, ExecutionError> {
    parse_ip(text.inner()).map(Ip)
}

fn is_ip(text: &CelString<'_>) -> CelBool {
    text.inner().parse::<IpAddr>().is_ok().into()
}

fn is_canonical(text: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    Ok((parse_ip(text.inner())?.to_string() == text.inner()).into())
}

fn family(this: &Ip) -> CelInt {
    CelInt::from(if this.0.is_ipv4() { 4 } else { 6 })
}

fn is_unspecified(this: &Ip) -> CelBool {
    this.0.is_unspecified().into()
}

fn is_loopback(this: &Ip) -> CelBool {
    this.0.is_loopback().into()
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn is_link_local_unicast(this: &Ip) -> CelBool {
    is_link_local(this.0).into()
}

fn is_link_local_multicast(this: &Ip) -> CelBool {
    let is = match this.0 {
        IpAddr::V4(ip) => ip.octets().starts_with(&[224, 0, 0]),
        IpAddr::V6(ip) => ip.segments().first().is_some_and(|first| first & 0xff0f == 0xff02),
    };
    is.into()
}

fn is_global_unicast(this: &Ip) -> CelBool {
    let ip = this.0;
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    (!(ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || is_broadcast || is_link_local(ip))).into()
}

fn ip_text(this: &Ip) -> CelString<'static> {
    CelString::from(this.0.to_string())
}

fn cidr(text: &CelString<'_>) -> Result<Cidr, ExecutionError> {
    cidr_of(text.inner())
}

fn is_cidr(text: &CelString<'_>) -> CelBool {
    parse_cidr(text.inner()).is_some().into()
}

fn contains_ip(this: &Cidr, ip: &Ip) -> CelBool {
    holds(this.0, ip.0).into()
}

fn contains_ip_text(this: &Cidr, ip: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    Ok(holds(this.0, parse_ip(ip.inner())?).into())
}

fn contains_cidr(this: &Cidr, other: &Cidr) -> CelBool {
    (other.0.1 >= this.0.1 && holds(this.0, other.0.0)).into()
}

fn contains_cidr_text(this: &Cidr, other: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    Ok(contains_cidr(this, &cidr_of(other.inner())?))
}

fn prefix_length(this: &Cidr) -> CelInt {
    CelInt::from(i64::from(this.0.1))
}

fn masked(this: &Cidr) -> Cidr {
    let (ip, length) = this.0;
    let all: u32 = if ip.is_ipv4() { 32 } else { 128 };
    let kept = network(ip, length).checked_shl(all.saturating_sub(u32::from(length))).unwrap_or_default();
    let ip = match ip {
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(kept).unwrap_or_default().into()),
        IpAddr::V6(_) => IpAddr::V6(kept.into()),
    };
    Cidr((ip, length))
}

fn address(this: &Cidr) -> Ip {
    Ip(this.0.0)
}

fn cidr_text(this: &Cidr) -> CelString<'static> {
    CelString::from(format!("{}/{}", this.0.0, this.0.1))
}
