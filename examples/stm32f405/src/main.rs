//! Firmware for an STM32F405: images of digits come in over USART1, answers go out.
//!
//! Pins PA9 (transmit) and PA10 (receive), 115 200 baud, 8 bits, no parity. The chip runs as it starts, from its internal
//! oscillator of 16 MHz.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use twolayer_board::{Board, Memory, NoFlash, Register, serve};

/// Hertz of the processor and of all buses, as the chip starts.
const CLOCK: u32 = 16_000_000;
const BAUD: u32 = 115_200;

const fn register(address: usize) -> Register {
    #[expect(unsafe_code, reason = "the chip's registers")]
    // SAFETY: the addresses below are those of registers (RM0090 for the STM32F405, Armv7-M for SysTick) that do not touch memory.
    unsafe {
        Register::at(address)
    }
}

const RCC_AHB1ENR: Register = register(0x4002_3830);
const RCC_APB2ENR: Register = register(0x4002_3844);
const GPIOA_MODER: Register = register(0x4002_0000);
const GPIOA_AFRH: Register = register(0x4002_0024);
const USART1_SR: Register = register(0x4001_1000);
const USART1_DR: Register = register(0x4001_1004);
const USART1_BRR: Register = register(0x4001_1008);
const USART1_CR1: Register = register(0x4001_100C);
const SYST_CSR: Register = register(0xE000_E010);
const SYST_RVR: Register = register(0xE000_E014);
const SYST_CVR: Register = register(0xE000_E018);

struct Stm32f405;

impl Stm32f405 {
    fn start() -> Self {
        RCC_AHB1ENR.set(1, 1); // clocks of GPIO A,
        RCC_APB2ENR.set(1 << 4, 1 << 4); // and of USART1
        GPIOA_MODER.set(0xF << 18, 0xA << 18); // pins 9 and 10 have an alternate function,
        GPIOA_AFRH.set(0xFF << 4, 0x77 << 4); // which is USART1
        USART1_BRR.write((CLOCK + BAUD / 2) / BAUD);
        USART1_CR1.write(1 << 13 | 1 << 3 | 1 << 2); // on, transmit, receive
        // SysTick counts the processor's cycles down, in 24 bits. (The DWT unit's counter has 32, but not in QEMU.)
        SYST_RVR.write(0x00FF_FFFF);
        SYST_CVR.write(0);
        SYST_CSR.write(1 << 2 | 1);
        Self
    }
}

impl Board for Stm32f405 {
    fn read(&mut self) -> u8 {
        while USART1_SR.read() & 1 << 5 == 0 {} // nothing received
        USART1_DR.read().to_le_bytes()[0]
    }

    fn write(&mut self, byte: u8) {
        while USART1_SR.read() & 1 << 7 == 0 {} // still sending
        USART1_DR.write(byte.into());
    }

    fn cycles(&mut self) -> u32 {
        !SYST_CVR.read()
    }
}

#[entry]
fn main() -> ! {
    static mut MEMORY: Memory = Memory::new();
    serve(&mut Stm32f405::start(), &mut NoFlash, MEMORY)
}

/// There is nothing that panics: no image of this firmware has this function's callers in it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
