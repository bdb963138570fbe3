//! The emulated boards: start-up, semihosting, an instruction counter, the painted stack.

use core::arch::{asm, global_asm};

unsafe extern "C" {
    static __input: u8;
    static __input_end: u8;
}

/// The flash behind the code, where the emulator's loader puts the input.
#[must_use]
pub fn input() -> &'static [u8] {
    let start = &raw const __input;
    let len = (&raw const __input_end).addr() - start.addr();
    // SAFETY: the linker script puts the two symbols around memory that nothing writes to.
    unsafe { core::slice::from_raw_parts(start, len) }
}

#[cfg(target_arch = "arm")]
global_asm!(
    ".section .vectors, \"a\"",
    ".word __stack_top",
    ".word start + 1",
    ".rept 14",
    ".word fault + 1",
    ".endr",
    ".section .text.fault, \"ax\"",
    ".thumb_func",
    "fault:",
    "movs r0, #3",
    "bl exit",
);

// The FPU first: the compiler may use its registers in any prologue.
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
global_asm!(
    ".section .start, \"ax\"",
    ".global start",
    ".thumb_func",
    "start:",
    "ldr r0, =0xE000ED88",
    "ldr r1, [r0]",
    "orr r1, r1, #0xF00000",
    "str r1, [r0]",
    "dsb",
    "isb",
    "b prepare",
    ".ltorg",
);
#[cfg(all(target_arch = "arm", not(target_abi = "eabihf")))]
global_asm!(
    ".section .start, \"ax\"",
    ".global start",
    ".thumb_func",
    "start:",
    "bl prepare"
);

#[cfg(target_arch = "riscv32")]
global_asm!(
    ".section .vectors, \"ax\"",
    ".global start",
    "start:",
    "la sp, __stack_top",
    "la t0, fault",
    "csrw mtvec, t0",
    "csrw mcountinhibit, zero",
    "j prepare",
    ".balign 4",
    "fault:",
    "li a0, 3",
    "j exit",
);

unsafe extern "C" {
    static mut __bss_start: u32;
    static mut __bss_end: u32;
    static __stack_bottom: u32;
}

unsafe extern "Rust" {
    safe fn twolayer_main(memory: &'static mut [u32]) -> u32;
}

/// Zeroes the static variables (there are none with another start), and hands the memory between them and the stack to
/// the image's function.
#[unsafe(no_mangle)]
extern "C" fn prepare() -> ! {
    let end = &raw mut __bss_end;
    let mut word = &raw mut __bss_start;
    while word < end {
        // SAFETY: between the two symbols lie the zeroed variables, which nothing has used yet.
        unsafe {
            word.write_volatile(0);
            word = word.add(1);
        }
    }
    start_ticks();
    let words = ((&raw const __stack_bottom).addr() - end.addr()) / size_of::<u32>();
    // SAFETY: memory that nothing else uses; this function runs once.
    let memory = unsafe { core::slice::from_raw_parts_mut(end, words) };
    exit(twolayer_main(memory) as usize)
}

/// Words as numbers.
#[must_use]
pub fn numbers(words: &mut [u32]) -> &mut [f32] {
    // SAFETY: the same size and alignment, and every word is a number.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
}

/// Address of the board's CMSDK timer 0, which the an547 does not have.
#[cfg(all(target_arch = "arm", not(an547)))]
const TIMER: usize = if cfg!(an505) { 0x5000_0000 } else { 0x4000_0000 };

#[cfg(all(target_arch = "arm", not(an547)))]
fn start_ticks() {
    for (offset, value) in [(8, u32::MAX), (4, u32::MAX), (0, 1)] {
        // SAFETY: reload, value and control register of the timer.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(TIMER + offset).write_volatile(value) }
    }
}

#[cfg(any(target_arch = "riscv32", an547))]
fn start_ticks() {}

/// With `-icount shift=7`, 3.2 ticks an instruction (an505: 2.56).
#[cfg(all(target_arch = "arm", not(an547)))]
#[must_use]
pub fn ticks() -> u32 {
    // SAFETY: the value register of the timer, which counts down.
    !unsafe { core::ptr::with_exposed_provenance::<u32>(TIMER + 4).read_volatile() }
}

/// None: `figures` counts in a trace.
#[cfg(an547)]
#[must_use]
pub fn ticks() -> u32 {
    0
}

/// Instructions retired.
#[cfg(target_arch = "riscv32")]
#[must_use]
pub fn ticks() -> u32 {
    let count;
    // SAFETY: reads a counter.
    unsafe { asm!("csrr {}, minstret", out(reg) count) }
    count
}

/// Bytes below the stack pointer that are painted.
const PAINTED: usize = 4096;
const PAINT: u8 = 0xA5;

/// Paints the unused stack; gives the lowest painted address.
#[inline(always)]
#[must_use]
pub fn paint() -> usize {
    let bottom = stack_pointer() - PAINTED;
    for address in bottom..bottom + PAINTED {
        // SAFETY: below the stack pointer, far above the variables; no interrupt is enabled.
        unsafe { core::ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(PAINT) }
    }
    bottom
}

/// Bytes of the painted stack from the first that was overwritten to the stack pointer.
#[inline(always)]
#[must_use]
pub fn painted_depth(bottom: usize) -> usize {
    let intact = (bottom..bottom + PAINTED)
        // SAFETY: as in `paint`.
        .take_while(|&address| unsafe { core::ptr::with_exposed_provenance::<u8>(address).read_volatile() } == PAINT);
    PAINTED - intact.count()
}

#[inline(always)]
fn stack_pointer() -> usize {
    let sp;
    // SAFETY: copies a register.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("mov {}, sp", out(reg) sp);
        #[cfg(target_arch = "riscv32")]
        asm!("mv {}, sp", out(reg) sp);
    }
    sp
}

/// Asks the debugger, here QEMU, for a service.
fn semihost(operation: usize, argument: usize) {
    // SAFETY: the two operations used read memory that `argument` points to, and change no other.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("bkpt 0xAB", inlateout("r0") operation => _, in("r1") argument);
        #[cfg(target_arch = "riscv32")]
        asm!(
            ".balign 16", // the three must not be torn apart by a page
            ".option push", ".option norvc",
            "slli x0, x0, 0x1f", "ebreak", "srai x0, x0, 7",
            ".option pop",
            inlateout("a0") operation => _, in("a1") argument,
        );
    }
}

/// Ends the emulation.
#[unsafe(no_mangle)]
pub extern "C" fn exit(code: usize) -> ! {
    const SYS_EXIT_EXTENDED: usize = 0x20;
    const APPLICATION_EXIT: usize = 0x20026;
    let block = [APPLICATION_EXIT, code];
    loop {
        semihost(SYS_EXIT_EXTENDED, (&raw const block).expose_provenance());
    }
}

/// A line of text to print.
#[derive(Debug)]
pub struct Line {
    bytes: [u8; 512],
    len: usize,
}

impl core::fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.text(text);
        Ok(())
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl Line {
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: [0; 512],
            len: 0,
        }
    }

    /// Appends text; what there is no room for is left out, and room for the end is kept.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for byte in text.bytes() {
            self.push(byte);
        }
        self
    }

    /// Appends a space and a number in hexadecimal.
    pub fn field(&mut self, number: u32) -> &mut Self {
        self.push(b' ');
        for shift in (0..32).step_by(4).rev() {
            let digit = (number >> shift & 15) as u8;
            self.push(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit });
        }
        self
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(..510).and_then(|bytes| bytes.get_mut(self.len)) {
            *place = byte;
            self.len += 1;
        }
    }

    /// Prints the line.
    pub fn print(&mut self) {
        const SYS_WRITE0: usize = 4;
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = b'\n';
        }
        semihost(SYS_WRITE0, self.bytes.as_ptr().expose_provenance());
    }
}
