use super::*;

fn read(text: &str) -> (Vec<Node>, Vec<(String, usize, usize)>) {
    let file = Arc::new(SourceFile { path: "c.yaml".into(), text: text.to_owned() });
    let mut out = Diagnostics::default();
    let nodes = parse(&file, &mut out);
    let place = |problem: &Diagnostic| problem.span.as_ref().map_or((0, 0), |span| (span.line, span.column));
    let problems = out.0.iter().map(|problem| (problem.message.clone(), place(problem).0, place(problem).1)).collect();
    (nodes, problems)
}

fn items(node: &Node) -> Vec<&str> {
    node.as_seq().unwrap_or_default().iter().filter_map(Node::as_str).collect()
}

#[test]
fn flow_lines_left_of_their_parent() {
    let (nodes, problems) = read("a:\n  b:\n    c: [x,\n  y,\nz # ]\n]\n    d: [q,\n w]\n  e: \"one\ntwo\"\n");
    assert_eq!(problems, []);
    let b = nodes[0].get("a").and_then(|a| a.get("b")).expect("b");
    assert_eq!(items(b.get("c").expect("c")), ["x", "y", "z"]);
    assert_eq!(items(b.get("d").expect("d")), ["q", "w"]);
    assert_eq!(nodes[0].get("a").and_then(|a| a.get("e")).and_then(Node::as_str), Some("one two"));
    let z = &b.get("c").and_then(Node::as_seq).expect("c")[2];
    assert_eq!((z.span.line, z.span.column), (5, 1), "places are those of the file");
}

#[test]
fn problems_of_keys_are_all_told() {
    let (_, problems) = read("a: 1\na: 2\n~: 3\n5: 4\nx: &x {k: 1}\ny:\n  <<: *x\n  <<: *x\n");
    let expected = [
        ("mapping key \"a\" already defined at line 1", 2, 1),
        ("non-string key null", 3, 1),
        ("non-string key 5", 4, 1),
        ("mapping key \"<<\" already defined at line 7", 8, 3),
    ];
    assert_eq!(problems, expected.map(|(text, line, column)| (text.to_owned(), line, column)));
}

#[test]
fn aliases_and_nesting_are_bounded() {
    let bomb: String = (1..20).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        let below = level - 1;
        text + &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{below}"); 9].join(", "))
    });
    assert!(read(&bomb).1[0].0.starts_with("aliases expand to more than"), "{:?}", read(&bomb).1);
    assert!(read("a: &a [*a]\n").1[0].0.contains("refers to itself"));
    let deep = format!("a: {}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(!read(&deep).1.is_empty());
}

#[test]
fn scalars() {
    let table = [
        ("010", Value::Int(8)),
        ("0o17", Value::Int(15)),
        ("0x1F", Value::Int(31)),
        ("1_000", Value::Int(1000)),
        ("089", Value::Float(89.0)),
        ("1.50", Value::Float(1.5)),
        (".inf", Value::Float(f64::INFINITY)),
        ("yes", Value::String("yes".into())),
        ("2001-01", Value::String("2001-01".into())),
        ("9223372036854775808", Value::Large(9_223_372_036_854_775_808)),
        ("~", Value::Null),
    ];
    for (text, expected) in table {
        assert_eq!(plain(text), expected, "{text}");
    }
}

#[test]
fn a_tag_that_the_text_contradicts_is_an_error_at_its_place() {
    let wrong = [
        ("!!int x", "!!str `x` as a !!int"),
        ("!!int 1.0", "!!float `1.0` as a !!int"),
        ("!!int ${N:-5}", "!!str `${N:-5}` as a !!int"),
        ("!!bool \"yes\"", "!!str `yes` as a !!bool"),
        ("!!bool 1", "!!int `1` as a !!bool"),
        ("!!float true", "!!bool `true` as a !!float"),
        ("!!null x", "!!str `x` as a !!null"),
        ("!!timestamp x", "!!str `x` as a !!timestamp"),
        ("!<tag:yaml.org,2002:int> x", "!!str `x` as a !!int"),
        ("!!int ~", "!!null `~` as a !!int"),
    ];
    for (text, words) in wrong {
        let (_, problems) = read(&format!("a: 1\nb: {text}\n"));
        assert_eq!(problems, [(format!("failed to parse: cannot construct {words}"), 2, 4)], "{text}");
    }
    let right =
        ["!!int \"5\"", "!!int 0o17", "!!float 1", "!!bool \"true\"", "!!null \"\"", "!!str 5", "!foo x", "!!map x"];
    for text in right {
        assert_eq!(read(&format!("a: {text}\n")).1, [], "{text}");
    }
}
