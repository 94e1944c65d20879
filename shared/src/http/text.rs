//! Settles which characters a text from outside may contain: what people write, and nothing that databases or terminals act on.

/// A single line: no control characters at all. For garde's `custom`.
pub fn line(value: &str, (): &()) -> garde::Result {
    refuse(value, char::is_control)
}

/// Text of several lines: line breaks and tabs are fine, other control characters are not. For garde's `custom`.
pub fn prose(value: &str, (): &()) -> garde::Result {
    refuse(value, |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn refuse(value: &str, is_forbidden: impl Fn(char) -> bool) -> garde::Result {
    if value.chars().any(is_forbidden) {
        return Err(garde::Error::new("contains a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_never_passes_and_accents_always_do() {
        assert!(line("Éléonore d'Arc-Lefèvre", &()).is_ok());
        assert!(line("two\nlines", &()).is_err());
        assert!(prose("two\r\nlines\tand a tab", &()).is_ok());
        assert!(prose("nul \0", &()).is_err());
        assert!(prose("escape \u{1b}[2J", &()).is_err());
    }
}
