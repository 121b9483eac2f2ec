//! Where a byte stands: the search of the standard library, which looks at many bytes at once.

use std::io::BufRead;

/// The index of the first `wanted` in `bytes`.
#[inline]
pub(super) fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    let mut rest = bytes;
    // Reading from a slice never fails; what is counted includes the byte, unless the end came first.
    let passed = rest.skip_until(wanted).ok()?.checked_sub(1)?;
    (bytes.get(passed) == Some(&wanted)).then_some(passed)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_byte_is_found_at_every_place_or_not_at_all() {
        for size in 0..40 {
            let mut bytes = vec![b'x'; size];
            assert_eq!(find(&bytes, b'\n'), None);
            for at in (0..size).rev() {
                bytes[at] = b'\n';
                assert_eq!(find(&bytes, b'\n'), Some(at), "{size}");
            }
        }
    }
}
