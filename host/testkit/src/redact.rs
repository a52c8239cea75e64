//! Output that differs from run to run, made the same.

/// Replaces each `(what, with)` in turn, then ids (64 or 12 hexadecimal digits standing alone), each digit by `0`, so that
/// the width of columns stays.
#[must_use]
pub fn redact(text: &str, replacements: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (what, with) in replacements {
        text = text.replace(what, with);
    }
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            word.push(character);
        } else {
            flush(&mut out, &mut word);
            out.push(character);
        }
    }
    flush(&mut out, &mut word);
    out
}

fn flush(out: &mut String, word: &mut String) {
    let is_id = matches!(word.len(), 12 | 64)
        && word.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f'))
        && word.contains(|digit: char| digit.is_ascii_digit());
    if is_id {
        out.extend(std::iter::repeat_n('0', word.len()));
        word.clear();
    } else {
        out.push_str(&std::mem::take(word));
    }
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn ids_lose_their_digits_and_keep_their_width() {
        let text = "web-1 0123456789ab up\ndeadbeefdead\n/tmp/x1/compose.yaml cafe";
        assert_eq!(
            redact(text, &[("/tmp/x1", "[dir]")]),
            "web-1 000000000000 up\ndeadbeefdead\n[dir]/compose.yaml cafe"
        );
    }
}
