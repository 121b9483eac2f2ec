//! The token keeper: renewal, lease, files, and what happens when any of them fails at any step.

#![allow(clippy::unwrap_used)]

mod disk;
mod files;
mod foreign;
mod kit;
mod lease;
mod oauth;
mod operator;
mod renewal;
mod secrets;
mod simulate;
