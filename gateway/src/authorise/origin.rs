//! Where a message comes from, by what its domain says in DNS: SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 7489).

use std::net::{IpAddr, SocketAddr};

use mail_auth::{
    AuthenticatedMessage, DkimResult, DmarcResult, MessageAuthenticator, SpfResult, dmarc::verify::DmarcParameters,
    spf::verify::SpfParameters,
};
use serde::Serialize;

use crate::dns::asked_of;

/// What a row of the table of senders may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The server that brought it may send for the domain of the return path.
    Spf,
    /// It bears a good signature of that domain, or of one that it is under.
    Dkim,
    /// Its From field is of that domain, and SPF or DKIM bear that out.
    Dmarc,
    /// The address of the return path has signed it, by OpenPGP or S/MIME.
    Signed,
}

/// Domains that a message was found to be from, and addresses that signed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    spf: Vec<String>,
    dkim: Vec<String>,
    dmarc: Vec<String>,
    signers: Vec<String>,
}

impl Origin {
    /// With addresses that have signed it.
    pub fn signed_by(self, signers: Vec<String>) -> Self {
        Self { signers, ..self }
    }

    /// Whether that is proved of the domain of a return path.
    pub fn proves(&self, proof: Proof, from: &str) -> bool {
        let domains = match proof {
            Proof::Spf => &self.spf,
            Proof::Dkim => &self.dkim,
            Proof::Dmarc => &self.dmarc,
            Proof::Signed => return self.signers.iter().any(|signer| signer.eq_ignore_ascii_case(from)),
        };
        let domain = domain_of(from);
        let within = |whole: &String| {
            domain.strip_suffix(whole.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        !domain.is_empty() && domains.iter().any(within)
    }
}

fn domain_of(address: &str) -> String {
    address.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase()
}

/// Asks DNS.
pub struct Origins(MessageAuthenticator);

impl Origins {
    /// At that server, or at those of this machine.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, String> {
        asked_of(server).map(Self)
    }

    /// What is found of a message; without `peer`, SPF has nothing to say.
    pub async fn find(&self, raw: &[u8], from: &str, peer: Option<IpAddr>, hostname: &str) -> Origin {
        let Some(message) = AuthenticatedMessage::parse(raw) else { return Origin::default() };
        let domain = domain_of(from);
        let signatures = self.0.verify_dkim(&message).await;
        let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let sender = self.0.verify_spf(SpfParameters::verify_mail_from(peer, &domain, hostname, from)).await;
        let policy = self.0.verify_dmarc(DmarcParameters::new(&message, &signatures, &domain, &sender)).await;
        let good = signatures.iter().filter(|output| *output.result() == DkimResult::Pass);
        let aligned = *policy.dkim_result() == DmarcResult::Pass || *policy.spf_result() == DmarcResult::Pass;
        Origin {
            spf: (sender.result() == SpfResult::Pass).then(|| domain.clone()).into_iter().collect(),
            dkim: good.filter_map(|output| Some(output.signature()?.d.to_lowercase())).collect(),
            signers: vec![],
            dmarc: aligned.then(|| domain_of(message.from())).into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use base64::{Engine, engine::general_purpose::STANDARD};
    use mail_auth::{
        common::{
            crypto::{RsaKey, Sha256},
            headers::HeaderWriter,
        },
        dkim::DkimSigner,
    };
    use tokio_rustls::rustls::pki_types::{PrivateKeyDer, pem::PemObject};

    use super::*;
    use crate::dns::zone::{serve, text};

    fn openssl(args: &[&str]) -> Vec<u8> {
        let output = Command::new("openssl").args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    #[tokio::test]
    async fn a_domain_is_proved_by_its_servers_and_its_signatures() {
        let Ok(dir) = tempfile::tempdir() else { return };
        if Command::new("openssl").arg("version").output().is_err() {
            return answertone_vectors::not_run(1, "openssl is not installed");
        }
        let key = dir.path().join("key.pem");
        let path = key.to_str().unwrap();
        openssl(&["genrsa", "-traditional", "-out", path, "2048"]);
        let public = STANDARD.encode(openssl(&["rsa", "-in", path, "-pubout", "-outform", "DER"]));
        let server = serve(vec![
            text("office.example", "v=spf1 ip4:192.0.2.7 -all"),
            text("s._domainkey.office.example", &format!("v=DKIM1; k=rsa; p={public}")),
            text("_dmarc.office.example", "v=DMARC1; p=reject"),
        ]);
        let mail = "From: me@office.example\r\nTo: FAX=+15550100@fax.example\r\nSubject: x\r\n\r\nA letter.\r\n";
        let signer =
            DkimSigner::from_key(RsaKey::<Sha256>::from_key_der(PrivateKeyDer::from_pem_file(&key).unwrap()).unwrap());
        let signature = signer.domain("office.example").selector("s").headers(["From", "To", "Subject"]);
        let signed = format!("{}{mail}", signature.sign(mail.as_bytes()).unwrap().to_header());

        let origins = Origins::new(Some(server)).unwrap();
        let from = "me@office.example";
        let find = async |raw: &str, peer: &str| {
            let origin = origins.find(raw.as_bytes(), from, peer.parse().ok(), "fax.example").await;
            [Proof::Spf, Proof::Dkim, Proof::Dmarc].map(|proof| origin.proves(proof, from))
        };
        assert_eq!(find(&signed, "198.51.100.1").await, [false, true, true]);
        assert_eq!(find(mail, "192.0.2.7").await, [true, false, true]);
        assert_eq!(find(mail, "198.51.100.1").await, [false, false, false]);
        assert_eq!(find(&signed.replace("A letter", "Another"), "198.51.100.1").await, [false, false, false]);
        let origin = origins.find(signed.as_bytes(), from, None, "fax.example").await;
        assert!(
            !origin.proves(Proof::Dkim, "me@elsewhere.example") && !origin.proves(Proof::Dkim, "me@notoffice.example")
        );
        assert!(origin.proves(Proof::Dkim, "me@north.office.example"));
    }
}
