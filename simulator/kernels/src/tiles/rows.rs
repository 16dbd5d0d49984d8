//! Loops over the vectors that are in the registers together.

/// The body for each row, the row a constant: an array that is only ever indexed by
/// constants is kept in registers, which a loop does not guarantee.
macro_rules! each_row {
    ($rows:expr, |$row:ident| $body:block) => {
        each_row!(@ $rows, $row, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    (@ $rows:expr, $row:ident, $body:block, $($value:literal)*) => {
        $({
            const $row: usize = $value;
            if $row < $rows $body
        })*
    };
}
pub(crate) use each_row;
