//! Decimal arithmetic behind `addf` and its like, so that 1.1 + 2.2 is 3.3.

use num_bigint::BigInt;

use crate::funcs::Fault;

/// How many decimal places a quotient has.
const QUOTIENT_PLACES: i32 = 16;

/// `digits × 10^exponent`, exact.
pub(super) struct Decimal {
    digits: BigInt,
    exponent: i32,
}

impl Decimal {
    /// Takes the fewest digits that read back as the same float.
    pub(super) fn new(value: f64) -> Result<Self, Fault> {
        if !value.is_finite() {
            let value = crate::strconv::format_float(value, crate::strconv::FloatFormat::Shorter, None);
            return Err(Fault::message(format!("Cannot create a Decimal from {value}")));
        }
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let places = mantissa.split_once('.').map_or(0, |(_, places)| places.len());
        let digits = mantissa.replace('.', "").parse().unwrap_or_default();
        let exponent = exponent.parse::<i32>().unwrap_or(0) - i32::try_from(places).unwrap_or(0);
        Ok(Self { digits, exponent })
    }

    pub(super) fn add(self, other: Self) -> Self {
        let (left, right, exponent) = self.aligned(other);
        Self { digits: left + right, exponent }
    }

    pub(super) fn sub(self, other: Self) -> Self {
        let (left, right, exponent) = self.aligned(other);
        Self { digits: left - right, exponent }
    }

    pub(super) fn mul(self, other: Self) -> Self {
        Self { digits: self.digits * other.digits, exponent: self.exponent + other.exponent }
    }

    /// Divides, rounding half away from zero; `None` when dividing by zero.
    pub(super) fn div(self, other: Self) -> Option<Self> {
        if other.digits == BigInt::ZERO {
            return None;
        }
        let shift = self.exponent - other.exponent + QUOTIENT_PLACES;
        let (dividend, divisor) = if shift < 0 {
            (self.digits, scaled(other.digits, shift))
        } else {
            (scaled(self.digits, shift), other.digits)
        };
        let negative = dividend.sign() != divisor.sign();
        let (dividend, divisor) =
            (BigInt::from(dividend.magnitude().clone()), BigInt::from(divisor.magnitude().clone()));
        let quotient: BigInt = (&dividend * 2_u32 + &divisor) / (divisor * 2_u32);
        Some(Self { digits: if negative { -quotient } else { quotient }, exponent: -QUOTIENT_PLACES })
    }

    /// The float nearest to it.
    pub(super) fn to_float(&self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(f64::NAN)
    }

    fn aligned(self, other: Self) -> (BigInt, BigInt, i32) {
        let exponent = self.exponent.min(other.exponent);
        (scaled(self.digits, self.exponent - exponent), scaled(other.digits, other.exponent - exponent), exponent)
    }
}

/// Multiplies by ten to the power of `places`, whichever its sign.
fn scaled(digits: BigInt, places: i32) -> BigInt {
    digits * BigInt::from(10).pow(places.unsigned_abs())
}
