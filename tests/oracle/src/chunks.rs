//! Ways to cut an input, since a reader must not depend on where its chunks end.

/// Inputs up to this length are cut at every place.
const SHORT: usize = 48;
const ARBITRARY_CUTS: u32 = 4;

/// The input in chunks: byte by byte, with empty chunks between, in two at every place (of a short
/// input), and at places that depend on what is in it.
pub fn chunkings(input: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut all: Vec<Vec<&[u8]>> =
        vec![input.chunks(1).collect(), input.chunks(1).flat_map(|byte| [&[], byte]).collect()];
    if input.len() <= SHORT {
        all.extend((1..input.len()).map(|at| vec![&input[..at], &input[at..]]));
    }
    let mut noise = Noise::new(input);
    for _ in 0..ARBITRARY_CUTS {
        let mut chunks = Vec::new();
        let mut rest = input;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(noise.below(rest.len().min(40)) + 1);
            chunks.push(chunk);
            rest = after;
        }
        all.push(chunks);
    }
    all
}

/// Numbers that depend on an input and on nothing else (FNV-1a, then xorshift).
pub struct Noise(u64);

impl Noise {
    /// The numbers for an input.
    pub fn new(input: &[u8]) -> Self {
        let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash | 1)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// The next number below `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).unwrap_or_default()
    }

    /// As many decisions as are wanted.
    pub fn decisions(&mut self, count: usize) -> Vec<bool> {
        (0..count).map(|_| self.number() & 0x100 != 0).collect()
    }
}
