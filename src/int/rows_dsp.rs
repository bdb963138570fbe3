//! `rows.rs` with the DSP instructions of Armv7E-M and Armv8-M Mainline: the same functions, the same sums.
//!
//! Eight accumulators, a row of four words, the list and the tile fill the fourteen registers; what else is needed stays
//! on the stack. Instructions a row of 16 bytes: 11.75 for 16 weights of 8 bits (`UXTAB16` adds two), 15.75 for 32 weights
//! of 4 bits (three operations for eight weights). A batch costs 49 and 200 besides, a level 14. Sorting takes ten for four
//! pixels, and seven more for an inked one.
//!
//! Chosen when the target is bare-metal Arm with a hard-float ABI: every such Cortex-M4, M7, M33 and M55 has these
//! instructions, unless a licensee of the M33 left them out and kept the FPU; then build with
//! `--cfg twolayer_rows="portable"`. On a core with them but without an FPU, `--cfg twolayer_rows="dsp"` chooses this file.

#![allow(unsafe_code, reason = "assembly")]

use core::arch::naked_asm;

use super::level_lists::{Bounds, LevelLists, SLACK};
use super::{Bits, Row};

/// Lists the inputs of each level in `room`, which has an entry an input and [`SLACK`] more: two pairs of lists that grow
/// towards each other, of the levels 2 and 3, then 4 and 1. Gives the sum of all levels.
#[inline(always)] // a comparison and a call
pub(super) fn sort(pixels: &[u8], bounds: &mut Bounds, room: &mut [u16]) -> u32 {
    // Not only in tests: the assembly relies on it.
    if room.len() < pixels.len() + SLACK {
        return 0;
    }
    // SAFETY: the pixels are borrowed, so they are the same when they are counted and when they are listed; there is room for
    // them and for those that are not counted.
    unsafe { sort_pixels(pixels.as_ptr(), pixels.len(), bounds, room.as_mut_ptr()) }
}

/// Sorts `len` pixels, and gives the sum of their levels.
///
/// Up to seven pixels at the end are not counted, but given room in both pairs of lists.
///
/// # Safety
/// There are `len` pixels, and `len + 7` entries of room.
#[unsafe(naked)]
unsafe extern "C" fn sort_pixels(pixels: *const u8, len: usize, bounds: &mut Bounds, room: *mut u16) -> u32 {
    naked_asm!(
        // By their encodings: see below.
        ".macro twolayer_uadd8 d, n, m",
        ".inst.w 0xFA80F040 + (\\n << 16) + (\\d << 8) + \\m",
        ".endm",
        "push {{r2, r4-r11, lr}}",
        // Levels 2 and 3: bit 7 of the pixel plus 32, modulo 256. r7 64 for each, r0 next word, r12 end.
        "mov lr, r0",
        "mov r6, #0x20202020",
        "movs r7, #0",
        "movs r8, #0",
        "bic r12, r1, #7",
        "add r12, r0",
        "b 2f",
        "1:",
        "ldr r4, [r0], #4",
        "ldr r5, [r0], #4",
        "twolayer_uadd8 4, 4, 6",
        "twolayer_uadd8 5, 5, 6",
        "and r4, r4, #0x80808080",
        "and r5, r5, #0x80808080",
        ".inst.w 0xFA84F465", // uhadd8 r4, r4, r5
        ".inst.w 0xFB747708", // usada8 r7, r4, r8, r7
        "2:",
        "cmp r0, r12",
        "bne 1b",
        ".purgem twolayer_uadd8",
        // r0 next word, r1 end, r2 list of level 2, r3 room, r4 list 3, r5 list 4, r6 list 1, r7 middle, r8 word,
        // r9 index, r10 halves of a level, r11 pixels behind the last word, r12 end of the room, lr pixels.
        "and r11, r1, #7",
        "add r7, r11, r7, lsr #6",
        "add r7, r3, r7, lsl #1",
        "add r12, r1, #7",
        "add r12, r3, r12, lsl #1",
        "mov r0, lr",
        "and r11, r1, #3",
        "bic r1, r1, #3",
        "add r1, r0",
        "mov r2, r3",
        "mov r4, r7",
        "mov r5, r7",
        "mov r6, r12",
        "3:", // a word
        "cmp r0, r1",
        "beq 9f",
        "ldr r8, [r0], #4",
        "4:",
        "bics r8, r8, #0x1F1F1F1F",
        "beq 3b",
        "sub r9, r0, lr",
        "subs r9, #4",
        "5:", // a pixel
        "ubfx r10, r8, #5, #3",
        "tbb [pc, r10]",
        "6:",
        ".byte (13f - 6b) / 2, (12f - 6b) / 2, (12f - 6b) / 2, (11f - 6b) / 2",
        ".byte (11f - 6b) / 2, (10f - 6b) / 2, (10f - 6b) / 2, (7f - 6b) / 2",
        "7:",
        "strh r9, [r5], #2",
        "b 13f",
        "10:",
        "strh r9, [r4, #-2]!",
        "b 13f",
        "11:",
        "strh r9, [r2], #2",
        "b 13f",
        "12:",
        "strh r9, [r6, #-2]!",
        "13:",
        "adds r9, #1",
        "lsrs r8, r8, #8",
        "bne 5b",
        "b 3b",
        "9:", // the pixels behind the last word, as one
        "cmp r11, #0",
        "beq 15f",
        "movs r8, #0",
        "14:",
        "subs r11, #1",
        "ldrb r10, [r0, r11]",
        "orr r8, r10, r8, lsl #8",
        "bne 14b",
        "adds r0, #4",
        "mov r1, r0",
        "b 4b",
        "15:",
        // Bytes from the start of the room: 4 from the middle, 3 to the middle, 2 from the start, 1 to the end.
        "subs r7, r3",
        "subs r5, r3",
        "subs r4, r3",
        "subs r2, r3",
        "subs r6, r3",
        "sub r12, r3",
        // Twice the sum: level · (end − start).
        "sub r0, r12, r6",
        "add r0, r0, r2, lsl #1",
        "add r0, r0, r5, lsl #2",
        "subs r0, r7",
        "subs r0, r4",
        "sub r0, r0, r4, lsl #1",
        "lsrs r0, r0, #1",
        "pop {{r8}}",
        "strd r7, r5, [r8]",
        "strd r4, r7, [r8, #8]",
        "strd r11, r2, [r8, #16]",
        "strd r6, r12, [r8, #24]",
        "pop {{r4-r11, pc}}",
    )
}

/// Adds `level · weight` of every inked pixel to the sums of a tile's units, modulo 2³².
///
/// The tile has a row an input, and there are as many sums as a tile has units.
#[inline(always)] // two comparisons and a call
pub(super) fn add_rows(bits: Bits, levels: &LevelLists<'_>, tile: &[Row], sums: &mut [u32]) {
    // Not only in tests: the assembly relies on it.
    if tile.len() != levels.inputs() || sums.len() != bits.units() {
        return;
    }
    let add = match bits {
        Bits::Eight => add_bytes,
        Bits::Four => add_nibbles,
    };
    let (bounds, room) = levels.parts();
    // SAFETY: there are as many rows as inputs, and 16 or 32 sums; the lists are within their room, and an index in
    // them is less than the number of inputs. The functions follow the C calling convention.
    unsafe { add(tile.as_ptr(), bounds, sums.as_mut_ptr(), room.as_ptr()) }
}

/// Adds `activation · row` for every unit of a tile to the outputs; the sums are overwritten. `weights` starts with the rows
/// of the tile, each of as many bytes as there are outputs; units without a row are left out.
pub(super) fn add_outputs(sums: &mut [u32], shift: u8, weights: &[u8], outputs: &mut [i32]) {
    let rows = weights.chunks_exact(outputs.len().max(1)).len();
    let units = sums.len().min(rows);
    // SAFETY: there are `units` sums, `units` rows of as many weights as there are outputs.
    unsafe {
        read_out(sums.as_mut_ptr(), weights.as_ptr(), units, shift.into(), outputs.as_mut_ptr(), outputs.len());
    }
}

/// A function that adds `4 · row`, `3 · row`, … for the rows in the first list, the second, … to the sums of a tile.
///
/// r0–r3: a row; r4–r11: eight accumulators; r12: the next index; lr: the tile.
/// Stack: 0 sums, 4 bounds of the next list, 8 level, 12 end of the batch, 16 end of the list, 20 tile, 24 room.
macro_rules! add_levels {
    (
        $(#[$doc:meta])* $name:ident,
        macros: [$($macro:literal),*],
        // Rows that may be added before a lane overflows, in bytes of their indices.
        batch: $batch:literal,
        // Adds a row, and its bytes of code with the six that load it, by bytes of an index.
        row: [$($row:literal),*], code: $code:literal,
        // Adds the accumulators, times the level (r1), to the sums (r0).
        empty: [$($empty:literal),*],
        purge: [$($purge:literal),*]
    ) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// `tile` has a row for every index in the lists, which are in `room`; `sums` points to the units of a tile.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(tile: *const Row, bounds: &Bounds, sums: *mut u32, room: *const u16) {
            naked_asm!(
                $($macro,)*
                "push {{r4-r11, lr}}",
                "sub sp, sp, #28",
                "mov lr, r0",
                "strd r0, r3, [sp, #20]",
                "movs r3, #4",
                "strd r2, r1, [sp]",
                "str r3, [sp, #8]",
                "1:", // a level
                "ldr r3, [sp, #4]",
                "ldr r0, [sp, #24]",
                "ldm r3!, {{r1, r2}}",
                "str r3, [sp, #4]",
                "add r1, r0",
                "add r2, r0",
                "str r2, [sp, #16]",
                "mov r12, r1",
                "cmp r12, r2",
                "beq 4f",
                "2:", // a batch
                concat!("add r1, r12, #", $batch),
                "cmp r1, r2",
                "it hi",
                "movhi r1, r2",
                "str r1, [sp, #12]",
                // Four rows a turn. The first turn leaves out as many as the batch is short of a multiple of four.
                "sub r1, r12, r1",
                "and r1, r1, #6",
                concat!("movs r2, #", $code),
                "adr r3, 3f",
                "mla r1, r1, r2, r3",
                "movs r4, #0",
                "movs r5, #0",
                "movs r6, #0",
                "movs r7, #0",
                "mov r8, r4",
                "mov r9, r4",
                "mov r10, r4",
                "mov r11, r4",
                "mov pc, r1",
                ".p2align 2",
                "3:",
                ".rept 4",
                "ldrh.w r0, [r12], #2",
                "add.w r0, lr, r0, lsl #4",
                "ldm.n r0, {{r0-r3}}",
                $($row,)*
                ".endr",
                "ldr r0, [sp, #12]",
                "cmp r12, r0",
                "bne 3b",
                "ldr r0, [sp]",
                "ldr r1, [sp, #8]",
                $($empty,)*
                "ldr lr, [sp, #20]",
                "ldrd r12, r2, [sp, #12]",
                "cmp r12, r2",
                "bne 2b",
                "4:",
                "ldr r3, [sp, #8]",
                "subs r3, #1",
                "str r3, [sp, #8]",
                "bne 1b",
                "add sp, sp, #28",
                "pop {{r4-r11, pc}}",
                $($purge,)*
            )
        }
    };
}

add_levels! {
    /// For a tile of bytes. r4–r7: the lanes of a row's even units, r8–r11: of the odd ones.
    add_bytes,
    macros: [
        // The three DSP instructions by their encodings: an assembler for Armv8-M refuses their names, and `.arch` would hold
        // for all assembly that the linker puts behind this.
        ".macro twolayer_uxtab16 acc, word, rotation", // uxtab16 acc, acc, word, ror #(8 * rotation)
        ".inst.w 0xFA30F080 + (\\acc << 16) + (\\acc << 8) + (\\rotation << 4) + \\word",
        ".endm",
        ".macro twolayer_smla sum, lanes, top", // smla<b|t>b sum, lanes, r1, sum
        ".inst.w 0xFB100001 + (\\lanes << 16) + (\\sum << 12) + (\\sum << 8) + (\\top << 5)",
        ".endm",
        // Adds level (r1) times the lanes of one word to four sums (r0).
        ".macro twolayer_empty even, odd",
        "ldm r0, {{r2, r3, r12, lr}}",
        "twolayer_smla 2, \\even, 0",
        "twolayer_smla 3, \\odd, 0",
        "twolayer_smla 12, \\even, 1",
        "twolayer_smla 14, \\odd, 1",
        "stm r0!, {{r2, r3, r12, lr}}",
        ".endm"
    ],
    batch: "256", // 128 rows
    row: [
        "twolayer_uxtab16 4, 0, 0",
        "twolayer_uxtab16 8, 0, 1",
        "twolayer_uxtab16 5, 1, 0",
        "twolayer_uxtab16 9, 1, 1",
        "twolayer_uxtab16 6, 2, 0",
        "twolayer_uxtab16 10, 2, 1",
        "twolayer_uxtab16 7, 3, 0",
        "twolayer_uxtab16 11, 3, 1"
    ],
    code: "21",
    empty: ["twolayer_empty 4, 8", "twolayer_empty 5, 9", "twolayer_empty 6, 10", "twolayer_empty 7, 11"],
    purge: [".purgem twolayer_empty", ".purgem twolayer_smla", ".purgem twolayer_uxtab16"]
}

add_levels! {
    /// For a tile of half-bytes. r4–r7: sums of the rows' words turned right by four bits; r8–r11: of the low half-bytes, in
    /// byte lanes.
    add_nibbles,
    macros: [
        // Adds level (r1) times the byte lanes of one word to eight sums (r0).
        // With E the lanes of the low halves and O those of the high: turned = O + (E turned right by 8) · 16, modulo 2³².
        ".macro twolayer_empty turned, low",
        "ror r2, \\low, #8",
        "sub \\turned, \\turned, r2, lsl #4",
        "mov lr, #4",
        "6:", // a byte
        "ldrd r3, r12, [r0]",
        "uxtb r2, \\low",
        "mla r3, r2, r1, r3",
        "uxtb r2, \\turned",
        "mla r12, r2, r1, r12",
        "strd r3, r12, [r0], #8",
        "ror \\low, \\low, #8",
        "ror \\turned, \\turned, #8",
        "subs lr, #1",
        "bne 6b",
        ".endm",
        ".macro twolayer_add turned, low, word",
        "add.w \\turned, \\turned, \\word, ror #4",
        "and.w \\word, \\word, #0x0F0F0F0F",
        "add.n \\low, \\word",
        ".endm"
    ],
    batch: "32", // 16 rows
    row: ["twolayer_add r4, r8, r0", "twolayer_add r5, r9, r1", "twolayer_add r6, r10, r2", "twolayer_add r7, r11, r3"],
    code: "25",
    empty: ["twolayer_empty r4, r8", "twolayer_empty r5, r9", "twolayer_empty r6, r10", "twolayer_empty r7, r11"],
    purge: [".purgem twolayer_empty", ".purgem twolayer_add"]
}

/// Rounds the sums of a tile and adds the rows of its active units, times their activations, to the outputs.
///
/// # Safety
/// There are `units` sums, `units` rows of `width` weights, `width` outputs.
#[unsafe(naked)]
unsafe extern "C" fn read_out(
    sums: *mut u32,
    weights: *const u8,
    units: usize,
    shift: u32,
    outputs: *mut i32,
    width: usize,
) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldrd r11, r12, [sp, #36]",
        // Active units: (start of the row << 8) | activation, over the sums.
        // r0 sum, r2 end of the sums, r3 shift, r4 next entry, r5 start of the row << 8, r12 width.
        "mov r4, r0",
        "add r2, r0, r2, lsl #2",
        "movs r5, #0",
        "push {{r0}}",
        "b 2f",
        "1:",
        "ldr r6, [r0], #4",
        "asrs r6, r3",
        "usat r6, #8, r6",
        "cbz r6, 3f",
        "orr r6, r5",
        "str r6, [r4], #4",
        "3:",
        "add r5, r5, r12, lsl #8",
        "2:",
        "cmp r0, r2",
        "bne 1b",
        "pop {{r10}}",
        "cmp r10, r4",
        "beq 9f", // no unit is active
        // r1 weights of the first unit, r4 end of the entries, r10 entries, r11 output, r12 outputs to do.
        "4:", // five outputs
        "subs r12, #5",
        "blo 6f",
        "mov r0, r10",
        "ldm r11, {{r5-r9}}",
        "5:",
        "ldr r2, [r0], #4",
        "add lr, r1, r2, lsr #8",
        "uxtb r2, r2",
        "ldrsb r3, [lr]",
        "mla r5, r2, r3, r5",
        "ldrsb r3, [lr, #1]",
        "mla r6, r2, r3, r6",
        "ldrsb r3, [lr, #2]",
        "mla r7, r2, r3, r7",
        "ldrsb r3, [lr, #3]",
        "mla r8, r2, r3, r8",
        "ldrsb r3, [lr, #4]",
        "mla r9, r2, r3, r9",
        "cmp r0, r4",
        "bne 5b",
        "stm r11!, {{r5-r9}}",
        "adds r1, #5",
        "b 4b",
        "6:",
        "add r12, #5",
        "7:", // one output
        "subs r12, #1",
        "blo 9f",
        "mov r0, r10",
        "ldr r5, [r11]",
        "8:",
        "ldr r2, [r0], #4",
        "uxtb r6, r2",
        "lsrs r2, r2, #8",
        "ldrsb r3, [r1, r2]",
        "mla r5, r6, r3, r5",
        "cmp r0, r4",
        "bne 8b",
        "str r5, [r11], #4",
        "adds r1, #1",
        "b 7b",
        "9:",
        "pop {{r4-r11, pc}}",
    )
}
