use std::fmt;
use std::str::FromStr;

/// A bound that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit<T> {
    Off,
    At(T),
}

impl<T: Copy> Limit<T> {
    pub const fn get(self) -> Option<T> {
        match self {
            Self::Off => None,
            Self::At(bound) => Some(bound),
        }
    }
}

impl Limit<u64> {
    /// Is `value` above the bound?
    pub const fn exceeded_by(self, value: u64) -> bool {
        match self {
            Self::Off => false,
            Self::At(bound) => value > bound,
        }
    }
}

impl<T: FromStr<Err: fmt::Display>> FromStr for Limit<T> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|error| format!("{error}; or `off`"))
    }
}

impl<T: fmt::Display> fmt::Display for Limit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(bound) => bound.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_or_a_bound() {
        assert_eq!("off".parse::<Limit<u64>>(), Ok(Limit::Off));
        assert_eq!("7".parse::<Limit<u64>>(), Ok(Limit::At(7)));
        assert!("many".parse::<Limit<u64>>().expect_err("not a number").contains("or `off`"));
        assert!(Limit::At(7).exceeded_by(8) && !Limit::At(7).exceeded_by(7) && !Limit::Off.exceeded_by(u64::MAX));
    }
}
