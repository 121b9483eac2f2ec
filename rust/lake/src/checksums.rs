//! A checksum for every page of a Parquet file: the encoder writes none, and without it a flipped bit in a
//! page is read as another price. The header of each page gets the CRC-32 of the page's bytes, as the
//! format defines it (`PageHeader.crc`), and the footer the offsets that follow from it; readers verify it.

use std::io::Write;

use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataWriter};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::writer::TrackedWrite;

/// Thrift compact: a field of type i32 whose number is one above that of the field before it.
const NEXT_I32: u8 = 0x15;
/// Fields of a page header before its checksum: the type and the two sizes, of which the last is that of the bytes.
const BEFORE: usize = 3;
/// Thrift compact: what a field's first byte has for each number that it is above the field before it.
const STEP: u8 = 0x10;

type Out<'a> = TrackedWrite<&'a mut Vec<u8>>;

/// The file `bytes`, which has `metadata`, with a checksum in each page header.
///
/// # Errors
/// If the file is not laid out as the encoder lays it out: no file is better than one without checksums.
pub(crate) fn with_checksums(bytes: &[u8], metadata: ParquetMetaData) -> Result<Vec<u8>> {
    let mut sealed = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 64);
    let mut out = TrackedWrite::new(&mut sealed);
    out.write_all(part(bytes, 0, 4)?)?;
    let mut builder = metadata.into_builder();
    let (groups, indexes) = (builder.take_row_groups(), builder.take_offset_index());
    let has_groups = !groups.is_empty();
    let mut of_groups = indexes.unwrap_or_default().into_iter();
    let (mut new_groups, mut new_indexes) = (Vec::new(), Vec::new());
    for group in groups {
        let mut of_columns = of_groups.next().unwrap_or_default().into_iter();
        let start = position(&out)?;
        let (mut columns, mut column_indexes, mut grown) = (Vec::new(), Vec::new(), 0);
        for column in group.columns() {
            let index = of_columns.next().ok_or_else(|| broken("a column has no offset index"))?;
            let (column, index, more) = rewrite_column(bytes, column, index, &mut out)?;
            columns.push(column);
            column_indexes.push(index);
            grown += more;
        }
        let (size, has_offset) = (group.total_byte_size(), group.file_offset().is_some());
        let group = group.into_builder().set_column_metadata(columns).set_total_byte_size(size + grown);
        new_groups.push(if has_offset { group.set_file_offset(start) } else { group }.build()?);
        new_indexes.push(column_indexes);
    }
    let metadata = builder.set_row_groups(new_groups).set_offset_index(has_groups.then_some(new_indexes)).build();
    ParquetMetaDataWriter::new_with_tracked(out, &metadata).finish()?;
    Ok(sealed)
}

/// Writes the pages of a column; returns what the footer says of them now, and by how much they grew.
fn rewrite_column(
    bytes: &[u8],
    column: &ColumnChunkMetaData,
    mut index: OffsetIndexMetaData,
    out: &mut Out<'_>,
) -> Result<(ColumnChunkMetaData, OffsetIndexMetaData, i64)> {
    let first = index.page_locations.first().map_or(column.data_page_offset(), |page| page.offset);
    let (mut builder, mut grown) = (column.clone().into_builder(), 0);
    if let Some(from) = column.dictionary_page_offset() {
        builder = builder.set_dictionary_page_offset(Some(position(out)?));
        grown += rewrite_page(part(bytes, from, first - from)?, out)?;
    }
    builder = builder.set_data_page_offset(position(out)?);
    for location in &mut index.page_locations {
        let page = part(bytes, location.offset, location.compressed_page_size.into())?;
        location.offset = position(out)?;
        let more = rewrite_page(page, out)?;
        location.compressed_page_size += i32::try_from(more)?;
        grown += more;
    }
    let column = builder
        .set_total_compressed_size(column.compressed_size() + grown)
        .set_total_uncompressed_size(column.uncompressed_size() + grown)
        .build()?;
    Ok((column, index, grown))
}

/// Writes a page, header and all, with its checksum; returns by how much it grew.
fn rewrite_page(page: &[u8], out: &mut Out<'_>) -> Result<i64> {
    let (mut at, mut size) = (0, 0);
    for _ in 0..BEFORE {
        if page.get(at) != Some(&NEXT_I32) {
            return Err(broken("a page header does not begin with its type and sizes"));
        }
        (size, at) = varint(page, at + 1)?;
    }
    // Zigzag of a size, which is not negative.
    let size = usize::try_from(size / 2)?;
    let body = page.len().checked_sub(size).filter(|body| *body > at).ok_or_else(|| broken("a page is cut off"))?;
    let (head, rest) = page.split_at_checked(at).ok_or_else(|| broken("a page is cut off"))?;
    let data = page.get(body..).unwrap_or_default();
    let (next, rest) = rest.split_first().ok_or_else(|| broken("a page header has no end"))?;
    // The field after the sizes is the header of the page's kind: five to eight, so that four can go before it.
    let next = next.checked_sub(STEP).filter(|next| *next >= STEP).ok_or_else(|| broken("a page has a checksum"))?;
    let before = out.bytes_written();
    out.write_all(head)?;
    out.write_all(&[NEXT_I32])?;
    let checksum = i32::from_le_bytes(crc32fast::hash(data).to_le_bytes());
    write_varint(u64::from(u32::from_le_bytes(((checksum << 1) ^ (checksum >> 31)).to_le_bytes())), out)?;
    out.write_all(&[next])?;
    out.write_all(rest)?;
    Ok(i64::try_from(out.bytes_written() - before)? - i64::try_from(page.len())?)
}

fn varint(bytes: &[u8], mut at: usize) -> Result<(u64, usize)> {
    let (mut value, mut shift) = (0, 0);
    while shift < u64::BITS {
        let byte = *bytes.get(at).ok_or_else(|| broken("a page header is cut off"))?;
        value |= u64::from(byte & 0x7F) << shift;
        (at, shift) = (at + 1, shift + 7);
        if byte < 0x80 {
            return Ok((value, at));
        }
    }
    Err(broken("a number of a page header has no end"))
}

fn write_varint(mut value: u64, out: &mut Out<'_>) -> Result<()> {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return Ok(out.write_all(&[low & 0x7F])?);
        }
        out.write_all(&[low | 0x80])?;
    }
}

fn part(bytes: &[u8], from: i64, length: i64) -> Result<&[u8]> {
    let (from, length) = (usize::try_from(from)?, usize::try_from(length)?);
    let to = from.checked_add(length);
    to.and_then(|to| bytes.get(from..to)).ok_or_else(|| broken("a page lies outside of the file"))
}

fn position(out: &Out<'_>) -> Result<i64> {
    Ok(i64::try_from(out.bytes_written())?)
}

fn broken(what: &str) -> ParquetError {
    ParquetError::General(format!("no checksums can be written: {what}; this is a defect, please report it"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sealed(page: &[u8]) -> Result<(i64, Vec<u8>)> {
        let mut bytes = Vec::new();
        let mut out = TrackedWrite::new(&mut bytes);
        let grown = rewrite_page(page, &mut out)?;
        drop(out);
        Ok((grown, bytes))
    }

    /// A dictionary page of three bytes: type, both sizes, then the header of its kind and the end of the header.
    const PAGE: [u8; 14] = [0x15, 4, 0x15, 6, 0x15, 6, 0x4C, 0x15, 2, 0, 0, 7, 8, 9];

    #[test]
    fn a_page_gets_the_checksum_of_its_bytes_after_its_sizes() {
        let (grown, bytes) = sealed(&PAGE).unwrap();
        // CRC-32 of the bytes 7, 8, 9 is 0x4B0BFD3B: zigzag, then seven bits to a byte.
        let expected = [0x15, 4, 0x15, 6, 0x15, 6, 0x15, 0xF6, 0xF4, 0xDF, 0xB0, 0x09, 0x3C, 0x15, 2, 0, 0, 7, 8, 9];
        assert_eq!((grown, bytes), (6, expected.to_vec()));
    }

    #[test]
    fn a_page_that_is_not_laid_out_as_the_encoder_does_is_not_sealed() {
        let endless = [&[0x15_u8], [0xFF; 12].as_slice()].concat();
        for (page, words) in [
            (&[0x25, 4][..], "a page header does not begin with its type and sizes"),
            (&endless, "a number of a page header has no end"),
            (&[0x15, 0x80], "a page header is cut off"),
            (&[0x15, 4, 0x15, 6, 0x15, 60, 0x4C], "a page is cut off"),
            (&[0x15, 4, 0x15, 6, 0x15, 2, 0x15, 1, 2, 3], "a page has a checksum"),
        ] {
            let said = sealed(page).unwrap_err().to_string();
            assert!(said.contains(words) && said.contains("this is a defect, please report it"), "{page:?}: {said}");
        }
    }
}
