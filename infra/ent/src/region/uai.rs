//! Settles how a school's UAI is made: seven digits and the check letter that follows from them.

/// The letters of the check, by remainder modulo 23 (no I, O or Q).
const CHECK_LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPRSTUVWXYZ";

/// Three digits that open every UAI of the region. No French department has this number, so that no real school can
/// carry one of these UAIs.
const DEPARTMENT: u32 = 96;

/// The UAI of the region's school number `school` (0 to 9,999).
pub(super) fn uai(school: u32) -> String {
    let number = DEPARTMENT * 10_000 + school % 10_000;
    format!("{number:07}{}", check_letter(number))
}

fn check_letter(number: u32) -> char {
    let position = usize::try_from(number % 23).unwrap_or(0);
    CHECK_LETTERS.get(position).copied().map_or('A', char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_is_valid() {
        assert_eq!(check_letter(750_655), 'E');
    }

    #[test]
    fn a_uai_is_seven_digits_and_its_letter() {
        let uai = uai(17);
        assert_eq!(uai.len(), 8);
        assert!(uai.starts_with("0960017"));
        assert!(uai.ends_with(check_letter(960_017)));
    }
}
