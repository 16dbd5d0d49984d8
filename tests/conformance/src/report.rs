//! What a check says, and all of them together.

use std::fmt;

use ketch_core::Error;

/// What a check returns: `Ok` if the contract is kept.
pub type Check = Result<(), Outcome>;

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The contract is kept.
    Passed,
    /// It is broken; how.
    Failed(String),
    /// It cannot be checked on this backend; why.
    NotApplicable(String),
}

/// One check of one provider or backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The provider, or `provider/backend`.
    pub subject: String,
    /// The group that the check belongs to.
    pub group: &'static str,
    /// What was checked.
    pub check: &'static str,
    /// How it ended.
    pub outcome: Outcome,
}

/// What all checks said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One for each check, in order.
    pub lines: Vec<Line>,
}

impl Outcome {
    /// The contract is broken in this way.
    pub fn failed(how: impl Into<String>) -> Self {
        Self::Failed(how.into())
    }

    /// The check says nothing here, for this reason.
    pub fn not_applicable(why: impl Into<String>) -> Self {
        Self::NotApplicable(why.into())
    }
}

/// A check that needs an answer and gets an error has failed.
impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        let causes = error.causes();
        let chain: Vec<String> = std::iter::once(error.to_string()).chain(causes).collect();
        Self::Failed(format!("{} ({})", chain.join(": "), error.code()))
    }
}

impl Line {
    /// The line of a check that ended like this.
    #[must_use]
    pub fn new(subject: &str, group: &'static str, check: &'static str, outcome: Check) -> Self {
        let outcome = outcome.err().unwrap_or(Outcome::Passed);
        Self { subject: subject.to_owned(), group, check, outcome }
    }
}

impl Report {
    /// No check failed.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| matches!(line.outcome, Outcome::Failed(_)))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, check, outcome, .. } = self;
        match outcome {
            Outcome::Passed => write!(f, "passed          {subject}: {check}"),
            Outcome::Failed(how) => write!(f, "FAILED          {subject}: {check}: {how}"),
            Outcome::NotApplicable(why) => write!(f, "not applicable  {subject}: {check}: {why}"),
        }
    }
}

impl fmt::Display for Report {
    /// One line for each check.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Fails with a text unless the condition holds.
macro_rules! require {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::Outcome::failed(format!($($text)+)));
        }
    };
}

pub(crate) use require;
