//! Hands commit, profile and target to the extension and has the linker write a build id, so that evidence can name
//! the binary that ran.

use std::process::Command;

fn main() {
    let commit = std::env::var("EXUVIA_COMMIT").ok().or_else(|| {
        let output = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    });
    println!("cargo::rustc-env=EXUVIA_COMMIT={}", commit.unwrap_or_else(|| "unknown".to_owned()));
    // OUT_DIR is target/<profile>/build/…; PROFILE only says release or debug.
    let profile = std::env::var("OUT_DIR").ok().and_then(|path| {
        let parts: Vec<&str> = path.split(['/', '\\']).collect();
        let at = parts.iter().rposition(|part| *part == "build")?;
        Some(parts.get(at.checked_sub(1)?)?.to_string())
    });
    println!("cargo::rustc-env=EXUVIA_PROFILE={}", profile.unwrap_or_else(|| "unknown".to_owned()));
    println!("cargo::rustc-env=EXUVIA_TARGET={}", std::env::var("TARGET").unwrap_or_else(|_| "unknown".to_owned()));
    // A hash over all that is linked, by which the loaded image is known; some linkers write none unless asked.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,--build-id=sha1");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../.git/logs/HEAD");
    println!("cargo::rerun-if-env-changed=EXUVIA_COMMIT");
}
