//! What a call costs by one of its arguments.

use bartizan_guest::Call;
use thiserror::Error;

use crate::json::Json;
use crate::reading::Found;
use crate::{Amount, AmountError, Path};

/// Why there is no cost at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CostError {
    /// Nothing is there.
    #[error("it is missing")]
    Missing,
    /// Something else is there.
    #[error("it is {0}, not a number")]
    Kind(&'static str),
    /// A number is there that is no cost, or a text that is no number.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

impl Path {
    /// The number at the path: a JSON number, or one in a string. Several add up.
    ///
    /// # Errors
    ///
    /// When there is anything else, also among several, or when it is no [`Amount`].
    pub fn cost(&self, call: &Call) -> Result<Amount, CostError> {
        let mut sum = Ok(Amount::default());
        self.read(call, |found| {
            let cost = match &found {
                Found::Missing => Err(CostError::Missing),
                Found::Opaque => Err(CostError::Kind("in something that has no parts")),
                Found::Value(Json::Number(text)) => text.parse().map_err(CostError::Amount),
                Found::Value(Json::Text(text)) => text.parse().map_err(CostError::Amount),
                Found::Value(other) => Err(CostError::Kind(other.kind())),
            };
            sum = sum.and_then(|sum: Amount| Ok(sum.plus(cost?)?));
        });
        sum
    }
}

#[cfg(test)]
mod tests {
    use bartizan_guest::testing::TestCall;

    use super::CostError;
    use crate::{AmountError, DecimalError, Path};

    #[test]
    fn costs_of_calls() {
        use AmountError::{Negative, Number, TooLarge, TooPrecise};
        let amount = |error| Err(CostError::Amount(error));
        let arguments = r#"{
            "one": 12.50, "text": " 1e2 ", "negative": -1, "minus_nothing": -0, "word": "ten", "yes": true,
            "none": null, "list": [1, "2.5", 0.000000001], "holes": [1, null], "mixed": [1, true], "empty": [],
            "items": [{"price": 3}, {"price": 4}, {}], "map": {"a": 1, "b": 2},
            "large": 1e18, "halves": [500000000000000000, 5e17], "precise": 0.0000000001, "vast": 1e999999999
        }"#;
        for (path, expected) in [
            ("args.one", Ok("12.5")),
            ("args.text", Ok("100")),
            ("args.minus_nothing", Ok("0")),
            ("args.list[*]", Ok("3.500000001")),
            ("args.list[1]", Ok("2.5")),
            ("args.map.*", Ok("3")),
            ("args.negative", amount(Negative)),
            ("args.word", amount(Number(DecimalError::NotANumber))),
            ("args.yes", Err(CostError::Kind("a boolean"))),
            ("args.none", Err(CostError::Missing)),
            ("args.gone", Err(CostError::Missing)),
            ("args.empty[*]", Err(CostError::Missing)),
            ("args.holes[*]", Err(CostError::Missing)),
            ("args.items[*].price", Err(CostError::Missing)),
            ("args.mixed[*]", Err(CostError::Kind("a boolean"))),
            ("args.list", Err(CostError::Kind("an array"))),
            ("args.map", Err(CostError::Kind("an object"))),
            ("args.text.x", Err(CostError::Kind("in something that has no parts"))),
            ("args.large", amount(TooLarge)),
            ("args.vast", amount(TooLarge)),
            ("args.halves[*]", amount(TooLarge)),
            ("args.precise", amount(TooPrecise)),
        ] {
            let path: Path = path.parse().unwrap();
            let cost = TestCall::tool("pay").arguments_text(arguments).read(|call| path.cost(call));
            assert_eq!(cost.map(|cost| cost.to_string()), expected.map(str::to_owned), "{path}");
        }
    }
}
