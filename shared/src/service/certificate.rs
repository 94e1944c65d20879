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
