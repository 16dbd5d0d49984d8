//! Values: known while the program is read, or while it runs.

use std::fmt;

use ketch_interface::{
    BitString,
    circuit::{ExprId, TimeUnit, VarType},
};

use ketch_interface::Complex64;

/// The width of `int` and `uint` without one.
pub(super) const INT_WIDTH: u32 = 64;

/// The width of `angle` without one: every such angle is exact in double precision.
pub(super) const ANGLE_WIDTH: u32 = 52;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    Bit,
    Bits(u32),
    Bool,
    /// A whole number as the program writes it: it takes the type of what it meets.
    Literal,
    Int(u32),
    Uint(u32),
    Float,
    /// In units of 2π/2^n.
    Angle(u32),
    Complex,
    Duration,
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bit => write!(f, "bit"),
            Self::Bits(n) => write!(f, "bit[{n}]"),
            Self::Bool => write!(f, "bool"),
            Self::Literal => write!(f, "int"),
            Self::Int(n) => write!(f, "int[{n}]"),
            Self::Uint(n) => write!(f, "uint[{n}]"),
            Self::Float => write!(f, "float"),
            Self::Angle(n) => write!(f, "angle[{n}]"),
            Self::Complex => write!(f, "complex"),
            Self::Duration => write!(f, "duration"),
        }
    }
}

impl Ty {
    /// How a variable of this type is stored while the circuit runs, if it can be.
    pub(super) fn stored(self) -> Option<VarType> {
        Some(match self {
            Self::Bit => VarType::Uint(1),
            Self::Bits(n) | Self::Uint(n) | Self::Angle(n) => VarType::Uint(n),
            Self::Bool => VarType::Bool,
            Self::Literal => VarType::Int(INT_WIDTH),
            Self::Int(n) => VarType::Int(n),
            Self::Float => VarType::Float,
            Self::Complex | Self::Duration => return None,
        })
    }

    /// A whole number, signed or not, or one that a number may be made of.
    pub(super) fn is_integer(self) -> bool {
        matches!(self, Self::Literal | Self::Int(_) | Self::Uint(_))
    }

    /// The number of bits, of types that are made of them.
    pub(super) fn width(self) -> Option<u32> {
        match self {
            Self::Bit | Self::Bool => Some(1),
            Self::Bits(n) | Self::Int(n) | Self::Uint(n) | Self::Angle(n) => Some(n),
            Self::Literal => Some(INT_WIDTH),
            Self::Float | Self::Complex | Self::Duration => None,
        }
    }

    /// What a variable holds before something is written into it.
    pub(super) fn zero(self) -> Const {
        match self {
            Self::Bit | Self::Bool => Const::Bool(false),
            Self::Bits(n) => Const::Bits(BitString::zeros(n)),
            Self::Literal | Self::Int(_) | Self::Uint(_) | Self::Angle(_) => Const::Int(0),
            Self::Float => Const::Float(0.0),
            Self::Complex => Const::Complex(Complex64::ZERO),
            Self::Duration => Const::Time(Time::ZERO),
        }
    }

    /// The whole number as this type holds it.
    pub(super) fn wrap(self, value: i128) -> i128 {
        match self {
            Self::Uint(n) | Self::Angle(n) if n < 127 => value & ((1_i128 << n) - 1),
            // Only the sign is in the way; wider types hold every whole number, -1 as all ones.
            Self::Uint(127) => value & i128::MAX,
            Self::Int(n) => {
                let unused = 128 - n;
                value << unused >> unused
            }
            _ => value,
        }
    }
}

/// A value that is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Const {
    /// `bool` and `bit`.
    Bool(bool),
    /// `bit[n]`.
    Bits(BitString),
    /// `int`, `uint` and `angle`.
    Int(i128),
    Float(f64),
    Complex(Complex64),
    Time(Time),
}

/// A duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Time {
    pub(super) amount: f64,
    pub(super) unit: TimeUnit,
    /// It holds a stretch, which takes the time that is needed.
    pub(super) stretch: bool,
}

impl Time {
    pub(super) const ZERO: Self = Self { amount: 0.0, unit: TimeUnit::Second, stretch: false };

    /// The same duration in another unit; `None` between ticks and seconds.
    pub(super) fn in_unit(self, unit: TimeUnit) -> Option<Self> {
        let factor = match (exponent(self.unit), exponent(unit)) {
            (a, b) if a == b => 1.0,
            _ if self.amount == 0.0 => 1.0,
            (Some(from), Some(to)) if from > to => 10_f64.powi(from - to),
            (Some(from), Some(to)) => {
                return Some(Self { amount: self.amount / 10_f64.powi(to - from), unit, ..self });
            }
            _ => return None,
        };
        Some(Self { amount: self.amount * factor, unit, ..self })
    }

    /// Both in the finer of their units.
    pub(super) fn aligned(self, other: Self) -> Option<(Self, Self)> {
        let finer = match (exponent(self.unit), exponent(other.unit)) {
            _ if self.amount == 0.0 => other.unit,
            _ if other.amount == 0.0 => self.unit,
            (Some(a), Some(b)) if a > b => other.unit,
            _ => self.unit,
        };
        Some((self.in_unit(finer)?, other.in_unit(finer)?))
    }
}

/// The power of ten of a second; ticks have none.
fn exponent(unit: TimeUnit) -> Option<i32> {
    match unit {
        TimeUnit::Second => Some(0),
        TimeUnit::Millisecond => Some(-3),
        TimeUnit::Microsecond => Some(-6),
        TimeUnit::Nanosecond => Some(-9),
        TimeUnit::Picosecond => Some(-12),
        TimeUnit::Tick => None,
    }
}

/// A value with its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    pub(super) ty: Ty,
    pub(super) of: Of,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Of {
    Known(Const),
    /// An expression of the circuit. `bit` and `bool` are truth values there, a `duration` is a
    /// number of seconds, the others are as they are stored.
    Run(ExprId),
}

impl Value {
    pub(super) fn known(ty: Ty, value: Const) -> Self {
        Self { ty, of: Of::Known(value) }
    }

    pub(super) fn run(ty: Ty, expr: ExprId) -> Self {
        Self { ty, of: Of::Run(expr) }
    }

    pub(super) fn float(value: f64) -> Self {
        Self::known(Ty::Float, Const::Float(value))
    }

    pub(super) fn bool(value: bool) -> Self {
        Self::known(Ty::Bool, Const::Bool(value))
    }

    pub(super) fn literal(value: i128) -> Self {
        Self::known(Ty::Literal, Const::Int(value))
    }

    /// What is known of it.
    pub(super) fn as_known(&self) -> Option<&Const> {
        match &self.of {
            Of::Known(value) => Some(value),
            Of::Run(_) => None,
        }
    }

    /// The whole number, if it is known and one.
    pub(super) fn as_int(&self) -> Option<i128> {
        match (self.ty, self.as_known()?) {
            (Ty::Angle(_), _) => None,
            (_, Const::Int(value)) => Some(*value),
            (_, Const::Bool(value)) => Some(i128::from(*value)),
            (_, Const::Bits(bits)) => bits.to_u64().map(i128::from),
            _ => None,
        }
    }

    /// The number, if it is known and real; angles in radians.
    pub(super) fn as_number(&self) -> Option<f64> {
        match self.as_known()? {
            Const::Int(value) => Some(match self.ty {
                Ty::Angle(n) => *value as f64 * angle_unit(n),
                _ => *value as f64,
            }),
            Const::Float(value) => Some(*value),
            Const::Bool(value) => Some(f64::from(u8::from(*value))),
            Const::Bits(_) => self.as_int().map(|value| value as f64),
            Const::Complex(value) if value.im == 0.0 => Some(value.re),
            Const::Complex(_) | Const::Time(_) => None,
        }
    }

    /// It counts as true, if it is known.
    pub(super) fn as_truth(&self) -> Option<bool> {
        Some(match self.as_known()? {
            Const::Bool(value) => *value,
            Const::Bits(bits) => bits.words().any(|word| word != 0),
            Const::Int(value) => *value != 0,
            Const::Float(value) => *value != 0.0,
            Const::Complex(value) => *value != Complex64::ZERO,
            Const::Time(time) => time.amount != 0.0,
        })
    }
}

/// The lowest step of an angle of `n` bits, in radians.
pub(super) fn angle_unit(n: u32) -> f64 {
    std::f64::consts::TAU / 2_f64.powi(n as i32)
}

/// The nearest angle of `n` bits.
pub(super) fn angle_of(radians: f64, n: u32) -> i128 {
    let turns = (radians / std::f64::consts::TAU).rem_euclid(1.0);
    // Up to 2^64: exact in 128 bits.
    Ty::Angle(n).wrap((turns * 2_f64.powi(n as i32)).round() as i128)
}

/// Bits as a whole number, and back.
pub(super) fn bits_of(value: i128, width: u32) -> BitString {
    let sign = if value < 0 { u64::MAX } else { 0 };
    let mut words = vec![sign; (width as usize).div_ceil(64).max(2)];
    words[0] = value as u64;
    words[1] = (value >> 64) as u64;
    BitString::from_words(width, &words)
}
