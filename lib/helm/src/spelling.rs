//! What a misspelt name may have meant.

/// Nobody misspells what is longer; comparing it would take long.
const LONGEST: usize = 100;

/// The name that is closest in spelling, the first of several; none when all are too far away.
pub(crate) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let most = word.len().div_ceil(2);
    let names = names.filter(|name| word.len().max(name.len()) <= LONGEST && word.len().abs_diff(name.len()) <= most);
    let (distance, name) = names.map(|name| (distance(word, name), name)).min()?;
    (1..=most).contains(&distance).then_some(name)
}

/// How many letters must change, or change places with their neighbours, to make one word the other.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let change = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_close_is_suggested() {
        let names = ["tag", "repository", "pullPolicy", "a"];
        let check =
            |word: &str, expected: Option<&str>| assert_eq!(nearest(word, names.into_iter()), expected, "{word}");
        check("tga", Some("tag"));
        check("repositroy", Some("repository"));
        check("pullpolicy", Some("pullPolicy"));
        check("tag", None);
        check("something", None);
        check("", None);
        assert_eq!(nearest("tag", std::iter::empty()), None);
    }
}
