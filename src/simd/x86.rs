//! AVX2 and AVX-512 for a program compiled for any x86-64: tokens that prove the CPU has them.
//!
//! Each operation turns `wide`'s values into the intrinsics' and back; both are free once inlined into `enter`.

#![expect(unsafe_code, reason = "the intrinsics below are what the tokens exist for")]

use super::{Isa, Kernel};
use bytemuck::cast;
use core::arch::x86_64::{
    __m256, __m256i, __m512, __m512i, _CMP_GT_OQ, _mm_cvtsi32_si128, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_ps,
    _mm256_and_ps, _mm256_blend_epi16, _mm256_cmp_ps, _mm256_madd_epi16, _mm256_max_epi32, _mm256_max_ps,
    _mm256_min_epi32, _mm256_mul_ps, _mm256_or_si256, _mm256_set1_epi32, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_slli_epi16, _mm256_slli_epi32, _mm256_sra_epi32, _mm256_srli_epi16, _mm256_srli_epi32, _mm256_sub_epi16,
    _mm256_sub_ps, _mm512_add_epi16, _mm512_add_epi32, _mm512_add_ps, _mm512_and_si512, _mm512_cmp_ps_mask,
    _mm512_madd_epi16, _mm512_maskz_mov_ps, _mm512_max_epi32, _mm512_max_ps, _mm512_min_epi32, _mm512_mul_ps,
    _mm512_or_si512, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_slli_epi16, _mm512_slli_epi32,
    _mm512_sra_epi32, _mm512_srli_epi16, _mm512_srli_epi32, _mm512_sub_epi16, _mm512_sub_ps,
};
use wide::{f32x16, i16x32, i32x16, u16x32};

/// Proof that the CPU has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Avx2 {
    /// Safe only where AVX2 is enabled, unsafe to call elsewhere: the compiler checks the proof.
    #[target_feature(enable = "avx2")]
    pub(super) const fn new() -> Self {
        Self(())
    }

    /// The token, if the CPU has the feature and this build can ask.
    pub(super) fn detect() -> Option<Self> {
        #[cfg(feature = "std")]
        let found = std::arch::is_x86_feature_detected!("avx2");
        #[cfg(not(feature = "std"))]
        let found = cfg!(target_feature = "avx2");
        // SAFETY: AVX2 was just found.
        found.then(|| unsafe { Self::new() })
    }

    #[target_feature(enable = "avx2")]
    fn enter<K: Kernel>(self, kernel: K) -> K::Out {
        kernel.call(self)
    }

    /// Applies `f` to both halves of two vectors.
    #[inline(always)]
    fn halves(a: f32x16, b: f32x16, f: impl Fn(__m256, __m256) -> __m256) -> f32x16 {
        let ([a0, a1], [b0, b1]): ([__m256; 2], [__m256; 2]) = (cast(a), cast(b));
        cast([f(a0, b0), f(a1, b1)])
    }
}

impl Isa for Avx2 {
    /// Eight of sixteen registers.
    const TILE: usize = 4;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Out {
        // SAFETY: the token proves AVX2.
        unsafe { self.enter(kernel) }
    }

    #[inline(always)]
    fn add(self, a: f32x16, b: f32x16) -> f32x16 {
        // SAFETY: the token proves AVX, which AVX2 implies.
        Self::halves(a, b, |a, b| unsafe { _mm256_add_ps(a, b) })
    }

    #[inline(always)]
    fn sub(self, a: f32x16, b: f32x16) -> f32x16 {
        // SAFETY: as above.
        Self::halves(a, b, |a, b| unsafe { _mm256_sub_ps(a, b) })
    }

    #[inline(always)]
    fn mul(self, a: f32x16, b: f32x16) -> f32x16 {
        // SAFETY: as above.
        Self::halves(a, b, |a, b| unsafe { _mm256_mul_ps(a, b) })
    }

    #[inline(always)]
    fn relu(self, a: f32x16) -> f32x16 {
        // SAFETY: as above. The instruction gives its second operand, +0, for NaN and for two zeros.
        Self::halves(a, f32x16::ZERO, |a, zero| unsafe { _mm256_max_ps(a, zero) })
    }

    #[inline(always)]
    fn keep_where_positive(self, a: f32x16, gate: f32x16) -> f32x16 {
        // SAFETY: as above.
        Self::halves(a, gate, |a, gate| unsafe {
            _mm256_and_ps(a, _mm256_cmp_ps::<_CMP_GT_OQ>(gate, _mm256_setzero_ps()))
        })
    }

    #[inline(always)]
    fn add_dot(self, sum: i32x16, a: i16x32, b: i16x32) -> i32x16 {
        let (s, a, b): ([__m256i; 2], [__m256i; 2], [__m256i; 2]) = (cast(sum), cast(a), cast(b));
        // SAFETY: the token proves AVX2.
        cast(unsafe {
            [
                _mm256_add_epi32(s[0], _mm256_madd_epi16(a[0], b[0])),
                _mm256_add_epi32(s[1], _mm256_madd_epi16(a[1], b[1])),
            ]
        })
    }

    #[inline(always)]
    fn add_u16(self, a: u16x32, b: u16x32) -> u16x32 {
        let (a, b): ([__m256i; 2], [__m256i; 2]) = (cast(a), cast(b));
        // SAFETY: the token proves AVX2.
        cast(unsafe { [_mm256_add_epi16(a[0], b[0]), _mm256_add_epi16(a[1], b[1])] })
    }

    #[inline(always)]
    fn high_bytes(self, a: u16x32) -> u16x32 {
        let a: [__m256i; 2] = cast(a);
        // SAFETY: as above.
        cast(unsafe { [_mm256_srli_epi16::<8>(a[0]), _mm256_srli_epi16::<8>(a[1])] })
    }

    #[inline(always)]
    fn even_bytes(self, all: u16x32, high: u16x32) -> u16x32 {
        let (a, h): ([__m256i; 2], [__m256i; 2]) = (cast(all), cast(high));
        // SAFETY: as above.
        cast(unsafe {
            [_mm256_sub_epi16(a[0], _mm256_slli_epi16::<8>(h[0])), _mm256_sub_epi16(a[1], _mm256_slli_epi16::<8>(h[1]))]
        })
    }

    #[inline(always)]
    fn add_halves(self, [even, odd]: [i32x16; 2], a: u16x32) -> [i32x16; 2] {
        let (e, o, a): ([__m256i; 2], [__m256i; 2], [__m256i; 2]) = (cast(even), cast(odd), cast(a));
        // SAFETY: as above.
        unsafe {
            let zero = _mm256_setzero_si256();
            let even = [
                _mm256_add_epi32(e[0], _mm256_blend_epi16::<0xAA>(a[0], zero)),
                _mm256_add_epi32(e[1], _mm256_blend_epi16::<0xAA>(a[1], zero)),
            ];
            let odd = [
                _mm256_add_epi32(o[0], _mm256_srli_epi32::<16>(a[0])),
                _mm256_add_epi32(o[1], _mm256_srli_epi32::<16>(a[1])),
            ];
            [cast(even), cast(odd)]
        }
    }

    #[inline(always)]
    fn activations(self, [even, odd]: [i32x16; 2], shift: u8) -> u16x32 {
        let (e, o): ([__m256i; 2], [__m256i; 2]) = (cast(even), cast(odd));
        let clamp = |sum: __m256i| {
            // SAFETY: as above.
            unsafe {
                let sum = _mm256_sra_epi32(sum, _mm_cvtsi32_si128(shift.into()));
                _mm256_min_epi32(_mm256_max_epi32(sum, _mm256_setzero_si256()), _mm256_set1_epi32(255))
            }
        };
        // SAFETY: as above.
        cast(unsafe {
            [
                _mm256_or_si256(clamp(e[0]), _mm256_slli_epi32::<16>(clamp(o[0]))),
                _mm256_or_si256(clamp(e[1]), _mm256_slli_epi32::<16>(clamp(o[1]))),
            ]
        })
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

    /// The token, if the CPU has both features and this build can ask.
    pub(super) fn detect() -> Option<Self> {
        #[cfg(feature = "std")]
        let found = std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512bw");
        #[cfg(not(feature = "std"))]
        let found = cfg!(all(target_feature = "avx512f", target_feature = "avx512bw"));
        // SAFETY: both features were just found.
        found.then(|| unsafe { Self::new() })
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn enter<K: Kernel>(self, kernel: K) -> K::Out {
        kernel.call(self)
    }
}

impl Isa for Avx512 {
    /// Eight of thirty-two registers: enough chains to hide an addition's latency.
    const TILE: usize = 8;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Out {
        // SAFETY: the token proves AVX-512F and AVX-512BW.
        unsafe { self.enter(kernel) }
    }

    #[inline(always)]
    fn add(self, a: f32x16, b: f32x16) -> f32x16 {
        // SAFETY: the token proves AVX-512F.
        unsafe { _mm512_add_ps(a.into(), b.into()) }.into()
    }

    #[inline(always)]
    fn sub(self, a: f32x16, b: f32x16) -> f32x16 {
        // SAFETY: as above.
        unsafe { _mm512_sub_ps(a.into(), b.into()) }.into()
    }

    #[inline(always)]
    fn mul(self, a: f32x16, b: f32x16) -> f32x16 {
        // SAFETY: as above.
        unsafe { _mm512_mul_ps(a.into(), b.into()) }.into()
    }

    #[inline(always)]
    fn relu(self, a: f32x16) -> f32x16 {
        // SAFETY: as above. The instruction gives its second operand, +0, for NaN and for two zeros.
        unsafe { _mm512_max_ps(a.into(), _mm512_setzero_ps()) }.into()
    }

    #[inline(always)]
    fn keep_where_positive(self, a: f32x16, gate: f32x16) -> f32x16 {
        let (a, gate): (__m512, __m512) = (a.into(), gate.into());
        // SAFETY: as above.
        unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(gate, _mm512_setzero_ps()), a) }.into()
    }

    #[inline(always)]
    fn add_dot(self, sum: i32x16, a: i16x32, b: i16x32) -> i32x16 {
        let (sum, a, b): (__m512i, __m512i, __m512i) = (sum.into(), a.into(), b.into());
        // SAFETY: the token proves AVX-512F and AVX-512BW.
        unsafe { _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)) }.into()
    }

    #[inline(always)]
    fn add_u16(self, a: u16x32, b: u16x32) -> u16x32 {
        // SAFETY: the token proves AVX-512F and AVX-512BW.
        unsafe { _mm512_add_epi16(a.into(), b.into()) }.into()
    }

    #[inline(always)]
    fn high_bytes(self, a: u16x32) -> u16x32 {
        // SAFETY: as above.
        unsafe { _mm512_srli_epi16::<8>(a.into()) }.into()
    }

    #[inline(always)]
    fn even_bytes(self, all: u16x32, high: u16x32) -> u16x32 {
        // SAFETY: as above.
        unsafe { _mm512_sub_epi16(all.into(), _mm512_slli_epi16::<8>(high.into())) }.into()
    }

    #[inline(always)]
    fn add_halves(self, [even, odd]: [i32x16; 2], a: u16x32) -> [i32x16; 2] {
        let (even, odd, a): (__m512i, __m512i, __m512i) = (even.into(), odd.into(), a.into());
        // SAFETY: as above.
        unsafe {
            let even = _mm512_add_epi32(even, _mm512_and_si512(a, _mm512_set1_epi32(0xFFFF)));
            [even.into(), _mm512_add_epi32(odd, _mm512_srli_epi32::<16>(a)).into()]
        }
    }

    #[inline(always)]
    fn activations(self, [even, odd]: [i32x16; 2], shift: u8) -> u16x32 {
        let clamp = |sum: i32x16| {
            // SAFETY: as above.
            unsafe {
                let sum = _mm512_sra_epi32(sum.into(), _mm_cvtsi32_si128(shift.into()));
                _mm512_min_epi32(_mm512_max_epi32(sum, _mm512_setzero_si512()), _mm512_set1_epi32(255))
            }
        };
        // SAFETY: as above.
        unsafe { _mm512_or_si512(clamp(even), _mm512_slli_epi32::<16>(clamp(odd))) }.into()
    }
}
