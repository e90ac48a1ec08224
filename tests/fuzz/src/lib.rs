//! What the fuzz targets share. What they check is in `bartizan-oracle`.
#![forbid(unsafe_code)]

pub mod mutation;
