//! JSON Web Tokens: `eyJ…` with points between three parts (signed) or five (encrypted).

use std::ops::Range;

use crate::text::{Text, is_url_safe};

pub(super) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let whole = text.part(0, text.len());
    let mut done = 0;
    for (start, marker) in whole.match_indices("eyJ") {
        // What follows the first part is the same for every beginning in it.
        if start < done || !text.is_word_start(start) {
            continue;
        }
        let head = text.run(start + marker.len(), is_url_safe);
        match token(text, start, head) {
            Some(end) => {
                found.push(start..end);
                done = end;
            }
            None => done = head,
        }
    }
}

fn token(text: Text<'_>, start: usize, head: usize) -> Option<usize> {
    if head - start < 10 || text.at(head) != Some(b'.') {
        return None;
    }
    let payload = text.run(head + 1, is_url_safe);
    let is_signed = text.follows(head + 1, "eyJ") && payload - head > 10 && text.at(payload) == Some(b'.');
    let signature = text.run(payload + 1, is_url_safe);
    let mut end = signature;
    for _ in 0..2 {
        if text.at(end) != Some(b'.') {
            return is_signed.then_some(signature);
        }
        end = text.run(end + 1, is_url_safe);
    }
    // The encrypted key of the second part may be empty, what follows it is not.
    let is_encrypted = text.at(payload) == Some(b'.') && end - payload > 40;
    if is_encrypted { Some(end) } else { is_signed.then_some(signature) }
}
