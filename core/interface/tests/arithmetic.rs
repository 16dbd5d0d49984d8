//! What expressions come to, against slow models: integers of 128 bits for every pair of operands
//! of small widths, and numbers as lists of bits for widths beyond a machine word.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use ketch_interface::circuit::{Binary, EvaluateError, Expr, Scope, Unary, Value, VarId, VarType};
use ketch_interface::{BitString, Circuit};
use proptest::prelude::*;

use Binary::{
    Add, And, BitAnd, BitOr, BitXor, Div, Equal, Greater, GreaterEqual, Less, LessEqual, Mul,
    NotEqual, Or, Pow, Rem, RotateLeft, RotateRight, Shl, Shr, Sub,
};

fn uint(width: u32, value: u64) -> Value {
    Value::Uint(BitString::from_u64(width, value))
}

/// The value of a circuit's last expression, made of these literals.
fn evaluated(literals: &[Value], expr: impl FnOnce(u32) -> Expr) -> Result<Value, EvaluateError> {
    let mut circuit = Circuit::new(0, 0);
    for literal in literals {
        circuit.add_expr(Expr::Literal(literal.clone()));
    }
    let id = circuit.add_expr(expr(literals.len() as u32));
    circuit.validate().unwrap();
    let scope = Scope { clbits: &BitString::zeros(0), variables: &[], bindings: &[] };
    circuit.evaluate(id, scope)
}

fn id(number: u32) -> ketch_interface::circuit::ExprId {
    ketch_interface::circuit::ExprId(number)
}

fn binary(operator: Binary, a: Value, b: Value) -> Result<Value, EvaluateError> {
    evaluated(&[a, b], |_| Expr::Binary(operator, id(0), id(1)))
}

fn unary(operator: Unary, a: Value) -> Result<Value, EvaluateError> {
    evaluated(&[a], |_| Expr::Unary(operator, id(0)))
}

/// What an operator gives for integers without bounds; `None` for a division by zero, or a power or
/// a shift that has no meaning.
fn model(operator: Binary, x: i128, y: i128) -> Option<i128> {
    let modulus = 1_i128 << 64;
    Some(match operator {
        Add => x + y,
        Sub => x - y,
        Mul => x * y,
        Div => x.checked_div(y)?,
        Rem => x.checked_rem(y)?,
        Pow if y < 0 => return None,
        Pow => (0..y).fold(1, |power, _| (power * x).rem_euclid(modulus)),
        BitAnd => x & y,
        BitOr => x | y,
        BitXor => x ^ y,
        And => i128::from(x != 0 && y != 0),
        Or => i128::from(x != 0 || y != 0),
        Equal => i128::from(x == y),
        NotEqual => i128::from(x != y),
        Less => i128::from(x < y),
        LessEqual => i128::from(x <= y),
        Greater => i128::from(x > y),
        GreaterEqual => i128::from(x >= y),
        Shl | Shr if y < 0 => return None,
        Shl => x * (1 << y.min(70)).min(1 << 40),
        Shr => x >> y.min(100),
        other => panic!("{other:?} is tested on its own"),
    })
}

const ALL: [Binary; 18] = [
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    BitAnd,
    BitOr,
    BitXor,
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Shr,
];

#[test]
fn unsigned_numbers_of_every_small_width_agree_with_integers() {
    for width in 1..=4_u32 {
        let size = 1_u64 << width;
        for (x, y) in (0..size).flat_map(|x| (0..size).map(move |y| (x, y))) {
            for operator in ALL.into_iter().chain([Shl]) {
                let found = binary(operator, uint(width, x), uint(width, y));
                let expected = model(operator, i128::from(x), i128::from(y));
                match (found, expected) {
                    (Ok(Value::Bool(found)), Some(expected)) => {
                        assert_eq!(i128::from(found), expected, "{x} {operator:?} {y}");
                    }
                    (Ok(found), Some(expected)) => {
                        let expected = expected.rem_euclid(1 << width) as u64;
                        assert_eq!(found, uint(width, expected), "{x} {operator:?} {y}");
                    }
                    (Err(error), None) => {
                        assert_eq!(error, EvaluateError::DivisionByZero { operator });
                    }
                    other => panic!("{x} {operator:?} {y}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn signed_numbers_wrap_at_the_width_of_a_cast() {
    for width in 1..=4_u32 {
        let (low, high) = (-(1_i64 << (width - 1)), 1_i64 << (width - 1));
        for (x, y) in (low..high).flat_map(|x| (low..high).map(move |y| (x, y))) {
            for operator in ALL.into_iter().chain([Shl]) {
                let found = evaluated(&[Value::Int(x), Value::Int(y)], |_| {
                    Expr::Binary(operator, id(0), id(1))
                });
                let found = found.map(|value| match value {
                    Value::Bool(_) => value,
                    other => other.cast(VarType::Int(width)),
                });
                let expected = model(operator, i128::from(x), i128::from(y));
                match (found, expected) {
                    (Ok(Value::Bool(found)), Some(expected)) => {
                        assert_eq!(i128::from(found), expected, "{x} {operator:?} {y}");
                    }
                    (Ok(Value::Int(found)), Some(expected)) => {
                        let wrapped = (expected - i128::from(low)).rem_euclid(1 << width);
                        let expected = wrapped + i128::from(low);
                        assert_eq!(i128::from(found), expected, "{x} {operator:?} {y}");
                    }
                    (Err(_), None) => {}
                    other => panic!("{x} {operator:?} {y}: {other:?}"),
                }
            }
        }
    }
    // The one quotient that leaves the range.
    assert_eq!(binary(Div, Value::Int(i64::MIN), Value::Int(-1)), Ok(Value::Int(i64::MIN)));
    assert_eq!(binary(Rem, Value::Int(i64::MIN), Value::Int(-1)), Ok(Value::Int(0)));
}

#[test]
fn rotations_move_every_bit_around() {
    for width in [1_u32, 2, 3, 5, 64, 65, 130] {
        for distance in [0_i64, 1, 2, -1, -7, 64, 129, 131, i64::MAX, i64::MIN] {
            let mut bits = BitString::zeros(width);
            (0..width).filter(|place| place % 3 == 0).for_each(|place| bits.set(place, true));
            let of = |operator| binary(operator, Value::Uint(bits.clone()), Value::Int(distance));
            let (Value::Uint(left), Value::Uint(right)) =
                (of(RotateLeft).unwrap(), of(RotateRight).unwrap())
            else {
                panic!("a rotation has the type of what is rotated");
            };
            let by = i128::from(distance).rem_euclid(i128::from(width)) as u32;
            for place in 0..width {
                assert_eq!(left.get((place + by) % width), bits.get(place));
                assert_eq!(right.get(place), bits.get((place + by) % width));
            }
        }
    }
    assert!(binary(RotateLeft, Value::Int(3), Value::Int(1)).is_err());
}

#[test]
fn functions_of_one_operand() {
    let float = Value::Float;
    assert_eq!(unary(Unary::Popcount, uint(70, 0b1011)), Ok(uint(64, 3)));
    assert_eq!(unary(Unary::Popcount, Value::Int(-1)), Ok(uint(64, 64)));
    assert_eq!(unary(Unary::Popcount, Value::Bool(true)), Ok(uint(64, 1)));
    assert_eq!(unary(Unary::Negate, uint(4, 1)), Ok(uint(4, 15)));
    assert_eq!(unary(Unary::Negate, uint(4, 0)), Ok(uint(4, 0)));
    assert_eq!(unary(Unary::Negate, Value::Int(i64::MIN)), Ok(Value::Int(i64::MIN)));
    assert_eq!(unary(Unary::BitNot, uint(3, 0b101)), Ok(uint(3, 0b010)));
    assert_eq!(unary(Unary::Abs, Value::Int(-7)), Ok(Value::Int(7)));
    assert_eq!(unary(Unary::Floor, float(-0.5)), Ok(float(-1.0)));
    assert_eq!(unary(Unary::Ceiling, float(0.25)), Ok(float(1.0)));
    assert_eq!(unary(Unary::Sqrt, uint(8, 9)), Ok(float(3.0)));
    assert!(unary(Unary::Popcount, float(1.0)).is_err());
    assert!(unary(Unary::BitNot, float(1.0)).is_err());
}

#[test]
fn real_numbers_become_integers_modulo_the_width() {
    let cast = |value: f64, ty| evaluated(&[Value::Float(value)], |_| Expr::Cast(ty, id(0)));
    assert_eq!(cast(3.99, VarType::Uint(2)), Ok(uint(2, 3)));
    assert_eq!(cast(-1.5, VarType::Uint(3)), Ok(uint(3, 7)));
    assert_eq!(cast(-1.5, VarType::Int(3)), Ok(Value::Int(-1)));
    assert_eq!(cast(9.0, VarType::Int(3)), Ok(Value::Int(1)));
    assert_eq!(cast(0.25, VarType::Bool), Ok(Value::Bool(true)));
    // 2^100 + 2^60, exact in double precision.
    let large = 2_f64.powi(100) + 2_f64.powi(60);
    assert_eq!(cast(large, VarType::Uint(64)), Ok(uint(64, 1 << 60)));
    let wide = cast(large, VarType::Uint(101)).unwrap();
    assert_eq!(wide.to_i128(), Some((1 << 100) + (1 << 60)));
    assert_eq!(wide.to_f64(), large);
    let negative = cast(-large, VarType::Uint(101)).unwrap();
    assert_eq!(negative.to_i128(), Some((1 << 101) - (1 << 100) - (1 << 60)));
    for number in [f64::NAN, f64::INFINITY] {
        assert!(matches!(cast(number, VarType::Uint(8)), Err(EvaluateError::NotFinite { .. })));
        assert!(matches!(cast(number, VarType::Int(8)), Err(EvaluateError::NotFinite { .. })));
    }
    // Ties go to even, and what is far below the last bit breaks them.
    let mut bits = BitString::zeros(120);
    bits.set(119, true);
    bits.set(66, true);
    assert_eq!(Value::Uint(bits.clone()).to_f64(), 2_f64.powi(119));
    bits.set(0, true);
    assert_eq!(Value::Uint(bits).to_f64(), 2_f64.powi(119) + 2_f64.powi(67));
}

#[test]
fn indices_reach_bits_and_elements_from_both_ends() {
    let bit = |of: Value, index: i64| {
        evaluated(&[of, Value::Int(index)], |_| Expr::Index { of: id(0), index: id(1) })
    };
    let bits = uint(3, 0b110);
    let found: Vec<_> = (-3..3).map(|index| bit(bits.clone(), index).unwrap()).collect();
    assert_eq!(found, [false, true, true, false, true, true].map(Value::Bool));
    for index in [-4, 3, i64::MAX, i64::MIN] {
        let error = bit(bits.clone(), index).unwrap_err();
        let text = format!("index {index} is out of range: there are 3, expected -3 to 3 - 1");
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(bit(Value::Bool(true), -1), Ok(Value::Bool(true)));
    assert!(matches!(bit(Value::Float(1.0), 0), Err(EvaluateError::Meaningless { .. })));

    let mut circuit = Circuit::new(0, 0);
    for number in 0..4 {
        circuit.add_variable(format!("a[{number}]"), VarType::Int(8));
    }
    let index = circuit.add_expr(Expr::Var(VarId(0)));
    let element = circuit.add_expr(Expr::Element { first: VarId(1), size: 3, index });
    circuit.validate().unwrap();
    let at = |index| {
        let variables = [index, 10, 11, 12].map(Value::Int);
        let scope = Scope { clbits: &BitString::zeros(0), variables: &variables, bindings: &[] };
        circuit.evaluate(element, scope)
    };
    assert_eq!([0, 2, -1, -3].map(at), [10, 12, 12, 10].map(|value| Ok(Value::Int(value))));
    assert!(matches!(at(3), Err(EvaluateError::IndexOutOfRange { size: 3, .. })));
    let beyond = circuit.add_expr(Expr::Element { first: VarId(2), size: 3, index });
    assert!(circuit.validate().is_err(), "{beyond:?}");
}

#[test]
fn the_right_operand_is_left_alone_where_the_left_one_decides() {
    let by_zero = |first: Value, operator| {
        let literals = [first, Value::Int(1), Value::Int(0)];
        let mut circuit = Circuit::new(0, 0);
        for literal in literals {
            circuit.add_expr(Expr::Literal(literal));
        }
        let quotient = circuit.add_expr(Expr::Binary(Div, id(1), id(2)));
        let last = circuit.add_expr(Expr::Binary(operator, id(0), quotient));
        let scope = Scope { clbits: &BitString::zeros(0), variables: &[], bindings: &[] };
        circuit.evaluate(last, scope)
    };
    assert_eq!(by_zero(Value::Bool(false), And), Ok(Value::Bool(false)));
    assert_eq!(by_zero(Value::Bool(true), Or), Ok(Value::Bool(true)));
    assert!(by_zero(Value::Bool(true), And).is_err());
    assert!(by_zero(Value::Bool(false), Or).is_err());
}

#[test]
fn products_of_very_wide_numbers_are_refused() {
    let wide = Value::Uint(BitString::zeros(5000));
    for operator in [Mul, Div, Rem, Pow] {
        let error = binary(operator, wide.clone(), uint(1, 1)).unwrap_err();
        assert!(matches!(error, EvaluateError::TooWide { width: 5000, .. }), "{error}");
    }
    assert!(binary(Add, wide.clone(), wide).is_ok());
}

/// A number as bits, the lowest first: sums bit by bit, products as sums.
mod slow {
    pub(super) fn add(a: &[bool], b: &[bool]) -> Vec<bool> {
        let mut carry = 0;
        let digit = |place: usize| {
            let total = u8::from(a[place]) + u8::from(b[place]) + carry;
            carry = total / 2;
            total % 2 == 1
        };
        (0..a.len()).map(digit).collect()
    }

    pub(super) fn mul(a: &[bool], b: &[bool]) -> Vec<bool> {
        let mut product = vec![false; a.len()];
        for place in (0..b.len()).filter(|place| b[*place]) {
            let shifted: Vec<bool> = (0..a.len()).map(|i| i >= place && a[i - place]).collect();
            product = add(&product, &shifted);
        }
        product
    }
}

fn bits(value: &Value) -> Vec<bool> {
    let Value::Uint(bits) = value else { panic!("{value:?} is not unsigned") };
    (0..bits.width()).map(|place| bits.get(place)).collect()
}

proptest! {
    #[test]
    fn wide_numbers_agree_with_lists_of_bits(
        width in 60_u32..200,
        x in prop::array::uniform4(any::<u64>()),
        y in prop::array::uniform4(any::<u64>()),
        cut in 0_u32..200,
        exponent in 0_u64..12,
    ) {
        let x = Value::Uint(BitString::from_words(width, &x));
        let y = Value::Uint(BitString::from_words(width, &y).slice(0, cut.min(width)));
        let y = y.cast(VarType::Uint(width));
        let of = |operator, a: &Value, b: &Value| binary(operator, a.clone(), b.clone());
        prop_assert_eq!(bits(&of(Add, &x, &y).unwrap()), slow::add(&bits(&x), &bits(&y)));
        prop_assert_eq!(bits(&of(Mul, &x, &y).unwrap()), slow::mul(&bits(&x), &bits(&y)));
        let difference = of(Sub, &x, &y).unwrap();
        prop_assert_eq!(slow::add(&bits(&difference), &bits(&y)), bits(&x));
        let negated = evaluated(std::slice::from_ref(&x), |_| Expr::Unary(Unary::Negate, id(0)));
        let sum = slow::add(&bits(&x), &bits(&negated.unwrap()));
        prop_assert!(sum.iter().all(|bit| !bit));
        match (of(Div, &x, &y), of(Rem, &x, &y)) {
            (Ok(quotient), Ok(remainder)) => {
                let product = slow::mul(&bits(&quotient), &bits(&y));
                prop_assert_eq!(slow::add(&product, &bits(&remainder)), bits(&x));
                prop_assert_eq!(of(Less, &remainder, &y), Ok(Value::Bool(true)));
            }
            divided => {
                prop_assert!(!y.is_true() && divided.0.is_err() && divided.1.is_err());
            }
        }
        let one = uint(width, 1).cast(VarType::Uint(width));
        let power = (0..exponent).fold(bits(&one), |power, _| slow::mul(&power, &bits(&x)));
        prop_assert_eq!(bits(&of(Pow, &x, &uint(8, exponent)).unwrap()), power);
        let (left, right) = (of(Shl, &x, &uint(8, exponent)), of(Shr, &x, &uint(8, exponent)));
        let (left, right, whole) = (bits(&left.unwrap()), bits(&right.unwrap()), bits(&x));
        let by = exponent as usize;
        for place in 0..width as usize {
            prop_assert_eq!(left[place], place >= by && whole[place - by]);
            prop_assert_eq!(right[place], whole.get(place + by).copied().unwrap_or(false));
        }
    }
}
