//! Bars of block characters.

/// The blocks that fill one to eight eighths of a character, from the left.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// A bar of `fraction` of `width` characters, to the nearest eighth of a character. What is more
/// than nothing shows at least as one eighth.
pub(crate) fn bar(fraction: f64, width: usize) -> String {
    if width == 0 || fraction.is_nan() || fraction <= 0.0 {
        return String::new();
    }
    // Truncation is meant: the product is a small number.
    let eighths = ((fraction.min(1.0) * width as f64 * 8.0).round() as usize).max(1);
    let mut bar: String = std::iter::repeat_n('█', eighths / 8).collect();
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn bars_grow_by_eighths() {
        let check = |fraction, width, expected: &str| assert_eq!(bar(fraction, width), expected);
        check(0.0, 4, "");
        check(1.0, 4, "████");
        check(0.5, 4, "██");
        check(0.5, 1, "▌");
        check(0.53125, 4, "██▏");
        check(1e-9, 4, "▏");
        check(7.0, 2, "██");
        check(1.0, 0, "");
        check(f64::NAN, 3, "");
    }
}
