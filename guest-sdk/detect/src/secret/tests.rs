//! What is a secret and what is not. Literals are put together from parts, so that no scanner takes this
//! file for one that has secrets in it; none of them ever was one.

use crate::Detector;

const A36: &str = "0123456789abcdefghijABCDEFGHIJ012345";
const B64: &str = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU2Nzg5";

fn found(text: &str) -> Vec<&str> {
    Detector::Secret.find(text).into_iter().map(|range| &text[range]).collect()
}

#[test]
fn tokens_of_known_shapes_are_found() {
    let hex32 = "0123456789abcdef0123456789abcdef";
    for token in [
        ["AKIA", "IOSFODNN7EXAMPLE"].concat(),
        ["ASIA", "IOSFODNN7EXAMPLE"].concat(),
        ["ghp", "_", A36].concat(),
        ["gho", "_", A36].concat(),
        ["ghs", "_", A36].concat(),
        ["github", "_pat_", "11ABCDEFG0abcdefghijkl_", A36].concat(),
        ["glpat", "-", "ABCdef-123456_789xyz"].concat(),
        ["xoxb", "-", "123456789012-1234567890123-AbCdEf"].concat(),
        ["xapp", "-", "1-A0123456789-1234567890123-abc"].concat(),
        ["sk", "_live_", "4eC39HqLyjWDarjtT1zdp7dc"].concat(),
        ["rk", "_test_", "4eC39HqLyjWDarjtT1zdp7dc"].concat(),
        ["AI", "za", "SyA-1234567890abcdefghijklmnopqrstu"].concat(),
        ["ya29", ".", "a0AfH6SMBx-0123456789_abc"].concat(),
        ["sk", "-", "abcdefghij0123456789ABCDEFGHIJ0123456789abcdefgh"].concat(),
        ["sk", "-ant-", "api03-abc_DEF-0123456789"].concat(),
        ["sk", "-proj-", "Ab3dEf_Gh1jKl-MnOpQrStUv"].concat(),
        ["npm", "_", A36].concat(),
        ["pypi", "-AgEIcHlwaS5vcmc", A36, A36].concat(),
        ["hf", "_", "abcdefghijABCDEFGHIJabcdefghijABCD"].concat(),
        ["dapi", hex32].concat(),
        ["SG", ".", "0123456789abcdefghijkl", ".", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"].concat(),
        ["shpat", "_", hex32].concat(),
        ["hvs", ".", "CAESIABCDEFGHIJ0123456789abc"].concat(),
        ["eyJ", "hbGciOiJIUzI1NiJ9", ".", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", ".", "dozjgNryP4J3jVmNHl0w5N"]
            .concat(),
        ["eyJ", "hbGciOiJub25lIn0x", ".", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "."].concat(),
        [
            "eyJ",
            "hbGciOiJSU0EifQ",
            ".",
            A36,
            ".",
            "48V1_ALb6US04U3b",
            ".",
            "5eym8TW_c8SuK0lt",
            ".",
            "XFBoMYUZodetZ",
        ]
        .concat(),
    ] {
        for (before, after) in
            [("", ""), ("é", "é"), ("\"", "\""), ("x=", "&y"), ("令牌", "。"), ("\n", "\n"), ("_", ",")]
        {
            let text = format!("{before}{token}{after}");
            assert_eq!(found(&text), [token.as_str()], "{text}");
        }
    }
}

#[test]
fn credentials_and_assigned_values_are_found() {
    for (before, secret, after) in [
        ("Authorization: Bearer ", A36, "\r\nHost: x"),
        ("authorization: basic ", "dXNlcjpwYXNz", ""),
        ("{'Authorization': 'Bearer ", "abc123", "'}"),
        ("curl -H \"Authorization: token ", A36, "\""),
        ("Bearer ", A36, " is sent"),
        ("postgres://user:", "s3cr3t", "@host/db"),
        ("https://x:", "pässwörd", "@example.com"),
        ("redis://:", "hunter2", "@cache:6379"),
        ("amqp://u:", "p@ss", "@host"),
        ("password=", "hunter2", ""),
        ("password: ", "hunter2", "\nuser: x"),
        ("DB_PASSWORD=\"", "correct horse 7", "\""),
        ("--db-password ", "", ""),
        ("aws_secret_access_key = ", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "\n"),
        ("api_key=", A36, "&x=1"),
        ("apiKey: '", A36, "',"),
        ("X-Api-Key: ", A36, "\n"),
        ("{\\\"token\\\": \\\"", A36, "\\\"}"),
        ("\"client_secret\" => \"", "Ab3dEf9hIj", "\""),
        ("AccountKey=", B64, ";EndpointSuffix=x"),
        ("pwd=", "Pa$$word", ";"),
        ("config[\"password\"] = \"", "s3cr3tive", "\""),
        ("Пароль: password=", "пароль123", ""),
        ("SECRET_KEY='", "django-insecure-7@x8s#kd9f0a", "'"),
    ] {
        if secret.is_empty() {
            continue;
        }
        let text = format!("{before}{secret}{after}");
        assert_eq!(found(&text), [secret], "{text}");
    }
}

#[test]
fn what_is_no_secret_is_not() {
    for text in [
        "",
        "AKIA",
        "AKIAIOSFODNN7EXAMPLEX",
        "xAKIAIOSFODNN7EXAMPLE",
        "akiaiosfodnn7example",
        "ghp_short",
        "sk-learn-something-long-name-here",
        "sk-toggleable__control sk-hidden--visually",
        "sk-estimator-container-id-12-doc-link",
        "task-abcdefghij0123456789ABCDEFGHIJ0123456789",
        "npm_config_cache",
        "pypi-server",
        "xoxb-tokens-are-for-bots-and-apps",
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJ.eyJ.x",
        "Bearer token authentication",
        "Bearer authentication-mechanism-in-use",
        "the bearer of this letter",
        "Authorization: required",
        "Authorization: Bearer <token>",
        "password: required",
        "password must be at least 8 characters",
        "password=password",
        "password=${DB_PASSWORD}",
        "password: <your password>",
        "password=get_password(user)",
        "password: self.config.password",
        "token_count=12345678901234567890",
        "max_tokens: 4096",
        "next_page_token=CAUQAA0123456789abcdef",
        "token: string",
        "secret: true",
        "api_key: str = None",
        "api_key=your-api-key-goes-here",
        "https://example.com:8080/a@b",
        "https://user@example.com/",
        "http://[::1]:8080/",
        "[REDACTED]",
        "password=[REDACTED]",
        "0123456789abcdef0123456789abcdef01234567",
        "550e8400-e29b-41d4-a716-446655440000",
        "passwordless login 12345678",
    ] {
        assert_eq!(found(text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn the_name_of_a_member_tells() {
    for (name, value, expected) in [
        ("password", "hunter2", true),
        ("dbPassword", "correct horse 7", true),
        ("client-secret", "Ab3dEf9hIj", true),
        ("api_key", A36, true),
        ("Authorization", "Basic dXNlcjpwYXNz", true),
        ("token", "string", false),
        ("password", "[REDACTED]", false),
        ("next_page_token", A36, false),
        ("name", A36, false),
        ("password_hint", "hunter2", false),
    ] {
        let found = Detector::Secret.find_in_member(name, value);
        assert_eq!(!found.is_empty(), expected, "{name}: {value}");
    }
    assert!(Detector::Email.find_in_member("password", "hunter2").is_empty());
}
