//! Calls by SIP: against scripts that sipp plays, and between processes of ours. All of it on the loopback.

#[path = "../daemon/mod.rs"]
#[allow(dead_code, reason = "other tests of the gateway use the rest of these")]
mod daemon;
mod early;
mod locating;
#[path = "../mail/mod.rs"]
#[allow(dead_code, reason = "other tests of the gateway use the rest of these")]
mod mail;
mod processes;
mod scripts;
#[path = "../zone/mod.rs"]
#[allow(dead_code, reason = "other tests of the gateway use the rest of these")]
mod zone;
