//! Lists: what is kept is what was decided, what cannot be judged is not, and every other byte stays.

use std::time::Duration;

use bartizan_wire::json::Limits;
use bartizan_wire::listing::{Fault, Listing, recognise};
use bartizan_wire::message::{Message, Response};
use bartizan_wire::method::{METHODS, Shape};

use crate::chunks::Noise;
use crate::json::check_strict;
use crate::tree::{Text, Tree};

const LONGEST: [u64; 2] = [0, 1000];

/// Checks bytes that may be an answer with a list in it.
pub fn check(input: &[u8]) {
    let Ok(Message::Response(response)) = Message::parse(input, &Limits::default()) else { return };
    let tree = Tree::read(response.document().as_str()).expect("a document is JSON");
    let looks_like = |shape: &Shape| tree.get("result").and_then(|result| result.get(shape.array)).is_some();
    let mut shapes = METHODS.iter().filter_map(|method| Some((method.name, method.shape()?)));
    let expected = shapes.clone().find(|(_, shape)| looks_like(shape)).map(|(name, _)| name);
    assert_eq!(recognise(&response).map(|method| method.name), expected);
    let mut noise = Noise::new(input);
    shapes.by_ref().for_each(|(_, shape)| check_shape(&response, &tree, shape, &mut noise));
}

fn check_shape(response: &Response, tree: &Tree, shape: &Shape, noise: &mut Noise) {
    let list = tree.get("result").and_then(|result| result.get(shape.array));
    let (listing, elements) = match (Listing::read(response, shape), list) {
        (Ok(listing), Some(Tree::Array(elements))) => (listing, elements),
        (Err(_), None | Some(Tree::Object(_) | Tree::Scalar(_) | Tree::String(_))) => return,
        other => panic!("{}: {other:?}", shape.array),
    };
    let names: Vec<Option<&str>> =
        elements.iter().map(|element| element.get(shape.name).and_then(Tree::characters)).collect();
    let judged =
        |name: &Option<&str>| name.is_some() && names.iter().filter(|other| *other == name).count() == 1;
    let expected: Vec<(&str, String)> = names
        .iter()
        .zip(elements)
        .filter(|(name, _)| judged(name))
        .filter_map(|(name, element)| Some(((*name)?, element.text())))
        .collect();
    let entries: Vec<_> = listing.entries().map(|entry| (entry.name, entry.definition.to_string())).collect();
    assert_eq!(entries, expected);
    let faults: Vec<Option<&str>> = listing
        .faults()
        .map(|fault| match fault {
            Fault::Nameless => None,
            Fault::Ambiguous { name } => Some(name.as_str()),
        })
        .collect();
    let expected: Vec<_> = names.iter().filter(|name| !judged(name)).copied().collect();
    assert_eq!(faults, expected);
    let cursor = tree.get("result").and_then(|result| result.get("nextCursor")).and_then(Tree::characters);
    assert_eq!(listing.next_cursor().as_deref(), cursor);

    let too_many = vec![true; entries.len() + 1];
    assert!(listing.filter(&too_many, Duration::ZERO).is_err());
    for keep in [vec![true; entries.len()], vec![false; entries.len()], noise.decisions(entries.len())] {
        for longest in LONGEST {
            let filtered = listing.filter(&keep, Duration::from_millis(longest)).expect("one decision each");
            let mut decisions = keep.iter();
            let stays: Vec<bool> =
                names.iter().map(|name| judged(name) && decisions.next() == Some(&true)).collect();
            let expected = model(tree, shape, &stays, longest);
            assert_eq!(filtered.as_str(), expected.text());
            check_strict(&filtered);
        }
    }
}

/// The answer with those elements that stay, private and short-lived.
fn model(tree: &Tree, shape: &Shape, stays: &[bool], longest: u64) -> Tree {
    let mut tree = tree.clone();
    let result = tree.get_mut("result").expect("there is a list in the result");
    if let Some(Tree::Array(elements)) = result.get_mut(shape.array) {
        let mut stays = stays.iter();
        elements.retain(|_| stays.next() == Some(&true));
    }
    if let Some(scope) = result.get_mut("cacheScope") {
        *scope = Tree::String(Text::new("private"));
    }
    if let Some(ttl) = result.get_mut("ttlMs") {
        let short = match ttl {
            Tree::Scalar(literal) => literal.parse::<f64>().is_ok_and(|number| number <= longest as f64),
            _ => false,
        };
        if !short {
            *ttl = Tree::Scalar(longest.to_string());
        }
    }
    tree
}
