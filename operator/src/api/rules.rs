//! What spans several fields, or needs words to be understood: rules in CEL that the API server checks at `apply`.
//!
//! Each message tells what to do. A test refuses one manifest and accepts another for each rule, at a real API server.

mod backends;
mod exposure;
mod profile;
mod scaling;
mod workload;

/// A rule at one or several fields.
#[derive(Debug, Clone)]
pub struct Rule {
    /// A name for tests and documentation.
    pub id: &'static str,
    /// Where it is checked: paths such as `spec.gateways`; empty for the whole resource.
    pub at: Vec<String>,
    /// The expression in CEL; `self` is the field's value, and with `oldSelf` it holds for changes alone.
    pub rule: String,
    pub message: String,
    pub reason: Reason,
    /// The field that is blamed, relative to `at`.
    pub field_path: Option<String>,
}

/// What the API server puts in front of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Invalid,
    Forbidden,
    Required,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "FieldValueInvalid",
            Self::Forbidden => "FieldValueForbidden",
            Self::Required => "FieldValueRequired",
        }
    }
}

impl Rule {
    fn new(id: &'static str, at: &str, rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            id,
            at: vec![at.to_owned()],
            rule: rule.into(),
            message: message.into(),
            reason: Reason::Invalid,
            field_path: None,
        }
    }

    fn everywhere<S: Into<String>>(mut self, at: impl IntoIterator<Item = S>) -> Self {
        self.at = at.into_iter().map(Into::into).collect();
        self
    }

    fn blames(mut self, field: &str) -> Self {
        self.field_path = Some(field.to_owned());
        self
    }

    fn forbidden(mut self) -> Self {
        self.reason = Reason::Forbidden;
        self
    }

    fn required(mut self) -> Self {
        self.reason = Reason::Required;
        self
    }
}

/// All of them.
pub fn rules() -> Vec<Rule> {
    [profile::rules(), scaling::rules(), backends::rules(), exposure::rules(), workload::rules()].concat()
}
