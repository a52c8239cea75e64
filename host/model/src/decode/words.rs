//! A command line to words, by the rules of the library that Compose uses: no shell runs, and operators end the command.

/// Why a line cannot be split.
pub(crate) const INVALID: &str = "invalid command line string";

/// What stands before the next blank.
#[derive(PartialEq)]
enum Word {
    None,
    Begun,
}

/// Splits at blanks outside of quotes. An unquoted `;`, `&`, `|`, `<` or `>` ends the line.
///
/// # Errors
/// [`INVALID`] when a quote, a backquote, `$(` or a backslash is left open.
pub(crate) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let (mut buffer, mut word) = (String::new(), Word::None);
    let (mut escaped, mut double, mut single, mut back, mut dollar) = (false, false, false, false, false);
    for c in line.chars() {
        if std::mem::take(&mut escaped) {
            buffer.push(match c {
                'n' => '\n',
                't' => '\t',
                other => other,
            });
            word = Word::Begun;
            continue;
        }
        match c {
            '\\' if !single => {
                escaped = true;
                continue;
            }
            ' ' | '\t' | '\r' | '\n' if !(single || double || back || dollar) => {
                if word == Word::Begun {
                    words.push(std::mem::take(&mut buffer));
                    word = Word::None;
                }
                continue;
            }
            ' ' | '\t' | '\r' | '\n' => {
                buffer.push(c);
                continue;
            }
            '`' if !(single || double || dollar) => back = !back,
            ')' if !(single || double || back) => dollar = !dollar,
            '(' if !(single || double || back) => {
                if dollar || !buffer.ends_with('$') {
                    return Err(INVALID);
                }
                dollar = true;
            }
            '"' if !(single || dollar) => {
                if double {
                    word = Word::Begun;
                }
                double = !double;
                continue;
            }
            '\'' if !(double || dollar) => {
                if single {
                    word = Word::Begun;
                }
                single = !single;
                continue;
            }
            ';' | '&' | '|' | '<' | '>' if !(single || double || back || dollar) => {
                // `2>file`: the number belongs to the redirection.
                if c == '>' && buffer.starts_with(|c: char| c.is_ascii_digit()) {
                    word = Word::None;
                }
                break;
            }
            _ => {}
        }
        buffer.push(c);
        word = Word::Begun;
    }
    if word == Word::Begun {
        words.push(buffer);
    }
    if escaped || single || double || back || dollar { Err(INVALID) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_quotes_and_operators() {
        for (line, expected) in [
            (r#"echo "hello world" 'a b' c\ d"#, &["echo", "hello world", "a b", "c d"][..]),
            ("a '' b", &["a", "", "b"]),
            (r#"a"b c"d # no comment"#, &["ab cd", "#", "no", "comment"]),
            ("a && b", &["a"]),
            ("echo 2>x", &["echo"]),
            ("echo $(b c) `d e`", &["echo", "$(b c)", "`d e`"]),
            (r#""a\nb" \x"#, &["a\nb", "x"]),
            (";", &[]),
        ] {
            assert_eq!(
                split(line).as_deref(),
                Ok(expected.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()).as_deref(),
                "{line}"
            );
        }
        for line in ["a 'b", "a (b)", "a\\", "$(x"] {
            assert_eq!(split(line), Err(INVALID), "{line}");
        }
    }
}
