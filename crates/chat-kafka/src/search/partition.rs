//! Where every Kafka client puts a key.

/// Where the producer's `murmur2_random`, as every Kafka client, puts a key.
pub fn partition_of(key: &[u8], partitions: usize) -> Option<i32> {
    let count = u32::try_from(partitions).ok().filter(|count| *count > 0)?;
    i32::try_from((murmur2(key) & 0x7fff_ffff) % count).ok()
}

/// MurmurHash2 (Appleby, 2008) with Kafka's seed, as in Apache Kafka's `Utils.murmur2`.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = 0x9747_b28c ^ length;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    for (at, byte) in rest.iter().enumerate() {
        hash ^= u32::from(*byte) << (8 * at);
    }
    if !rest.is_empty() {
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of Apache Kafka's own `UtilsTest`.
    #[test]
    fn the_hash_is_kafkas() {
        for (key, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()), expected.cast_unsigned(), "{key}");
        }
        assert_eq!(partition_of(b"abc", 0), None);
        assert_eq!(partition_of(b"abc", 64), Some(479_470_107 % 64));
    }
}
