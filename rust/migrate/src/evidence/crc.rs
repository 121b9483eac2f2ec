//! CRC-32C (Castagnoli), the checksum of iSCSI (RFC 3720, B.4): eight bytes a step by tables, on any CPU.

const POLYNOMIAL: u32 = 0x82F6_3B78;
static TABLES: [[u32; 256]; 8] = tables();

/// The CRC-32C of some bytes.
///
/// ```
/// assert_eq!(exuvia_migrate::evidence::crc32c(b"123456789"), 0xE306_9283);
/// ```
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    let (steps, rest) = bytes.as_chunks::<8>();
    for step in steps {
        let word = u64::from_le_bytes(*step) ^ u64::from(crc);
        crc = word.to_le_bytes().iter().zip(TABLES.iter().rev()).fold(0, |sum, (byte, table)| sum ^ at(table, *byte));
    }
    for byte in rest {
        let [low, ..] = crc.to_le_bytes();
        crc = (crc >> 8) ^ at(&TABLES[0], low ^ byte);
    }
    !crc
}

fn at(table: &[u32; 256], byte: u8) -> u32 {
    table[usize::from(byte)]
}

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][(before & 0xFF) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::crc32c;

    #[test]
    fn the_vectors_of_rfc_3720_hold() {
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc32c(&ascending), 0x46DD_794E);
        assert_eq!(crc32c(&descending), 0x113F_DB5C);
        assert_eq!(crc32c(b""), 0);
    }

    #[test]
    fn bytes_beside_whole_steps_count_as_bit_by_bit() {
        let bytes: Vec<u8> = (0..100_u8).map(|n| n.wrapping_mul(37) ^ 0x5A).collect();
        for length in 0..bytes.len() {
            let slow = !bytes.iter().take(length).fold(u32::MAX, |crc, byte| {
                (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (super::POLYNOMIAL * (crc & 1)))
            });
            assert_eq!(crc32c(&bytes[..length]), slow, "{length} bytes");
        }
    }
}
