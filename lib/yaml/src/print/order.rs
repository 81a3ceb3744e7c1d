//! The order in which Go's YAML libraries print the keys of a map.

use std::cmp::Ordering;

/// Sorts pairs by key.
///
/// Numbers within keys compare by value, letters come last. Digits that overflow 64 bits make this order inconsistent,
/// as in Go; hence a merge sort of our own, which then gives some order where the standard library's may panic.
pub(super) fn sort<'a, T>(pairs: &mut Vec<(&'a str, &'a T)>) {
    if pairs.is_sorted_by(|a, b| compare(a.0, b.0) != Ordering::Greater) {
        return;
    }
    let mut width = 1;
    while width < pairs.len() {
        let mut merged = Vec::with_capacity(pairs.len());
        for run in pairs.chunks(2 * width) {
            let (left, right) = run.split_at(width.min(run.len()));
            merge(&mut merged, left, right);
        }
        *pairs = merged;
        width *= 2;
    }
}

fn merge<'a, T>(out: &mut Vec<(&'a str, &'a T)>, mut left: &[(&'a str, &'a T)], mut right: &[(&'a str, &'a T)]) {
    while let (Some((first, rest)), Some((second, others))) = (left.split_first(), right.split_first()) {
        if compare(second.0, first.0) == Ordering::Less {
            out.push(*second);
            right = others;
        } else {
            out.push(*first);
            left = rest;
        }
    }
    out.extend_from_slice(left);
    out.extend_from_slice(right);
}

fn compare(a: &str, b: &str) -> Ordering {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // Back to where a character starts.
    let at = (0..=same).rev().find(|&i| a.is_char_boundary(i) && b.is_char_boundary(i)).unwrap_or_default();
    let (rest_a, rest_b) = (&a[at..], &b[at..]);
    let (Some(x), Some(y)) = (rest_a.chars().next(), rest_b.chars().next()) else {
        return rest_a.len().cmp(&rest_b.len());
    };
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero within a number counts: 10 comes after 9, although the digits in front are equal.
    let within_number =
        (x == '0' || y == '0') && a[..at].bytes().rev().take_while(u8::is_ascii_digit).any(|digit| digit != b'0');
    let (number_a, digits_a) = leading_number(rest_a, within_number);
    let (number_b, digits_b) = leading_number(rest_b, within_number);
    number_a.cmp(&number_b).then(digits_a.cmp(&digits_b)).then(x.cmp(&y))
}

fn leading_number(text: &str, within_number: bool) -> (i64, usize) {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    let start = (i64::from(within_number), 0);
    digits.fold(start, |(number, count), digit| {
        (number.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')), count + 1)
    })
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !c.is_numeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ordered: &[&str]) {
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} against {b}");
            }
        }
    }

    #[test]
    fn numbers_in_keys_order_by_value() {
        check(&["", "-", "1", "9", "10", "11", "100", "A", "a", "a1", "a01", "a2", "a10", "aB", "ab", "é"]);
        check(&["1-", "10", "1x"]);
    }

    #[test]
    fn long_numbers_never_panic() {
        let keys: Vec<String> =
            (0..500u64).map(|i| format!("{}{}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15), i * 7)).collect();
        let mut pairs: Vec<(&str, &())> = keys.iter().map(|key| (key.as_str(), &())).collect();
        sort(&mut pairs);
        assert_eq!(pairs.len(), 500);
    }
}
