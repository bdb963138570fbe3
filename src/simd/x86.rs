//! AVX2 and AVX-512 for a program compiled for any x86-64: tokens that prove the CPU has them.
//!
//! Each operation turns `wide`'s values into the intrinsics' and back; both are free once inlined into `enter`.

#![expect(unsafe_code, reason = "the intrinsics below are what the tokens exist for")]

use super::{Entry, Isa, TierFn, Tile, WORD};
use bytemuck::cast;
#[allow(
    clippy::wildcard_imports,
    reason = "all these names begin with an underscore and tell where they are from"
)]
use core::arch::x86_64::*;
use wide::{f32x16, i16x32, i32x16, u8x64, u16x32};

/// Proof that the CPU has AVX2 and fused multiply-add, which all CPUs with AVX2 have but a few of VIA's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Avx2 {
    /// Safe only where both features are enabled, unsafe to call elsewhere: the compiler checks the proof.
    #[target_feature(enable = "avx2,fma")]
    pub(super) const fn new() -> Self {
        Self(())
    }

    #[target_feature(enable = "avx2,fma")]
    fn enter<F: TierFn>(self, f: F) -> F::Out {
        f.call(self)
    }
}

/// Applies intrinsics to both halves of vectors: `halves!(a, b => _mm256_add_ps(a, b))`. For the methods of [`Avx2`].
macro_rules! halves {
    ($($v:ident),+ => $intrinsics:expr) => {{
        $(let $v: [_; 2] = cast($v);)+
        // SAFETY: the intrinsics are those of AVX, AVX2 and FMA, which the token proves.
        cast(unsafe { [{ $(let $v = $v[0];)+ $intrinsics }, { $(let $v = $v[1];)+ $intrinsics }] })
    }};
}

impl Isa for Avx2 {
    const NAME: &'static str = "avx2";
    /// Eight of sixteen registers.
    const TILE: Tile = Tile::Four;
    const PACKED_OUTLINED: bool = false;
    const FUSES: bool = true;

    #[inline(always)]
    fn detect() -> Option<Self> {
        #[cfg(feature = "std")]
        let found = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
        #[cfg(not(feature = "std"))]
        let found = cfg!(all(target_feature = "avx2", target_feature = "fma"));
        // SAFETY: both features were just found.
        found.then(|| unsafe { Self::new() })
    }

    #[inline(always)]
    fn run<F: TierFn>(self, f: F) -> F::Out {
        // SAFETY: the token proves AVX2 and FMA.
        unsafe { self.enter(f) }
    }

    operations! {
        add(a: f32x16, b: f32x16) -> f32x16 = halves!(a, b => _mm256_add_ps(a, b));
        sub(a: f32x16, b: f32x16) -> f32x16 = halves!(a, b => _mm256_sub_ps(a, b));
        mul(a: f32x16, b: f32x16) -> f32x16 = halves!(a, b => _mm256_mul_ps(a, b));
        add_exact(to: f32x16, a: f32x16, b: f32x16) -> f32x16 = halves!(to, a, b => _mm256_fmadd_ps(a, b, to));
        sub_exact(from: f32x16, a: f32x16, b: f32x16) -> f32x16 = halves!(from, a, b => _mm256_fnmadd_ps(a, b, from));
        to_16_bits(a: f32x16) -> f32x16 = halves!(a => {
            let rounded = _mm256_add_epi32(_mm256_castps_si256(a), _mm256_set1_epi32(0x80));
            _mm256_castsi256_ps(_mm256_and_si256(rounded, _mm256_set1_epi32(!0xFF)))
        });
        // The instruction gives its second operand, +0, for NaN and for two zeros.
        relu(a: f32x16) -> f32x16 = halves!(a => _mm256_max_ps(a, _mm256_setzero_ps()));
        keep_where_positive(a: f32x16, gate: f32x16) -> f32x16 =
            halves!(a, gate => _mm256_and_ps(a, _mm256_cmp_ps::<_CMP_GT_OQ>(gate, _mm256_setzero_ps())));
        add_dot(sum: i32x16, a: i16x32, b: i16x32) -> i32x16 =
            halves!(sum, a, b => _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)));
        add_u16(a: u16x32, b: u16x32) -> u16x32 = halves!(a, b => _mm256_add_epi16(a, b));
        high_bytes(a: u16x32) -> u16x32 = halves!(a => _mm256_srli_epi16::<8>(a));
        even_bytes(all: u16x32, high: u16x32) -> u16x32 =
            halves!(all, high => _mm256_sub_epi16(all, _mm256_slli_epi16::<8>(high)));
        add_halves([even, odd]: [i32x16; 2], a: u16x32) -> [i32x16; 2] = [
            halves!(even, a => _mm256_add_epi32(even, _mm256_blend_epi16::<0xAA>(a, _mm256_setzero_si256()))),
            halves!(odd, a => _mm256_add_epi32(odd, _mm256_srli_epi32::<16>(a))),
        ];
    }

    #[inline(always)]
    fn activations(self, sums: [i32x16; 2], shift: u8) -> u16x32 {
        let [mut even, mut odd] = sums;
        for sum in [&mut even, &mut odd] {
            let unclamped = *sum;
            *sum = halves!(unclamped => {
                let rounded = _mm256_sra_epi32(unclamped, _mm_cvtsi32_si128(shift.into()));
                _mm256_min_epi32(_mm256_max_epi32(rounded, _mm256_setzero_si256()), _mm256_set1_epi32(255))
            });
        }
        halves!(even, odd => _mm256_or_si256(even, _mm256_slli_epi32::<16>(odd)))
    }
}

/// Proof that the CPU has AVX-512F and AVX-512BW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    /// Safe only where both features are enabled, unsafe to call elsewhere.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) const fn new() -> Self {
        Self(())
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn enter<F: TierFn>(self, f: F) -> F::Out {
        f.call(self)
    }
}

/// Applies intrinsics to whole vectors: `whole!(a, b => _mm512_add_ps(a, b))`. For the methods of [`Avx512`].
macro_rules! whole {
    ($($v:ident),+ => $intrinsics:expr) => {{
        $(let $v = $v.into();)+
        // SAFETY: the intrinsics are those of AVX-512F and AVX-512BW, which the token proves.
        unsafe { $intrinsics }.into()
    }};
}

impl Isa for Avx512 {
    const NAME: &'static str = "avx512";
    /// Eight of thirty-two registers: enough chains to hide an addition's latency.
    const TILE: Tile = Tile::Eight;
    const PACKED_OUTLINED: bool = false;
    const FUSES: bool = true;

    #[inline(always)]
    fn detect() -> Option<Self> {
        #[cfg(feature = "std")]
        let found = std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512bw");
        #[cfg(not(feature = "std"))]
        let found = cfg!(all(target_feature = "avx512f", target_feature = "avx512bw"));
        // SAFETY: both features were just found.
        found.then(|| unsafe { Self::new() })
    }

    #[inline(always)]
    fn run<F: TierFn>(self, f: F) -> F::Out {
        // SAFETY: the token proves AVX-512F and AVX-512BW.
        unsafe { self.enter(f) }
    }

    /// The entries of all pixels in one register, from which those of nonzero pixels are gathered at its front.
    #[inline(always)]
    fn list(self, first: u32, pixels: [u8; WORD], to: &mut [Entry; WORD]) -> usize {
        // SAFETY: the intrinsics are those of AVX-512F and what it includes, which the token proves.
        let (entries, nonzero) = unsafe {
            let pixels = _mm_cvtsi64_si128(i64::from_le_bytes(pixels));
            let values = _mm256_castps_si256(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(pixels)));
            let numbers =
                _mm256_add_epi32(_mm256_set1_epi32(first.cast_signed()), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
            let values = _mm512_slli_epi64::<32>(_mm512_cvtepu32_epi64(values));
            let nonzero = _mm512_test_epi64_mask(values, values);
            let entries = _mm512_or_si512(_mm512_cvtepu32_epi64(numbers), values);
            (_mm512_maskz_compress_epi64(nonzero, entries), nonzero)
        };
        *to = cast(i32x16::from(entries));
        nonzero.count_ones() as usize
    }

    operations! {
        add(a: f32x16, b: f32x16) -> f32x16 = whole!(a, b => _mm512_add_ps(a, b));
        sub(a: f32x16, b: f32x16) -> f32x16 = whole!(a, b => _mm512_sub_ps(a, b));
        mul(a: f32x16, b: f32x16) -> f32x16 = whole!(a, b => _mm512_mul_ps(a, b));
        add_exact(to: f32x16, a: f32x16, b: f32x16) -> f32x16 = whole!(to, a, b => _mm512_fmadd_ps(a, b, to));
        sub_exact(from: f32x16, a: f32x16, b: f32x16) -> f32x16 = whole!(from, a, b => _mm512_fnmadd_ps(a, b, from));
        to_16_bits(a: f32x16) -> f32x16 = whole!(a => {
            let rounded = _mm512_add_epi32(_mm512_castps_si512(a), _mm512_set1_epi32(0x80));
            _mm512_castsi512_ps(_mm512_and_si512(rounded, _mm512_set1_epi32(!0xFF)))
        });
        // The instruction gives its second operand, +0, for NaN and for two zeros.
        relu(a: f32x16) -> f32x16 = whole!(a => _mm512_max_ps(a, _mm512_setzero_ps()));
        keep_where_positive(a: f32x16, gate: f32x16) -> f32x16 =
            whole!(a, gate => _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(gate, _mm512_setzero_ps()), a));
        add_dot(sum: i32x16, a: i16x32, b: i16x32) -> i32x16 =
            whole!(sum, a, b => _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)));
        add_u16(a: u16x32, b: u16x32) -> u16x32 = whole!(a, b => _mm512_add_epi16(a, b));
        high_bytes(a: u16x32) -> u16x32 = whole!(a => _mm512_srli_epi16::<8>(a));
        even_bytes(all: u16x32, high: u16x32) -> u16x32 =
            whole!(all, high => _mm512_sub_epi16(all, _mm512_slli_epi16::<8>(high)));
        add_halves([even, odd]: [i32x16; 2], a: u16x32) -> [i32x16; 2] = [
            whole!(even, a => _mm512_add_epi32(even, _mm512_and_si512(a, _mm512_set1_epi32(0xFFFF)))),
            whole!(odd, a => _mm512_add_epi32(odd, _mm512_srli_epi32::<16>(a))),
        ];
    }

    #[inline(always)]
    fn activations(self, sums: [i32x16; 2], shift: u8) -> u16x32 {
        let [mut even, mut odd] = sums;
        for sum in [&mut even, &mut odd] {
            let unclamped = *sum;
            *sum = whole!(unclamped => {
                let rounded = _mm512_sra_epi32(unclamped, _mm_cvtsi32_si128(shift.into()));
                _mm512_min_epi32(_mm512_max_epi32(rounded, _mm512_setzero_si512()), _mm512_set1_epi32(255))
            });
        }
        whole!(even, odd => _mm512_or_si512(even, _mm512_slli_epi32::<16>(odd)))
    }
}

/// Methods of [`Isa`] that are those of the field.
macro_rules! as_on_avx512 {
    ($($name:ident($($argument:ident: $type:ty),+) -> $out:ty;)+) => {
        $(#[inline(always)]
        fn $name(self, $($argument: $type),+) -> $out {
            self.0.$name($($argument),+)
        })+
    };
}

/// Proof that the CPU has AVX-512F, AVX-512BW and AVX-512 VNNI: products of bytes and of 16-bit integers that are added in the same
/// instruction. All else is as on [`Avx512`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx512Vnni(Avx512);

impl Avx512Vnni {
    /// Safe only where the three features are enabled, unsafe to call elsewhere.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) const fn new() -> Self {
        Self(Avx512::new())
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn enter<F: TierFn>(self, f: F) -> F::Out {
        f.call(self)
    }
}

impl Isa for Avx512Vnni {
    const NAME: &'static str = "avx512vnni";
    const TILE: Tile = Avx512::TILE;
    const PACKED_OUTLINED: bool = false;
    const FUSES: bool = true;
    const BYTES: bool = true;

    #[inline(always)]
    fn detect() -> Option<Self> {
        #[cfg(feature = "std")]
        let found = std::arch::is_x86_feature_detected!("avx512vnni");
        #[cfg(not(feature = "std"))]
        let found = cfg!(target_feature = "avx512vnni");
        // SAFETY: the first two features were just found, and so was the third.
        Avx512::detect().filter(|_| found).map(|_| unsafe { Self::new() })
    }

    #[inline(always)]
    fn run<F: TierFn>(self, f: F) -> F::Out {
        // SAFETY: the token proves the three features.
        unsafe { self.enter(f) }
    }

    as_on_avx512! {
        add(a: f32x16, b: f32x16) -> f32x16;
        sub(a: f32x16, b: f32x16) -> f32x16;
        mul(a: f32x16, b: f32x16) -> f32x16;
        add_exact(to: f32x16, a: f32x16, b: f32x16) -> f32x16;
        sub_exact(from: f32x16, a: f32x16, b: f32x16) -> f32x16;
        to_16_bits(a: f32x16) -> f32x16;
        relu(a: f32x16) -> f32x16;
        keep_where_positive(a: f32x16, gate: f32x16) -> f32x16;
        add_u16(a: u16x32, b: u16x32) -> u16x32;
        high_bytes(a: u16x32) -> u16x32;
        even_bytes(all: u16x32, high: u16x32) -> u16x32;
        add_halves(sums: [i32x16; 2], a: u16x32) -> [i32x16; 2];
        activations(sums: [i32x16; 2], shift: u8) -> u16x32;
        list(first: u32, pixels: [u8; WORD], to: &mut [Entry; WORD]) -> usize;
    }

    operations! {
        add_dot(sum: i32x16, a: i16x32, b: i16x32) -> i32x16 = whole!(sum, a, b => _mm512_dpwssd_epi32(sum, a, b));
        // To take 128 off a byte is to flip its highest bit and to read it with a sign.
        add_bytes_dot(sum: i32x16, a: u8x64, b: u8x64) -> i32x16 =
            whole!(sum, a, b => _mm512_dpbusd_epi32(sum, a, _mm512_xor_si512(b, _mm512_set1_epi8(-128))));
    }
}
