//! Tokens that say what they are: a prefix, an alphabet and a length.
//!
//! A token that is longer than its issuer makes them today is taken whole, so that a change of theirs does
//! not make them invisible.

use std::ops::Range;

use super::randomness;
use crate::text::{Text, is_url_safe};

struct Shape {
    prefix: &'static str,
    body: fn(u8) -> bool,
    length: Length,
    /// A further condition on what follows the prefix.
    check: fn(&str) -> bool,
}

#[derive(Clone, Copy)]
enum Length {
    AtLeast(usize),
    /// Nothing of the alphabet may follow.
    Exactly(usize),
}
use Length::{AtLeast, Exactly};

const fn shape(prefix: &'static str, body: fn(u8) -> bool, length: Length) -> Shape {
    Shape { prefix, body, length, check: |_| true }
}

#[expect(clippy::needless_pass_by_value, reason = "the table reads better")]
const fn checked(shape: Shape, check: fn(&str) -> bool) -> Shape {
    Shape { check, ..shape }
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}
fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}
fn hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}
fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
fn dotted(byte: u8) -> bool {
    is_url_safe(byte) || byte == b'.'
}
fn base64(byte: u8) -> bool {
    is_url_safe(byte) || matches!(byte, b'+' | b'/' | b'=')
}
fn path(byte: u8) -> bool {
    is_url_safe(byte) || byte == b'/'
}

const SHAPES: &[Shape] = &[
    // AWS: identifiers of access keys.
    shape("AKIA", upper, Exactly(16)),
    shape("ASIA", upper, Exactly(16)),
    shape("ABIA", upper, Exactly(16)),
    shape("ACCA", upper, Exactly(16)),
    // GitHub.
    shape("ghp_", alphanumeric, AtLeast(36)),
    shape("gho_", alphanumeric, AtLeast(36)),
    shape("ghu_", alphanumeric, AtLeast(36)),
    shape("ghs_", dotted, AtLeast(36)),
    shape("ghr_", alphanumeric, AtLeast(36)),
    shape("github_pat_", word, AtLeast(36)),
    // GitLab.
    shape("glpat-", dotted, AtLeast(20)),
    shape("gldt-", dotted, AtLeast(20)),
    shape("glrt-", dotted, AtLeast(20)),
    shape("glcbt-", dotted, AtLeast(20)),
    shape("glptt-", dotted, AtLeast(20)),
    shape("glft-", dotted, AtLeast(20)),
    shape("glimt-", dotted, AtLeast(20)),
    shape("glagent-", dotted, AtLeast(20)),
    shape("gloas-", dotted, AtLeast(20)),
    shape("glsoat-", dotted, AtLeast(20)),
    shape("GR1348941", is_url_safe, AtLeast(20)),
    // Slack.
    checked(shape("xoxb-", is_url_safe, AtLeast(16)), has_digit),
    checked(shape("xoxp-", is_url_safe, AtLeast(16)), has_digit),
    checked(shape("xoxa-", is_url_safe, AtLeast(16)), has_digit),
    checked(shape("xoxr-", is_url_safe, AtLeast(16)), has_digit),
    checked(shape("xoxs-", is_url_safe, AtLeast(16)), has_digit),
    checked(shape("xoxo-", is_url_safe, AtLeast(16)), has_digit),
    checked(shape("xoxc-", is_url_safe, AtLeast(16)), has_digit),
    checked(shape("xoxd-", is_url_safe, AtLeast(16)), has_digit),
    checked(shape("xoxe-", is_url_safe, AtLeast(16)), has_digit),
    checked(shape("xoxe.xox", is_url_safe, AtLeast(16)), has_digit),
    checked(shape("xapp-", is_url_safe, AtLeast(16)), has_digit),
    shape("hooks.slack.com/services/", path, AtLeast(30)),
    // Stripe.
    shape("sk_live_", alphanumeric, AtLeast(16)),
    shape("sk_test_", alphanumeric, AtLeast(16)),
    shape("rk_live_", alphanumeric, AtLeast(16)),
    shape("rk_test_", alphanumeric, AtLeast(16)),
    shape("whsec_", base64, AtLeast(24)),
    // Google.
    shape("AIza", is_url_safe, AtLeast(35)),
    shape("GOCSPX-", is_url_safe, AtLeast(24)),
    shape("ya29.", dotted, AtLeast(20)),
    // OpenAI, Anthropic, OpenRouter, and others that took after them.
    shape("sk-ant-", is_url_safe, AtLeast(20)),
    checked(shape("sk-proj-", is_url_safe, AtLeast(20)), randomness::is_token),
    checked(shape("sk-svcacct-", is_url_safe, AtLeast(20)), randomness::is_token),
    checked(shape("sk-admin-", is_url_safe, AtLeast(20)), randomness::is_token),
    checked(shape("sk-or-", is_url_safe, AtLeast(20)), randomness::is_token),
    checked(shape("sk-", is_url_safe, AtLeast(20)), randomness::has_random_part),
    shape("gsk_", alphanumeric, AtLeast(40)),
    shape("xai-", alphanumeric, AtLeast(40)),
    shape("pplx-", alphanumeric, AtLeast(40)),
    shape("r8_", alphanumeric, AtLeast(37)),
    shape("hf_", alphanumeric, AtLeast(34)),
    // Package registries.
    shape("npm_", alphanumeric, AtLeast(36)),
    shape("pypi-AgEIcHlwaS5vcmc", is_url_safe, AtLeast(50)),
    shape("pypi-AgENdGVzdC5weXBpLm9yZw", is_url_safe, AtLeast(50)),
    shape("rubygems_", hex, AtLeast(48)),
    shape("dckr_pat_", is_url_safe, AtLeast(20)),
    // Clouds and services.
    shape("dapi", hex, Exactly(32)),
    shape("dop_v1_", hex, AtLeast(64)),
    shape("doo_v1_", hex, AtLeast(64)),
    shape("dor_v1_", hex, AtLeast(64)),
    shape("SG.", dotted, AtLeast(60)),
    shape("SK", hex, Exactly(32)),
    shape("shpat_", hex, AtLeast(32)),
    shape("shpca_", hex, AtLeast(32)),
    shape("shppa_", hex, AtLeast(32)),
    shape("shpss_", hex, AtLeast(32)),
    shape("sq0atp-", is_url_safe, AtLeast(22)),
    shape("sq0csp-", is_url_safe, AtLeast(43)),
    shape("hvs.", is_url_safe, AtLeast(24)),
    shape("hvb.", is_url_safe, AtLeast(24)),
    shape("hvr.", is_url_safe, AtLeast(24)),
    shape("glsa_", word, AtLeast(40)),
    shape("glc_", base64, AtLeast(32)),
    shape("lin_api_", alphanumeric, AtLeast(32)),
    shape("ntn_", alphanumeric, AtLeast(40)),
    shape("NRAK-", upper, AtLeast(27)),
    shape("PMAK-", is_url_safe, AtLeast(59)),
    shape("key-", hex, Exactly(32)),
    shape("sntrys_", base64, AtLeast(64)),
    shape("tskey-", is_url_safe, AtLeast(20)),
    shape("discord.com/api/webhooks/", path, AtLeast(60)),
];

/// Bytes that a shape begins with.
const FIRST: [bool; 128] = {
    let mut first = [false; 128];
    let mut index = 0;
    while index < SHAPES.len() {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            first[SHAPES[index].prefix.as_bytes()[0] as usize] = true;
        }
        index += 1;
    }
    first
};

pub(super) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let mut position = 0;
    while let Some(byte) = text.at(position) {
        let candidate =
            FIRST.get(usize::from(byte)).is_some_and(|first| *first) && text.is_word_start(position);
        match if candidate { token(text, position, byte) } else { None } {
            Some(end) => {
                found.push(position..end);
                position = end;
            }
            None => position += 1,
        }
    }
}

/// Where the longest token that begins here ends.
fn token(text: Text<'_>, start: usize, first: u8) -> Option<usize> {
    SHAPES
        .iter()
        .filter(|shape| shape.prefix.as_bytes().first() == Some(&first) && text.follows(start, shape.prefix))
        .filter_map(|shape| shape.end(text, start + shape.prefix.len()))
        .max()
}

/// What is read of a token, at least, before it is known to be one.
const SAMPLE: usize = 48;

impl Shape {
    fn end(&self, text: Text<'_>, body: usize) -> Option<usize> {
        let (most, least) = match self.length {
            AtLeast(length) => (length.max(SAMPLE), length),
            Exactly(length) => (length, length),
        };
        let end = text.run_within(body, most, self.body);
        let fits = end - body >= least && (matches!(self.length, AtLeast(_)) || text.is_word_end(end));
        (fits && (self.check)(text.part(body, end))).then(|| text.run(end, self.body))
    }
}

fn has_digit(body: &str) -> bool {
    body.bytes().any(|byte| byte.is_ascii_digit())
}
