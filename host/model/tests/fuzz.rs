//! Bounded fuzz runs: the committed corpus, mutated, through loader, interpolation, dotenv and `windlass.yaml`.
//!
//! Deterministic: `FUZZ_SEED` and `FUZZ_ROUNDS` change seed and length (`FUZZ_ROUNDS=1000000 cargo test -p windlass-model
//! --release --test fuzz` for a night). Nothing may panic; every answer is a value or an error.

mod support;

use std::path::Path;

use support::Files;
use windlass_model::{dotenv, interpolate};

/// xorshift64*: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).expect("usize fits")).expect("below a usize")
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok()).unwrap_or(default)
}

/// Every file below a directory of the tests.
fn seeds(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).expect("the corpus is committed").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|extension| extension != "rs") {
                found.push(String::from_utf8_lossy(&fs_err::read(path).expect("readable")).into_owned());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no seeds in {folder}");
    found
}

/// Pieces that mean something to one of the parsers.
const TOKENS: &[&str] = &[
    "${",
    "}",
    "$$",
    "${A:-",
    "${A:?",
    ":+",
    "!reset ",
    "!override ",
    "<<: *a\n",
    "&a ",
    "*a",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "\n",
    "\t",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "#",
    "---\n",
    "null",
    "true",
    "0x",
    "1e999",
    "\u{feff}",
    "\0",
    "é",
    "services:\n",
    "  a:\n",
    "x-windlass:",
    "extends: a\n",
    "include: [compose.yaml]\n",
    "depends_on: [a]\n",
    "ports: ['1-9:1-9']\n",
    "=",
    "export ",
    "\\",
    "\r\n",
    "9999999999999999999",
];

fn mutate(seeds: &[String], random: &mut Random) -> String {
    let mut text = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(3) {
        let cut = |text: &str, at: usize| {
            (0..=at.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
        };
        let (from, length) = (random.below(text.len() + 1), random.below(30));
        let (start, end) = (cut(&text, from), cut(&text, from + length));
        match random.below(4) {
            0 => text.replace_range(start..end.max(start), ""),
            1 => text.insert_str(start, TOKENS[random.below(TOKENS.len())]),
            2 => {
                let piece = text[start..end.max(start)].to_owned();
                text.insert_str(end.max(start), &piece);
            }
            _ => {
                let other = &seeds[random.below(seeds.len())];
                let at = cut(other, random.below(other.len() + 1));
                text.insert_str(start, &other[at..cut(other, at + 60).max(at)]);
            }
        }
    }
    text
}

/// Runs a target on mutated seeds; the target tells whether the input got past its parser.
fn run(folder: &str, target: impl Fn(&str) -> bool) {
    let seeds = seeds(folder);
    let mut random = Random(number("FUZZ_SEED", 0x5EED));
    let rounds = number("FUZZ_ROUNDS", 3000);
    let accepted = (0..rounds).filter(|_| target(&mutate(&seeds, &mut random))).count();
    // Mutations that break everything would test only the scanner.
    assert!(accepted as u64 * 40 > rounds, "only {accepted} of {rounds} were accepted");
}

fn lookup(name: &str) -> Option<String> {
    (name.len() < 3).then(|| name.to_lowercase())
}

#[test]
fn loader() {
    run("corpus", |text| {
        Files::new(&[("compose.yaml", text), (".env", "A=1\n")]).load(|options| options.origins = true).is_ok()
    });
}

#[test]
fn interpolation() {
    run("corpus", |text| interpolate::substitute(text, &lookup, &mut Vec::new()).is_ok());
}

#[test]
fn dotenv_files() {
    run("corpus", |text| dotenv::parse(text, &lookup, &mut Vec::new()).is_ok());
}

#[test]
fn windlass_yaml() {
    let compose = "services: { es: { image: x }, a: { image: y }, db: { image: z } }";
    run("windlass", |text| Files::new(&[("compose.yaml", compose), ("windlass.yaml", text)]).load(|_| {}).is_ok());
}
