//! The tests of the Rust half, apart from the crates so that test servers and generators stay out of the wheel.
