//! SRTP, RFC 3711, under keys that a DTLS handshake left, RFC 5764. Every profile has what RFC 4612 6 wants for T.38: no tag of
//! HMAC-SHA1 is shorter than 80 bits.

use dimpl::SrtpProfile;
use rtc_crypto::providers::AwsLcRsCrypto;
use rtc_srtp::{context::Context, option::srtp_replay_protection, protection_profile::ProtectionProfile};

use super::association::Broken;

/// How far a packet may come behind the newest, in packets.
const REPLAY_WINDOW: usize = 64;

/// Where the source of an RTP packet stands, RFC 3550 5.1.
const SOURCE: std::ops::Range<usize> = 8..12;

/// Both directions of one association.
pub(super) struct Srtp {
    ours: Context,
    theirs: Key,
    /// Of the source that was heard first. There is one: nothing is kept of others.
    opening: Option<([u8; 4], Context)>,
}

struct Key {
    profile: ProtectionProfile,
    key: Vec<u8>,
    salt: Vec<u8>,
}

impl Key {
    fn context(&self) -> Result<Context, Broken> {
        let replay = Some(srtp_replay_protection(REPLAY_WINDOW));
        let context = Context::new(&self.key, &self.salt, self.profile, replay, None, &AwsLcRsCrypto);
        context.map_err(|error| Broken(error.to_string()))
    }
}

impl Srtp {
    /// Under the keys that both ends exported, RFC 5764 4.2: client's key, server's key, client's salt, server's salt.
    pub(super) fn exported(keys: &[u8], profile: SrtpProfile, we_are_client: bool) -> Result<Self, Broken> {
        let profile = match profile {
            SrtpProfile::AES128_CM_SHA1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
            SrtpProfile::AEAD_AES_128_GCM => ProtectionProfile::AeadAes128Gcm,
            SrtpProfile::AEAD_AES_256_GCM => ProtectionProfile::AeadAes256Gcm,
            other => return Err(Broken(format!("{other} is no profile of SRTP that is known here"))),
        };
        let (key, salt) = (profile.key_len(), profile.salt_len());
        if keys.len() != 2 * (key + salt) {
            return Err(Broken("the keys of SRTP have another length".into()));
        }
        let (write, salts) = keys.split_at(2 * key);
        let at = |end: usize| Key {
            profile,
            key: write[end * key..][..key].to_vec(),
            salt: salts[end * salt..][..salt].to_vec(),
        };
        let [client, server] = [at(0), at(1)];
        let (ours, theirs) = if we_are_client { (client, server) } else { (server, client) };
        Ok(Self { ours: ours.context()?, theirs, opening: None })
    }

    pub(super) fn seal(&mut self, packet: &[u8]) -> Result<Vec<u8>, Broken> {
        let sealed = self.ours.encrypt_rtp(packet).map_err(|error| Broken(error.to_string()))?;
        Ok(sealed.to_vec())
    }

    /// The packet, if the far end made it and it is new.
    pub(super) fn open(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        let source: [u8; 4] = sealed.get(SOURCE)?.try_into().ok()?;
        match &mut self.opening {
            Some((known, context)) if *known == source => context.decrypt_rtp(sealed).ok(),
            Some(_) => None,
            None => {
                let mut context = self.theirs.context().ok()?;
                let opened = context.decrypt_rtp(sealed).ok()?;
                self.opening = Some((source, context));
                Some(opened)
            }
        }
        .map(|opened| opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILES: [(SrtpProfile, usize); 3] = [
        (SrtpProfile::AES128_CM_SHA1_80, 10),
        (SrtpProfile::AEAD_AES_128_GCM, 16),
        (SrtpProfile::AEAD_AES_256_GCM, 16),
    ];

    fn pair(profile: SrtpProfile) -> [Srtp; 2] {
        let keys: Vec<u8> = (0..profile.keying_material_len()).map(|at| at as u8).collect();
        [true, false].map(|client| Srtp::exported(&keys, profile, client).unwrap())
    }

    fn packet(sequence: u16, source: u32) -> Vec<u8> {
        let head = [&[0x80, 96][..], &sequence.to_be_bytes(), &[0, 0, 1, 0], &source.to_be_bytes()].concat();
        [&head, &b"a packet of T.38"[..]].concat()
    }

    #[test]
    fn packets_are_opened_by_the_other_end_once_and_by_nobody_else() {
        for (profile, tag) in PROFILES {
            let [mut near, mut far] = pair(profile);
            let sealed = near.seal(&packet(65_534, 7)).unwrap();
            assert_eq!(sealed.len(), packet(0, 7).len() + tag, "no tag is shorter than 80 bits");
            assert!(!sealed.windows(8).any(|octets| octets == b"a packet"));
            assert_eq!(near.open(&sealed), None, "our own");
            assert_eq!(far.open(&sealed), Some(packet(65_534, 7)));
            assert_eq!(far.open(&sealed), None, "again");
            // The sequence number goes round.
            for sequence in [65_535, 0, 1] {
                let sealed = near.seal(&packet(sequence, 7)).unwrap();
                assert_eq!(far.open(&sealed), Some(packet(sequence, 7)));
            }
        }
    }

    #[test]
    fn what_is_changed_cut_or_in_clear_is_not_taken() {
        for (profile, _) in PROFILES {
            let [mut near, mut far] = pair(profile);
            let sealed = near.seal(&packet(9, 7)).unwrap();
            for octet in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[octet] ^= 1;
                assert_eq!(far.open(&changed), None, "octet {octet}");
                assert_eq!(far.open(&sealed[..octet]), None, "{octet} octets");
            }
            assert_eq!(far.open(&packet(9, 7)), None);
            assert_eq!(far.open(&sealed), Some(packet(9, 7)));
            // Strangers leave nothing behind.
            for source in 0..1000 {
                assert_eq!(far.open(&packet(10, source)), None);
            }
            assert_eq!(far.open(&near.seal(&packet(10, 7)).unwrap()), Some(packet(10, 7)));
        }
    }

    #[test]
    fn keys_of_another_length_are_refused() {
        assert!(Srtp::exported(&[0; 55], SrtpProfile::AES128_CM_SHA1_80, true).is_err());
    }
}
