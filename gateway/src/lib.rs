//! The Internet-fax gateway.

mod api;
pub mod authorise;
pub mod cli;
pub mod config;
pub mod decode;
pub mod dns;
pub mod doctor;
pub mod engine;
pub mod ifax;
pub mod lab;
pub mod live;
pub mod mail;
pub mod metrics;
pub mod pattern;
pub mod plot;
pub mod prompt;
pub mod pty;
pub mod render;
pub mod sdp;
pub mod seal;
pub mod service;
pub mod sip;
pub mod smtp;
pub mod store;
pub mod t38;
pub mod telephone;
pub mod web;
