//! Settles what people read where a message was withdrawn: that it is not to be passed on, and whom to ask, in French and English.

/// In place of the subject of a thread whose first message is not to be seen: withdrawn, refused, or not looked at yet.
const SUBJECT: &str = "Message retiré / Message withdrawn";

/// What a thread is about, as far as it is shown.
pub fn subject(shown: Option<String>) -> String {
    shown.unwrap_or_else(|| SUBJECT.to_owned())
}

/// In place of the text. `contact` is what whoever withdrew it said of whom to ask.
pub fn support_text(school: Option<&str>, contact: Option<&str>) -> String {
    let school = school.unwrap_or("ENT");
    let (ask_fr, ask_en) = match contact {
        Some(contact) => (format!("{school} ({contact})"), format!("{school} ({contact})")),
        None => (format!("la direction de {school}"), format!("the direction of {school}")),
    };
    format!(
        "Ce message a été retiré. N'en tenez pas compte et ne le transmettez pas. \
         Pour toute question ou inquiétude, adressez-vous à {ask_fr}.\n\n\
         This message was withdrawn. Please disregard it and do not pass it on. \
         With any question or worry, turn to {ask_en}."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_the_school_and_whom_to_ask() {
        let text = support_text(Some("Collège Test"), Some("vie scolaire, 01 23 45 67 89"));
        assert_eq!(text.matches("Collège Test (vie scolaire, 01 23 45 67 89)").count(), 2, "{text}");
        assert!(support_text(Some("Collège Test"), None).contains("la direction de Collège Test"));
        assert_eq!(subject(Some("Sortie".to_owned())), "Sortie");
        assert!(support_text(None, None).contains("ENT"));
    }
}
