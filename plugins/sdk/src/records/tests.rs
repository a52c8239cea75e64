use super::*;
use crate::testing::MemoryInputs;

fn split_in(size: usize, text: &str) -> Result<Vec<(u64, String)>, String> {
    let mut inputs = MemoryInputs::default().with("f", "from", text);
    inputs.piece = size;
    Records::new(Pieces::new(&inputs, "f"))
        .map(|record| record.map(|r| (r.line, String::from_utf8(r.text).unwrap())).map_err(|e| e.message))
        .collect()
}

/// However the file is cut into pieces, the records are the same.
fn split(text: &str) -> Result<Vec<(u64, String)>, String> {
    let whole = split_in(1 << 20, text);
    for size in 1..5 {
        assert_eq!(split_in(size, text), whole, "pieces of {size}");
    }
    whole
}

fn lines(text: &str) -> Vec<(u64, String)> {
    split(text).unwrap()
}

fn expect(pairs: &[(u64, &str)]) -> Vec<(u64, String)> {
    pairs.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
}

#[test]
fn lines_are_records_and_blank_ones_are_not() {
    let text = "{\"a\":1}\n\n  {\"a\":2}\r\n{\"a\":3}";
    assert_eq!(lines(text), expect(&[(1, "{\"a\":1}"), (3, "{\"a\":2}"), (4, "{\"a\":3}")]));
}

#[test]
fn brackets_and_line_breaks_in_strings_and_documents_do_not_split() {
    let text = "{\"a\":\"}\\\"\\n{,]\"}\n{\n \"b\": [1,\n 2]\n}\n{\"c\":0}\n";
    assert_eq!(lines(text), expect(&[(1, "{\"a\":\"}\\\"\\n{,]\"}"), (2, "{\n \"b\": [1,\n 2]\n}"), (6, "{\"c\":0}")]));
}

#[test]
fn arrays_give_their_elements() {
    let text = "\n[\n  {\"a\": [1, 2]},\n  {\"a\": \"x,]\"}, {}\n]\n";
    assert_eq!(lines(text), expect(&[(3, "{\"a\": [1, 2]}"), (4, "{\"a\": \"x,]\"}"), (4, "{}")]));
    assert_eq!(lines("[]"), expect(&[]));
    assert_eq!(lines(""), expect(&[]));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(lines("\u{feff}{\"a\":1}\n"), expect(&[(1, "{\"a\":1}")]));
}

#[test]
fn an_unclosed_string_costs_one_record() {
    let text = "{\"a\":\"x}\n{\"a\":2}\n";
    assert_eq!(lines(text), expect(&[(1, "{\"a\":\"x}"), (2, "{\"a\":2}")]));
}

#[test]
fn broken_arrays_are_errors_with_a_line() {
    assert_eq!(split("[\n{}\n").unwrap_err(), "line 3: the JSON array is not closed");
    assert_eq!(split("[{}]\nx").unwrap_err(), "line 2: text after the end of the JSON array");
}
