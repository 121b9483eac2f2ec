//! What the manager of a desk promises, over a venue that loses, repeats, reorders and delays.

mod commands;
mod doubts;
mod ends;
mod kit;
mod model;
mod reconcile;
mod refused;
mod reports;
mod seeds;
mod venue;
mod world;
