use super::*;

fn spans(text: &str) -> Vec<(&str, usize)> {
    fn walk<'a>(node: &Node, text: &'a str, out: &mut Vec<(&'a str, usize)>) {
        out.push((text.get(node.span.clone()).unwrap(), node.line));
        for (_, value) in node.entries() {
            walk(value, text, out);
        }
        for item in node.items() {
            walk(item, text, out);
        }
    }
    let mut out = Vec::new();
    walk(&parse(text).unwrap()[0], text, &mut out);
    out
}

#[test]
fn every_place_is_known_to_the_byte() {
    let text = "# é ü comment\nauth:\n  keys:   # why\n    - id: a\n      user: \"é\"   # who\n    - { id: b, user: 'c' }\n\n  # the end\nlist: [1, two]\n";
    assert_eq!(
        spans(text),
        [
            (text.get(16..).unwrap().trim_end(), 2),
            (
                "keys:   # why\n    - id: a\n      user: \"é\"   # who\n    - { id: b, user: 'c' }",
                3
            ),
            (
                "- id: a\n      user: \"é\"   # who\n    - { id: b, user: 'c' }",
                4
            ),
            ("id: a\n      user: \"é\"", 4),
            ("a", 4),
            ("\"é\"", 5),
            ("{ id: b, user: 'c' }", 6),
            ("b", 6),
            ("'c'", 6),
            ("[1, two]", 9),
            ("1", 9),
            ("two", 9),
        ]
    );
}

#[test]
fn what_cannot_be_used_is_refused_with_its_line() {
    for (text, line) in [
        ("a: 1\na: 2\n", 2),
        ("a: [1\n", 2),
        ("a: *b\n", 1),
        ("? [1]\n: 2\n", 1),
        ("a: {b: 1\nc: 2", 2),
    ] {
        assert_eq!(
            parse(text).map_err(|error| error.line).unwrap_err(),
            line,
            "{text}"
        );
    }
    let deep = "[".repeat(100);
    assert!(parse(&deep).is_err());
}

#[test]
fn a_few_lines_of_aliases_are_not_gigabytes() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let last = n - 1;
        text += &format!(
            "a{n}: &a{n} [*a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}]\n"
        );
    }
    assert_eq!(
        parse(&text).unwrap_err().message,
        "too much, aliases written out"
    );
}

#[test]
fn an_alias_means_what_its_anchor_means() {
    let node = &parse("a: &x { b: 1 }\nc: *x\n").unwrap()[0];
    assert_eq!(
        node.field("c").unwrap().value(),
        node.field("a").unwrap().value()
    );
    assert!(node.field("c").unwrap().alias);
}
