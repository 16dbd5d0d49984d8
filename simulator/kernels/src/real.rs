//! The two precisions.

use std::fmt;

use num_traits::{Float, NumAssign};

use crate::{aligned::Element, dispatch::Dispatch};

/// A precision: `f64` or `f32`. Sealed, for each needs its own vector code.
pub trait Real:
    Float + NumAssign + Default + fmt::Debug + fmt::Display + Send + Sync + Dispatch + Element + 'static
{
    /// The value in double precision.
    fn widen(self) -> f64;

    /// The nearest value of this precision.
    fn narrow(value: f64) -> Self;
}

impl Real for f64 {
    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }

    #[inline(always)]
    fn narrow(value: f64) -> Self {
        value
    }
}

impl Real for f32 {
    #[inline(always)]
    fn widen(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn narrow(value: f64) -> Self {
        value as f32
    }
}
