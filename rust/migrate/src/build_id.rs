//! The build id that a linker writes into a binary: a hash over all that it linked. In go the first
//! bytes of an ELF image, of a file or as it was loaded; out comes the id, or `None` where there is
//! none to be found. Source: `gabi`, chapter 5 (program headers, notes); `ld --build-id`.

const PT_NOTE: u32 = 4;
const NT_GNU_BUILD_ID: u32 = 3;

/// Bytes from the beginning in which the id is looked for: one page, which is mapped whole.
pub const HEAD: usize = 4096;

/// The build id of a little-endian 64-bit ELF image as lower-case hex, by its first `HEAD` bytes.
///
/// ```
/// assert_eq!(exuvia_migrate::build_id(b"no binary"), None);
/// ```
#[must_use]
pub fn build_id(image: &[u8]) -> Option<String> {
    let image = image.get(..image.len().min(HEAD))?;
    if image.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let (table, size, count) = (word(image, 32)?, half(image, 54)?, half(image, 56)?);
    (0..count).find_map(|number| {
        let at = table.checked_add(size.checked_mul(number)?)?;
        if quad(image, at)? != PT_NOTE {
            return None;
        }
        let (from, length) = (word(image, at.checked_add(8)?)?, word(image, at.checked_add(32)?)?);
        let align = if word(image, at.checked_add(48)?)? == 8 { 8 } else { 4 };
        note(image.get(from..from.checked_add(length)?)?, align)
    })
}

/// The id among the notes of one segment.
fn note(mut notes: &[u8], align: usize) -> Option<String> {
    loop {
        let (name, content) = (quad(notes, 0)? as usize, quad(notes, 4)? as usize);
        let content_at = padded(12_usize.checked_add(name)?, align)?;
        let end = content_at.checked_add(content)?;
        if quad(notes, 8)? == NT_GNU_BUILD_ID && notes.get(12..16)? == b"GNU\0" && name == 4 && content > 0 {
            return Some(notes.get(content_at..end)?.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        notes = notes.get(padded(end, align)?..)?;
    }
}

fn padded(size: usize, align: usize) -> Option<usize> {
    size.checked_next_multiple_of(align)
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?)))
}

fn quad(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image with one segment of notes at 120, behind the header and one program header.
    fn image(notes: &[u8], align: u64) -> Vec<u8> {
        let mut made = vec![0; 120];
        made[..6].copy_from_slice(b"\x7fELF\x02\x01");
        made[32..40].copy_from_slice(&64_u64.to_le_bytes());
        made[54..56].copy_from_slice(&56_u16.to_le_bytes());
        made[56..58].copy_from_slice(&1_u16.to_le_bytes());
        made[64..68].copy_from_slice(&PT_NOTE.to_le_bytes());
        made[72..80].copy_from_slice(&120_u64.to_le_bytes());
        made[96..104].copy_from_slice(&(notes.len() as u64).to_le_bytes());
        made[112..120].copy_from_slice(&align.to_le_bytes());
        made.extend_from_slice(notes);
        made
    }

    fn one(kind: u32, name: &[u8], content: &[u8], align: usize) -> Vec<u8> {
        let mut made = Vec::new();
        for number in [name.len() as u32, content.len() as u32, kind] {
            made.extend_from_slice(&number.to_le_bytes());
        }
        made.extend_from_slice(name);
        made.resize(made.len().next_multiple_of(align), 0);
        made.extend_from_slice(content);
        made.resize(made.len().next_multiple_of(align), 0);
        made
    }

    #[test]
    fn the_id_is_found_behind_other_notes() {
        for align in [4, 8] {
            let mut notes = one(5, b"GNU\0", &[1, 2, 3], align);
            notes.extend(one(3, b"Go\0\0", &[9], align));
            notes.extend(one(3, b"GNU\0", &[0xAB, 0x01, 0xFF], align));
            assert_eq!(build_id(&image(&notes, align as u64)).as_deref(), Some("ab01ff"));
        }
    }

    #[test]
    fn an_image_without_an_id_has_none() {
        assert_eq!(build_id(&image(&one(5, b"GNU\0", &[1, 2, 3, 4], 4), 4)), None);
        assert_eq!(build_id(&image(&one(3, b"GNU\0", &[], 4), 4)), None);
        assert_eq!(build_id(b""), None);
    }

    #[test]
    fn whatever_is_torn_or_lies_gives_none_and_no_panic() {
        let whole = image(&one(3, b"GNU\0", &[7; 20], 4), 4);
        assert!(build_id(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(build_id(&whole[..length]), None, "cut at {length}");
        }
        for at in 0..whole.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut hurt = whole.clone();
                hurt[at] = value;
                let _ = build_id(&hurt);
            }
        }
    }

    #[test]
    fn what_lies_beyond_the_first_page_is_not_looked_at() {
        let mut far = image(&one(3, b"GNU\0", &[7; 20], 4), 4);
        far[72..80].copy_from_slice(&8192_u64.to_le_bytes());
        far.resize(8192, 0);
        far.extend(one(3, b"GNU\0", &[7; 20], 4));
        assert_eq!(build_id(&far), None);
    }
}
