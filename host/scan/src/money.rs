//! Names about money: what an ordinary verb does to a payment.

/// Objects that make an ordinary verb a financial one: `create` an `invoice`.
const MONEY: &[&str] = &[
    "payment",
    "payments",
    "invoice",
    "charge",
    "refund",
    "payout",
    "subscription",
    "transaction",
    "checkout",
    "mandate",
    "loan",
    "deposit",
    "withdrawal",
    "funds",
    "money",
    "payroll",
    "transfer",
    "trade",
    "cash",
    "subscriptions",
    "invoices",
    "credits",
    "giftcard",
    "paylink",
    "fund",
    "bill",
    "autopay",
    "wager",
];
/// Objects that do so with verbs of trading only.
const TRADED: &[&str] =
    &["order", "orders", "position", "positions", "offer", "bid", "claim", "contract", "options"];
const TRADING: &[&str] = &[
    "place", "submit", "create", "cancel", "pay", "execute", "close", "exercise", "accept", "capture",
    "fill", "open", "replace", "make", "modify", "amend", "send", "sign", "write", "call",
];
/// Words that mostly look at something, and settle it if it is money: `capture_payment`.
pub(crate) const SETTLING: &[&str] = &["capture", "open"];
/// What is transferred when it is money.
const TRANSFERRED: &[&str] = &[
    "token", "tokens", "native", "eth", "sol", "btc", "usdc", "usdt", "erc", "spl", "coin", "coins", "nft",
    "asset", "assets", "balance", "credit", "currency", "xrp", "crypto", "stock", "stocks", "shares",
    "lamports", "ether",
];
const MOVING: &[&str] = &["transfer", "send", "approve", "burn", "mint", "wrap", "unwrap", "permit", "spend"];
/// The last word of a compound that is about money and is none.
const ABOUT: &[&str] = &[
    "note",
    "comment",
    "tag",
    "label",
    "template",
    "report",
    "webhook",
    "metadata",
    "attribute",
    "tracking",
    "filter",
    "alert",
    "category",
    "categories",
    "rule",
    "endpoint",
    "profile",
    "preference",
    "preferences",
];
/// Where subscriptions and transactions are not about money.
const ELSEWHERE: &[&str] = &[
    "pubsub",
    "topic",
    "topics",
    "webhook",
    "webhooks",
    "notification",
    "notifications",
    "queue",
    "event",
    "events",
    "feed",
    "rss",
    "graphql",
    "sql",
    "database",
    "db",
    "resource",
    "resources",
    "azure",
    "mqtt",
    "kafka",
    "newsletter",
    "calendar",
    "channel",
    "sns",
    "begin",
    "commit",
    "rollback",
    "migration",
    "smart",
    "git",
    "branch",
    "ref",
];

/// The word because of which a name with a verb that writes or runs is about money. `words` are those of
/// the name, `description` those of the first sentence.
pub(crate) fn object<'n>(words: &'n [String], description: &[&str]) -> Option<&'n str> {
    let has = |table: &[&str], word: &str| {
        table.contains(&word) || word.strip_suffix('s').is_some_and(|word| table.contains(&word))
    };
    let elsewhere = |word: &str| ELSEWHERE.contains(&word);
    if words.last().is_some_and(|word| has(ABOUT, word)) {
        return None;
    }
    let by_any = words.iter().find(|word| has(MONEY, word));
    if let Some(word) = by_any
        && !words.iter().any(|word| elsewhere(word))
        && !description.iter().any(|word| elsewhere(word))
    {
        return Some(word);
    }
    let verb_in = |table: &[&str]| words.iter().any(|word| table.contains(&word.as_str()));
    // A traded thing is the last word, or followed by how it is found (`order_by_id`), all (`orders_all`).
    let traded = words.iter().enumerate().find(|(at, word)| {
        TRADED.contains(&word.as_str())
            && words
                .get(at + 1)
                .is_none_or(|next| ["by", "all", "for", "v", "with", "position"].contains(&next.as_str()))
    });
    if let Some((_, word)) = traded.filter(|_| verb_in(TRADING)) {
        let in_words = |word: &str| description.contains(&word) || words.iter().any(|known| known == word);
        let fits = match word.as_str() {
            "contract" => in_words("smart") || in_words("blockchain") || in_words("transaction"),
            "claim" => in_words("dispute") || in_words("payment"),
            "offer" => in_words("price") || in_words("trade"),
            "position" | "positions" => verb_in(&["close", "open", "exercise", "liquidate"]),
            _ => true,
        };
        if fits {
            return Some(word);
        }
    }
    words
        .iter()
        .find(|word| TRANSFERRED.contains(&word.as_str()))
        .filter(|_| verb_in(MOVING))
        .map(String::as_str)
}

/// Whether a `transfer`, `exchange` or the like is of something else than money: a repository, a call.
pub(crate) fn is_of_things(words: &[String], description: &[&str]) -> bool {
    const THINGS: &[&str] = &[
        "repository",
        "repo",
        "ownership",
        "owner",
        "issue",
        "issues",
        "file",
        "files",
        "call",
        "domain",
        "project",
        "data",
        "conversation",
        "ticket",
        "ticket",
        "chat",
        "learning",
        "style",
        "page",
        "pages",
        "app",
        "dashboard",
        "artifact",
        "rate",
        "rates",
        "face",
        "message",
        "messages",
        "mailbox",
        "email",
        "emails",
        "calendar",
        "server",
    ];
    const OF_MONEY: &[&str] =
        &["funds", "money", "tokens", "payment", "wallet", "amount", "currency", "cash"];
    words.iter().any(|word| THINGS.contains(&word.as_str()))
        && !words
            .iter()
            .map(String::as_str)
            .chain(description.iter().copied())
            .any(|word| OF_MONEY.contains(&word))
}
