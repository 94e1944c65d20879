//! Settles whether the front door's certificate may be shown to people: not the demo's, not expired.

use std::path::Path;

use x509_parser::pem::parse_x509_pem;

use crate::config::{Invalid, Profile};

/// Organisation that generated demo certificates carry.
const DEMO_ORGANISATION: &str = "ENT demo - do not trust";

/// Refuses a demo certificate outside the demo profile, and one that has expired.
pub(super) fn check(file: &Path, profile: Profile) -> Result<(), Invalid> {
    let invalid =
        |what: &str| Invalid::new(format!("http.front_door_certificate: {}: {what}", file.display()));
    let pem = std::fs::read(file).map_err(|error| invalid(&error.to_string()))?;
    let (_, block) = parse_x509_pem(&pem).map_err(|_| invalid("is not a PEM file"))?;
    let certificate = block.parse_x509().map_err(|_| invalid("holds no X.509 certificate"))?;
    let names = [certificate.subject(), certificate.issuer()];
    let mut organisations =
        names.iter().flat_map(|name| name.iter_organization()).filter_map(|o| o.as_str().ok());
    if organisations.any(|organisation| organisation == DEMO_ORGANISATION) && !profile.accepts_demo() {
        return Err(invalid(&format!("is a demo certificate and profile is {profile}: name the real one")));
    }
    if !certificate.validity().is_valid() {
        return Err(invalid("has expired or is not valid yet: renew it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    fn certificate(organisation: &str, last_year: i32) -> tempfile::NamedTempFile {
        let mut params = CertificateParams::new(vec!["ent.example".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::OrganizationName, organisation);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(last_year, 1, 1);
        let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        file
    }

    fn refusal(file: &tempfile::NamedTempFile, profile: Profile) -> String {
        check(file.path(), profile).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_demo_certificate_is_for_the_demo_only() {
        let demo = certificate(DEMO_ORGANISATION, 2099);
        assert_eq!(refusal(&demo, Profile::Demo), "");
        assert!(refusal(&demo, Profile::Production).contains("demo certificate"));
        assert_eq!(refusal(&certificate("Région Exemple", 2099), Profile::Production), "");
    }

    #[test]
    fn an_expired_certificate_and_a_file_that_is_none_are_refused_everywhere() {
        assert!(refusal(&certificate("Région Exemple", 2021), Profile::Demo).contains("expired"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hello").unwrap();
        assert!(refusal(&file, Profile::Demo).contains("not a PEM file"));
    }
}
