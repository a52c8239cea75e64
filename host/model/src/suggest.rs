//! "Did you mean": the closest of the names that would have been right.

/// The closest name, if it is close enough to be a slip of the finger.
#[must_use]
pub fn closest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (wrong.chars().count() / 3).clamp(1, 3);
    let scored = names.into_iter().filter(|name| *name != wrong).map(|name| (distance(wrong, name), name));
    scored.filter(|(distance, _)| *distance <= limit).min().map(|(_, name)| name)
}

/// Edits between two words: insert, delete, replace, and swap of neighbours count one each.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let same = usize::from(left[i - 1] != right[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn slips_and_strangers() {
        let names = ["healthcheck", "image", "ports", "volumes"];
        assert_eq!(closest("helthcheck", names), Some("healthcheck"));
        assert_eq!(closest("prots", names), Some("ports"));
        assert_eq!(closest("kubernetes", names), None);
    }
}
