//! What a lane can do, on every tier, with the same bits.
//!
//! Values are [`wide::f32x16`] everywhere, so the order of every sum is the same on every machine. A tier is a zero-size
//! token that proves its CPU features and says *how* an operation is done. `wide` alone picks instructions when it is
//! compiled; the tokens pick them when the program runs.
//!
//! A [`TierFn`] is entered once per block of work through [`Backend::run`] and is compiled once for each tier. All it
//! calls must be `#[inline(always)]`: a function that is not inlined into the tier's entry is compiled without the
//! tier's instructions and costs a call per lane.
//!
//! Only `+ − × max` and integer sums; no library reduction, which differs between targets. A multiply-add is fused only where the
//! product is exact ([`Isa::add_exact`]): rounding once and rounding twice are then the same. Products are made exact by keeping
//! one factor to 16 significant bits, where the other is a pixel, which has 8: 24 bits are what an f32 has.
//!
//! # To add a tier
//!
//! 1. Write `simd/NAME.rs` with a zero-size token that cannot be had without the CPU's features, as in `x86.rs`.
//! 2. Implement [`Isa`] for it: [`detect`](Isa::detect) and [`run`](Isa::run), the constants by which kernels are cut, and every
//!    operation that it has a better way for than the portable tier, to the bit. Where it needs features that the program was not
//!    compiled for, that is all of them. Begin with the constants of a tier with as many registers; no kernel asks which tier it
//!    runs on.
//! 3. Name it in the list of `tiers!` below, behind those that are slower.
//!
//! Every test then runs on it too. `Mixed`, a tier of the unit tests below, is an example of 25 lines.

/// Methods of [`Isa`], inlined: `add(a: f32x16, b: f32x16) -> f32x16 = a + b;`.
macro_rules! operations {
    ($($name:ident($($argument:tt: $type:ty),+) -> $out:ty = $result:expr;)+) => {
        $(#[inline(always)]
        fn $name(self, $($argument: $type),+) -> $out {
            $result
        })+
    };
}

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
#[cfg(any(feature = "probe", feature = "report"))]
#[allow(unreachable_pub, reason = "public as part of `probe`, where there is one")]
mod peak;
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(any(feature = "probe", feature = "report"))]
#[allow(unreachable_pub, reason = "public as part of `probe`, where there is one")]
pub use peak::{PEAK_OPERATIONS, peak};

use crate::base::messages;
use portable::Portable;
use wide::{f32x16, i16x32, i32x16, u8x64, u16x32};

/// The number of `f32` lanes of one vector, on every tier.
pub(crate) const LANES: usize = 16;

/// Pixels that are listed together: [`Isa::list`].
pub(crate) const WORD: usize = 8;

/// One entry of a list of pixels: an index, and the bits of its f32 number.
pub(crate) type Entry = [u32; 2];

/// Vectors of a row of f32 numbers: [`Isa::TILE`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "some are for tiers of other machines"))]
pub(crate) enum Tile {
    Two,
    Four,
    Eight,
}

/// How one tier computes on lanes. Each operation rounds once, as IEEE 754 says, so all tiers agree to the bit. What a tier does not
/// do in a way of its own it does as [`Portable`], which does everything itself.
pub(crate) trait Isa: Copy {
    /// The tier's name.
    const NAME: &'static str;

    /// Vectors of a row that the f32 kernels keep in registers as accumulators. The other kernels, too, are cut by it: it tells how
    /// many registers there are.
    const TILE: Tile;
    /// Is the inner loop of the quantised network a function of its own? Where registers are few, what else is alive would take
    /// them from the accumulators. Only for a tier whose instructions every function may use.
    const PACKED_OUTLINED: bool;
    /// Has the tier fused multiply-add, so that it pays to know which products are exact?
    const FUSES: bool;
    /// Does the tier multiply images byte by byte ([`Isa::add_bytes_dot`]), without widening them?
    const BYTES: bool = false;

    /// The token, if this machine has the tier and this build can tell.
    fn detect() -> Option<Self>;
    /// Runs `f` with this tier's instructions enabled; as here, if it has none beside those of the target.
    #[inline(always)]
    fn run<F: TierFn>(self, f: F) -> F::Out {
        f.call(self)
    }

    /// Writes an entry for each pixel that is not zero to the front of `to`: its number, counted from `first`, and the bits of its
    /// f32 value. Gives how many there are; what stands behind them is unspecified.
    #[inline(always)]
    fn list(self, first: u32, pixels: [u8; WORD], to: &mut [Entry; WORD]) -> usize {
        // Every pixel is written, and the next one overwrites it if it was zero: no branch to guess.
        let mut len = 0;
        for (number, pixel) in (first..).zip(pixels) {
            to[len % WORD] = [number, f32::from(pixel).to_bits()];
            len += usize::from(pixel != 0);
        }
        len
    }

    /// `a + b`.
    #[inline(always)]
    fn add(self, a: f32x16, b: f32x16) -> f32x16 {
        Portable.add(a, b)
    }
    /// `a − b`.
    #[inline(always)]
    fn sub(self, a: f32x16, b: f32x16) -> f32x16 {
        Portable.sub(a, b)
    }
    /// `a × b`.
    #[inline(always)]
    fn mul(self, a: f32x16, b: f32x16) -> f32x16 {
        Portable.mul(a, b)
    }
    /// `to + a × b` where the product is exact: one instruction that rounds once then gives what two give.
    #[inline(always)]
    fn add_exact(self, to: f32x16, a: f32x16, b: f32x16) -> f32x16 {
        Portable.add_exact(to, a, b)
    }
    /// `from − a × b`, likewise.
    #[inline(always)]
    fn sub_exact(self, from: f32x16, a: f32x16, b: f32x16) -> f32x16 {
        Portable.sub_exact(from, a, b)
    }
    /// The nearest number of 16 significant bits, halves away from zero: [`to_16_bits`] of each lane.
    #[inline(always)]
    fn to_16_bits(self, a: f32x16) -> f32x16 {
        Portable.to_16_bits(a)
    }
    /// `max(a, 0)`, the rectifier: `+0` for `−0` and for NaN.
    #[inline(always)]
    fn relu(self, a: f32x16) -> f32x16 {
        Portable.relu(a)
    }
    /// `a` where `gate > 0`, else `+0`: the derivative of [`Isa::relu`] applied to `a`.
    #[inline(always)]
    fn keep_where_positive(self, a: f32x16, gate: f32x16) -> f32x16 {
        Portable.keep_where_positive(a, gate)
    }
    /// `sum + a·b`, modulo 2³²: each product is added to a lane, and only the sum of all lanes counts. Which one gains what is left
    /// to the tier.
    #[inline(always)]
    fn add_dot(self, sum: i32x16, a: i16x32, b: i16x32) -> i32x16 {
        Portable.add_dot(sum, a, b)
    }
    /// `sum + a·(b − 128)` of adjacent groups of four: lane `j` gains `Σ a[i] (b[i] − 128)` for `4j ≤ i < 4j + 4`. For tiers with
    /// [`Isa::BYTES`].
    #[inline(always)]
    fn add_bytes_dot(self, sum: i32x16, a: u8x64, b: u8x64) -> i32x16 {
        let (mut sum, a, b) = (sum.to_array(), a.to_array(), b.to_array());
        for (sum, (a, b)) in sum.iter_mut().zip(a.as_chunks::<4>().0.iter().zip(b.as_chunks::<4>().0)) {
            for (a, b) in a.iter().zip(b) {
                *sum = sum.wrapping_add(i32::from(*a) * (i32::from(*b) - 128));
            }
        }
        i32x16::new(sum)
    }
    /// `a + b` in 16 bits, modulo 2¹⁶.
    #[inline(always)]
    fn add_u16(self, a: u16x32, b: u16x32) -> u16x32 {
        Portable.add_u16(a, b)
    }
    /// The high byte of each lane.
    #[inline(always)]
    fn high_bytes(self, a: u16x32) -> u16x32 {
        Portable.high_bytes(a)
    }
    /// Sums of the low bytes of some lanes, from the sums of the lanes and those of their high bytes: `all − (high << 8)`.
    #[inline(always)]
    fn even_bytes(self, all: u16x32, high: u16x32) -> u16x32 {
        Portable.even_bytes(all, high)
    }
    /// Adds the even lanes of `a` to the first sums, the odd ones to the second, modulo 2³².
    #[inline(always)]
    fn add_halves(self, sums: [i32x16; 2], a: u16x32) -> [i32x16; 2] {
        Portable.add_halves(sums, a)
    }
    /// `clamp(sum >> shift, 0, 255)`: of the first sums in the even lanes, of the second in the odd ones.
    #[inline(always)]
    fn activations(self, sums: [i32x16; 2], shift: u8) -> u16x32 {
        Portable.activations(sums, shift)
    }
}

/// A function that can be compiled for any tier. Implementations must mark [`TierFn::call`] `#[inline(always)]`.
pub(crate) trait TierFn {
    type Out;
    fn call<I: Isa>(self, isa: I) -> Self::Out;
}

/// The tier of SIMD instructions that the kernels use: chosen once, held by value, printable.
///
/// Every tier gives the same bits; they differ in speed only.
///
/// ```
/// use twolayer::Backend;
/// let all: Vec<String> = Backend::available().map(|b| b.to_string()).collect();
/// assert!(all.contains(&"portable".to_string()));
/// assert_eq!(Backend::named("portable").map(|b| b.name()), Some("portable"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend(Tier);

/// Makes the enum of the tiers, and the methods of [`Backend`] that concern each of them.
macro_rules! tiers {
    ($($(#[$condition:meta])* $tier:ident($token:ty)),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Tier {
            $($(#[$condition])* $tier($token),)*
        }

        impl Backend {
            /// Every tier this machine can run, slowest first, for tests and benches.
            pub fn available() -> impl Iterator<Item = Self> {
                [$($(#[$condition])* <$token as Isa>::detect().map(|token| Self(Tier::$tier(token))),)*].into_iter().flatten()
            }

            /// The tier's name, as [`Backend::named`] takes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($(#[$condition])* Tier::$tier(_) => <$token as Isa>::NAME,)*
                }
            }

            /// Has the tier fused multiply-add?
            pub(crate) const fn fuses(self) -> bool {
                match self.0 {
                    $($(#[$condition])* Tier::$tier(_) => <$token as Isa>::FUSES,)*
                }
            }

            /// Runs a function on this tier: the one place where tiers part.
            #[inline(never)] // so that on the portable tier, too, it has all registers to itself
            pub(crate) fn run<F: TierFn>(self, f: F) -> F::Out {
                match self.0 {
                    $($(#[$condition])* Tier::$tier(isa) => isa.run(f),)*
                }
            }
        }
    };
}

// Slowest first.
tiers! {
    #[cfg(test)]
    Mixed(tests::Mixed),
    // With relaxed SIMD, that is all there is: a page would have the code of two.
    #[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
    Portable(Portable),
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    Neon(neon::Neon),
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    Relaxed(wasm::Relaxed),
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(x86::Avx512Vnni),
}

impl Backend {
    /// The tier that needs nothing beyond what the program was compiled for.
    ///
    /// With `-C target-feature=+avx2` (or a `target-cpu` that has it) this is already the AVX2 tier.
    #[must_use]
    pub const fn baseline() -> Self {
        #[cfg(all(
            target_arch = "x86_64",
            target_feature = "avx512f",
            target_feature = "avx512bw",
            target_feature = "avx512vnni"
        ))]
        return Self(Tier::Avx512Vnni(x86::Avx512Vnni::new()));
        #[cfg(all(
            target_arch = "x86_64",
            target_feature = "avx512f",
            target_feature = "avx512bw",
            not(target_feature = "avx512vnni")
        ))]
        return Self(Tier::Avx512(x86::Avx512::new()));
        #[cfg(all(
            target_arch = "x86_64",
            target_feature = "avx2",
            target_feature = "fma",
            not(all(target_feature = "avx512f", target_feature = "avx512bw"))
        ))]
        return Self(Tier::Avx2(x86::Avx2::new()));
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        return Self(Tier::Neon(neon::Neon));
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
        return Self(Tier::Relaxed(wasm::Relaxed));
        #[cfg(not(any(
            all(target_arch = "x86_64", target_feature = "avx2", target_feature = "fma"),
            all(target_arch = "aarch64", target_endian = "little"),
            all(target_arch = "wasm32", target_feature = "relaxed-simd")
        )))]
        Self(Tier::Portable(Portable))
    }

    /// The best tier this machine has. Without the feature `std`, which is what can ask the CPU, the
    /// [baseline](Self::baseline).
    #[must_use]
    pub fn detect() -> Self {
        Self::available().last().unwrap_or(Self::baseline())
    }

    /// The tier of that name, if this machine can run it: `portable`, `neon`, `avx2`, `avx512`, `avx512vnni`. Compiled for
    /// WebAssembly's relaxed SIMD, a program has one tier: `relaxed`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::available().find(|backend| backend.name() == name)
    }
}

messages! { Backend: backend => "{}", backend.name(); }

/// The nearest number of 16 significant bits, halves away from zero. Infinities stay, and so do the NaNs that arithmetic makes.
#[inline(always)]
pub(crate) const fn to_16_bits(number: f32) -> f32 {
    f32::from_bits(number.to_bits().wrapping_add(0x80) & !0xFF)
}

/// The sum of all lanes by one fixed tree: halves, quarters, pairs.
#[inline(always)]
pub(crate) fn sum_lanes(v: f32x16) -> f32 {
    let mut lanes = v.to_array();
    let mut half = LANES / 2;
    while half > 0 {
        let (low, high) = lanes.split_at_mut(half);
        for (a, b) in low.iter_mut().zip(high) {
            *a += *b;
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Dice;

    /// A tier for the tests: the portable operations, but kernels cut as for a tier with many registers. The same bits here mean
    /// that the cut changes nothing, and that a tier is one type.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Mixed;

    impl Isa for Mixed {
        const NAME: &'static str = "mixed";
        const TILE: Tile = Tile::Eight;
        const PACKED_OUTLINED: bool = true;
        const FUSES: bool = true;
        const BYTES: bool = true;

        fn detect() -> Option<Self> {
            Some(Self)
        }
    }

    /// Zeros, subnormals, ordinary numbers, the largest, infinities, quiet NaNs of both signs with and without payload.
    const SPECIAL: [u32; 16] = [
        0x0000_0000,
        0x8000_0000,
        0x0000_0001,
        0x8000_0001,
        0x007f_ffff,
        0x807f_ffff,
        0x0080_0000,
        0x3f80_0000,
        0xbf80_0000,
        0x7f7f_ffff,
        0xff7f_ffff,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0000,
        0xffc0_0000,
        0xffc1_2345,
    ];

    /// Every operation on floats, as bits: `+ − ×`, the rectifier of `a`, `a` kept where `b > 0`, `a` of 16 bits.
    struct Floats(f32x16, f32x16);

    impl TierFn for Floats {
        type Out = [[u32; LANES]; 6];

        #[inline(always)]
        fn call<I: Isa>(self, isa: I) -> Self::Out {
            let Self(a, b) = self;
            let kept = isa.keep_where_positive(a, b);
            let results = [isa.add(a, b), isa.sub(a, b), isa.mul(a, b), isa.relu(a), kept, isa.to_16_bits(a)];
            results.map(|v| v.to_array().map(f32::to_bits))
        }
    }

    #[test]
    fn operations_on_every_pair_of_special_numbers() {
        // The bits of a NaN that arithmetic makes are not promised.
        let bits = |x: f32| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() };
        for backend in Backend::available() {
            for shift in 0..LANES {
                let a = SPECIAL.map(f32::from_bits);
                let mut b = a;
                b.rotate_left(shift);
                let [sum, difference, product, relu, kept, short] = backend.run(Floats(f32x16::new(a), f32x16::new(b)));
                for lane in 0..LANES {
                    let (a, b) = (a[lane], b[lane]);
                    let what = std::format!("{a} ({:#010x}) and {b} ({:#010x}) on {backend}", a.to_bits(), b.to_bits());
                    assert_eq!(bits(f32::from_bits(sum[lane])), bits(a + b), "sum of {what}");
                    assert_eq!(bits(f32::from_bits(difference[lane])), bits(a - b), "difference of {what}");
                    assert_eq!(bits(f32::from_bits(product[lane])), bits(a * b), "product of {what}");
                    // From here on all bits are promised, NaN's too.
                    assert_eq!(relu[lane], if a > 0.0 { a.to_bits() } else { 0 }, "rectifier of {what}");
                    assert_eq!(bits(f32::from_bits(short[lane])), bits(to_16_bits(a)), "16 bits of {what}");
                    assert_eq!(kept[lane], if b > 0.0 { a.to_bits() } else { 0 }, "first where second > 0: {what}");
                }
            }
        }
    }

    /// `a ± b × c` by the operations for exact products.
    struct Exact(f32x16, f32x16, f32x16);

    impl TierFn for Exact {
        type Out = [[f32; LANES]; 2];

        #[inline(always)]
        fn call<I: Isa>(self, isa: I) -> Self::Out {
            let Self(a, b, c) = self;
            [isa.add_exact(a, b, c), isa.sub_exact(a, b, c)].map(f32x16::to_array)
        }
    }

    /// Rounding once and rounding twice are the same where the product of a pixel and a number of 16 bits is added, from the least
    /// subnormal number to the largest whose product does not overflow.
    #[test]
    fn exact_products_may_be_fused() {
        let mut dice = Dice::new(2);
        let mut different = 0;
        for exponent in 0..=245 {
            let number = |dice: &mut Dice| {
                let significand = u32::try_from(dice.below(1 << 24)).unwrap();
                f32::from_bits((significand & 0x80_0000) << 8 | exponent << 23 | significand & 0x7F_FFFF)
            };
            for _ in 0..20 {
                let long: [f32; LANES] = [0.0; LANES].map(|_| number(&mut dice));
                let (short, sum) = (long.map(to_16_bits), [0.0; LANES].map(|_| number(&mut dice) * 64.0));
                let pixels = [0.0; LANES].map(|_: f32| f32::from(u8::try_from(dice.below(256)).unwrap()));
                let lanes = || (0..LANES).map(|lane| (sum[lane], pixels[lane], short[lane]));
                let twice: Vec<_> = lanes().map(|(a, b, c)| [a + b * c, a - b * c].map(f32::to_bits)).collect();
                let once: Vec<_> =
                    lanes().map(|(a, b, c)| [b.mul_add(c, a), (-b).mul_add(c, a)].map(f32::to_bits)).collect();
                assert_eq!(once, twice, "{sum:?}, {pixels:?}, {short:?}");
                for backend in Backend::available() {
                    let [added, taken] = backend.run(Exact(f32x16::new(sum), f32x16::new(pixels), f32x16::new(short)));
                    let found: Vec<_> = added.iter().zip(taken).map(|(a, b)| [a.to_bits(), b.to_bits()]).collect();
                    assert_eq!(found, twice, "{backend}: {sum:?}, {pixels:?}, {short:?}");
                }
                let lanes = || (0..LANES).map(|lane| (sum[lane], pixels[lane], long[lane]));
                different += lanes().filter(|&(a, b, c)| b.mul_add(c, a).to_bits() != (a + b * c).to_bits()).count();
            }
        }
        assert!(different > 1000, "numbers of 24 bits tell them apart in {different} lanes only");
    }

    #[test]
    fn the_nearest_number_of_16_bits() {
        for (number, expected) in [
            (1.0, 1.0),
            (1.0 + 127.0 / 8_388_608.0, 1.0),
            (1.0 + 128.0 / 8_388_608.0, 1.0 + 256.0 / 8_388_608.0), // a half, away from zero
            (2.0 - 1.0 / 8_388_608.0, 2.0),
            (f32::MAX, f32::INFINITY),
            (f32::INFINITY, f32::INFINITY),
            (f32::from_bits(0x7F), 0.0),
            (f32::from_bits(0x80), f32::from_bits(0x100)),
        ] {
            assert_eq!(to_16_bits(number).to_bits(), f32::to_bits(expected), "{number}");
            assert_eq!(to_16_bits(-number).to_bits(), f32::to_bits(-expected), "-{number}");
        }
        assert!(to_16_bits(f32::NAN).is_nan() && to_16_bits(0.0 * f32::INFINITY).is_nan());
        // Of a number x 2ⁿ with 2¹⁵ ≤ x < 2¹⁶, the nearest whole x.
        let mut dice = Dice::new(3);
        for _ in 0..1000 {
            let number = 1.0 + dice.numbers(1, 1.0)[0].abs();
            let scale = f64::from(f32::from_bits(number.to_bits() & 0x7F80_0000)) / 32_768.0;
            let expected = (f64::from(number) / scale).round() * scale;
            assert_eq!(f64::from(to_16_bits(number)).to_bits(), expected.to_bits(), "{number}");
        }
    }

    struct Dot(i32x16, i16x32, i16x32);

    impl TierFn for Dot {
        type Out = [i32; LANES];

        #[inline(always)]
        fn call<I: Isa>(self, isa: I) -> Self::Out {
            isa.add_dot(self.0, self.1, self.2).to_array()
        }
    }

    #[test]
    fn dot_products_are_exact_and_wrap() {
        let a: [i16; 32] = core::array::from_fn(|i| [255, 0, -255, 32767, -32768, 1][i % 6]);
        let b: [i16; 32] = core::array::from_fn(|i| [255, 255, 254, -32768, 32767, 0, 7][i % 7]);
        let sums: [i32; 16] = core::array::from_fn(|i| [0, 1, -1, i32::MAX, i32::MIN, 1 << 30][i % 6]);
        // One factor at a time, then all.
        for only in (0..32).map(Some).chain([None]) {
            let b: [i16; 32] = core::array::from_fn(|i| if only.is_none_or(|only| only == i) { b[i] } else { 0 });
            let products = a.iter().zip(b).map(|(&a, b)| i32::from(a) * i32::from(b));
            let expected = sums.into_iter().chain(products).fold(0, i32::wrapping_add);
            for backend in Backend::available() {
                let found = backend.run(Dot(i32x16::new(sums), i16x32::new(a), i16x32::new(b)));
                assert_eq!(found.into_iter().fold(0, i32::wrapping_add), expected, "{backend}");
            }
        }
    }

    struct BytesDot(i32x16, [u8; 64], [u8; 64]);

    impl TierFn for BytesDot {
        type Out = [i32; LANES];

        #[inline(always)]
        fn call<I: Isa>(self, isa: I) -> Self::Out {
            isa.add_bytes_dot(self.0, u8x64::new(self.1), u8x64::new(self.2)).to_array()
        }
    }

    #[test]
    fn dot_products_of_bytes_are_exact_and_wrap() {
        let a: [u8; 64] = core::array::from_fn(|i| [255, 0, 1, 128, 254][i % 5]);
        let b: [u8; 64] = core::array::from_fn(|i| [255, 255, 0, 127, 128, 0, 129][i % 7]);
        let sums: [i32; 16] = core::array::from_fn(|i| [0, 1, -1, i32::MAX, i32::MIN, 1 << 30][i % 6]);
        let expected: [i32; 16] = core::array::from_fn(|j| {
            let products = (4 * j..4 * j + 4).map(|i| i32::from(a[i]) * (i32::from(b[i]) - 128));
            sums[j].wrapping_add(products.sum())
        });
        for backend in Backend::available() {
            assert_eq!(backend.run(BytesDot(i32x16::new(sums), a, b)), expected, "{backend}");
        }
    }

    #[test]
    fn lanes_are_summed_by_one_tree() {
        let (mut not_in_order, mut not_neighbours) = (0, 0);
        for seed in 0..100 {
            let a = Dice::new(seed).numbers(16, 1.0);
            let quarter = |i: usize| (a[i] + a[i + 8]) + (a[i + 4] + a[i + 12]);
            let tree = (quarter(0) + quarter(2)) + (quarter(1) + quarter(3));
            let found = sum_lanes(f32x16::new(a.as_chunks().0[0]));
            assert_eq!(found.to_bits(), tree.to_bits());
            // Other orders give other bits often enough to be noticed.
            let in_order = a.iter().fold(0.0, |sum, x| sum + x);
            let pairs = |a: &[f32]| -> Vec<f32> { a.chunks(2).map(|pair| pair[0] + pair[1]).collect() };
            let neighbours = pairs(&pairs(&pairs(&pairs(&a))))[0];
            not_in_order += i32::from(in_order.to_bits() != tree.to_bits());
            not_neighbours += i32::from(neighbours.to_bits() != tree.to_bits());
        }
        assert!(not_in_order > 20 && not_neighbours > 20, "{not_in_order}, {not_neighbours} of 100");
    }

    #[test]
    fn tiers_have_names_and_an_order() {
        let all: Vec<Backend> = Backend::available().collect();
        let names: Vec<&str> = all.iter().map(|b| b.name()).collect();
        let neon = cfg!(all(target_arch = "aarch64", target_endian = "little"));
        let expected: &[_] =
            if neon { &["mixed", "portable", "neon"] } else { &["mixed", "portable", "avx2", "avx512", "avx512vnni"] };
        assert_eq!(names, expected[..all.len()], "none is known to exist without those before it");
        assert!(!neon || (all.len() == 3 && Backend::baseline().name() == "neon"), "every AArch64 has it");
        for &backend in &all {
            assert_eq!(Backend::named(backend.name()), Some(backend));
            assert_eq!(backend.to_string(), backend.name());
        }
        assert!(all.contains(&Backend::baseline()));
        assert_eq!(Some(&Backend::detect()), all.last());
        for name in ["", "Portable", "avx", "avx2 ", "sse2"] {
            assert_eq!(Backend::named(name), None, "{name:?}");
        }
    }

    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    #[test]
    fn the_tiers_are_those_of_the_machine() {
        let avx2 = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
        assert_eq!(Backend::named("avx2").is_some(), avx2);
        let avx512 = std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512bw");
        assert_eq!(Backend::named("avx512").is_some(), avx512);
        let vnni = avx512 && std::arch::is_x86_feature_detected!("avx512vnni");
        assert_eq!(Backend::named("avx512vnni").is_some(), vnni);
    }
}
