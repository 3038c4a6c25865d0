//! T.38 within DTLS and TLS: whole calls, in virtual time and by the program, and openssl at the other end.

#[path = "t38_sealed/calls.rs"]
mod calls;
// Other tests of the gateway use the rest of these.
#[allow(dead_code)]
mod daemon;
#[path = "t38_sealed/direct.rs"]
mod direct;
#[allow(dead_code)]
mod mail;
#[path = "t38_sealed/openssl.rs"]
mod openssl;
#[path = "t38_sealed/programs.rs"]
mod programs;
#[path = "t38_sealed/relaying.rs"]
mod relaying;
#[path = "t38_sealed/serving.rs"]
mod serving;
#[path = "t38_sealed/world.rs"]
mod world;
