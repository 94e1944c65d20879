//! Settles the one way to write a JSON value, so that what is hashed does not depend on who writes it (RFC 8785).
//!
//! Keys are sorted by their UTF-16 code units and nothing is written between tokens. Of numbers only whole ones up to
//! 2^53 - 1 are taken: they are written alike everywhere, which RFC 8785 achieves for fractions only by way of a
//! particular printing algorithm. Amounts and durations are whole numbers of a unit, so nothing is lost.

use serde_json::Value;

/// Largest whole number that every JSON reader understands (RFC 7493, 2.2).
const LARGEST_NUMBER: u64 = (1 << 53) - 1;

/// A value holds a number that is not whole, or is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only whole numbers up to 2^53 - 1 have one canonical form")]
pub struct NotCanonical;

/// The canonical text of `value`.
pub fn canonical(value: &Value) -> Result<String, NotCanonical> {
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(text)
}

fn write(value: &Value, text: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null | Value::Bool(_) => text.push_str(&value.to_string()),
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs).or_else(|| number.as_u64());
            if size.is_none_or(|size| size > LARGEST_NUMBER) {
                return Err(NotCanonical);
            }
            text.push_str(&number.to_string());
        }
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text)?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (index, (key, item)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(key, text);
                text.push(':');
                write(item, text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

/// `serde_json` escapes exactly what RFC 8785 (3.2.2.2) asks for, in the same way.
fn write_string(string: &str, text: &mut String) {
    text.push_str(&Value::from(string).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_by_utf_16_and_strings_escaped_as_the_rfc_shows() {
        // RFC 8785, 3.2.3: the emoji sorts before U+FB33, because its first code unit is D83D.
        let value: Value = serde_json::from_str(
            r#"{"\u20ac":"Euro","\r":"CR","\ufb33":"Dalet","1":"One","\ud83d\ude00":"Smile","\u0080":"Control","\u00f6":"o"}"#,
        )
        .unwrap();
        let text = canonical(&value).unwrap();
        let order: Vec<usize> = ["CR", "One", "Control", "\"o\"", "Euro", "Smile", "Dalet"]
            .map(|part| text.find(part).unwrap())
            .into();
        assert!(order.is_sorted(), "{text}");
        assert!(text.starts_with(r#"{"\r":"CR""#), "{text}");
        let escapes = json!("\u{8}\u{c}\n\r\t\"\\\u{1f}/é");
        assert_eq!(canonical(&escapes).unwrap(), r#""\b\f\n\r\t\"\\\u001f/é""#);
    }

    #[test]
    fn only_whole_numbers_are_taken() {
        assert_eq!(
            canonical(&json!({ "b": [1, -2, null, true], "a": {} })).unwrap(),
            r#"{"a":{},"b":[1,-2,null,true]}"#
        );
        assert!(canonical(&json!(LARGEST_NUMBER)).is_ok());
        for bad in [json!(0.5), json!(LARGEST_NUMBER + 1), json!(i64::MIN), json!([u64::MAX])] {
            assert_eq!(canonical(&bad), Err(NotCanonical), "{bad}");
        }
    }
}
