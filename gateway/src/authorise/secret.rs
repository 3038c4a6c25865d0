//! Passwords and PINs as they are kept: PBKDF2 with HMAC-SHA-256 (RFC 8018 5.2) and a salt of their own.

use std::num::NonZeroU32;

use aws_lc_rs::{pbkdf2, rand};

use crate::hexadecimal::hexadecimal;

/// Iterations of a new secret: what OWASP recommends for this function.
const ITERATIONS: u32 = 600_000;
const OCTETS: usize = 32;
const NAME: &str = "pbkdf2-sha256";

/// A secret as it is kept: `pbkdf2-sha256$iterations$salt$hash`.
pub fn hashed(secret: &str) -> String {
    let mut salt = [0; 16];
    rand::fill(&mut salt).expect("the system gives chance");
    let mut hash = [0; OCTETS];
    derive(ITERATIONS, &salt, secret, &mut hash);
    format!("{NAME}${ITERATIONS}${}${}", hexadecimal(&salt), hexadecimal(&hash))
}

/// Whether a secret is the one that is kept. It takes its time on purpose.
pub fn is(secret: &str, kept: &str) -> bool {
    let Some((iterations, salt, hash)) = parts(kept) else { return false };
    pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, secret.as_bytes(), &hash).is_ok()
}

/// Takes as long as [`is`], for users there are not: nobody learns their names by the clock.
pub fn pretend(secret: &str) {
    derive(ITERATIONS, &[0; 16], secret, &mut [0; OCTETS]);
}

fn derive(iterations: u32, salt: &[u8], secret: &str, hash: &mut [u8; OCTETS]) {
    let iterations = NonZeroU32::new(iterations).expect("there are some");
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, secret.as_bytes(), hash);
}

fn parts(kept: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let mut parts = kept.split('$');
    let (NAME, iterations, salt, hash) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?) else {
        return None;
    };
    Some((iterations.parse().ok()?, octets(salt)?, octets(hash)?))
}

fn octets(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_again_and_not_readable() {
        let kept = hashed("4711");
        assert!(is("4711", &kept) && !is("4712", &kept) && !is("", &kept));
        assert!(!kept.contains("4711") && kept != hashed("4711"));
        assert!(!is("x", "") && !is("x", "pbkdf2-sha256$0$00$00") && !is("x", "plain$1$00$00"));
    }
}
