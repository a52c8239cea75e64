//! SPDX licence expressions: names joined by `OR` and `AND`, with parentheses. `/` is an old way to write `OR`.

/// Whether the expression is met when only some licences are acceptable. An empty or broken expression is not.
pub(super) fn is_met(expression: &str, acceptable: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, acceptable);
    met == Some(true) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// Alternatives. `None` where the expression is broken. Both sides are always read, so that none is left over.
fn any(words: &mut Words<'_>, acceptable: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = all(words, acceptable)?;
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, acceptable)?;
    }
    Some(met)
}

/// Licences that hold together.
fn all(words: &mut Words<'_>, acceptable: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = one(words, acceptable)?;
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, acceptable)?;
    }
    Some(met)
}

/// One licence, maybe with an exception, or a group in parentheses.
fn one(words: &mut Words<'_>, acceptable: &dyn Fn(&str) -> bool) -> Option<bool> {
    let first = words.next()?;
    if first == "(" {
        let met = any(words, acceptable)?;
        return words.next_if_eq(&")").map(|_| met);
    }
    if matches!(first, ")" | "OR" | "AND" | "WITH") {
        return None;
    }
    if words.next_if_eq(&"WITH").is_some() {
        return Some(acceptable(&format!("{first} WITH {}", words.next()?)));
    }
    Some(acceptable(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expression: &str) -> bool {
        is_met(expression, &|name| {
            ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"].contains(&name)
        })
    }

    #[test]
    fn one_acceptable_choice_is_enough() {
        assert!(met("MIT OR GPL-3.0"));
        assert!(met("GPL-3.0/MIT"));
        assert!(met("Apache-2.0 WITH LLVM-exception OR GPL-3.0 OR GPL-2.0"));
        assert!(!met("GPL-3.0 OR GPL-2.0"));
    }

    #[test]
    fn what_holds_together_must_all_be_acceptable() {
        assert!(met("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!met("(MIT OR Apache-2.0) AND GPL-3.0"));
        assert!(!met("MIT AND GPL-3.0 OR GPL-2.0"));
        assert!(!met("MIT WITH LLVM-exception"));
    }

    #[test]
    fn none_and_broken_ones_are_not_met() {
        for broken in ["", "MIT OR", "(MIT", "MIT)", "OR MIT", "MIT Apache-2.0", "MIT WITH"] {
            assert!(!met(broken), "{broken:?}");
        }
    }
}
