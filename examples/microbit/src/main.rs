//! Firmware for the first micro:bit, an nRF51822: images of digits come in over its UART, answers go out; so may a model, which is
//! kept in a part of flash of its own.
//!
//! Pins P0.24 (transmit) and P0.25 (receive), which the board connects to its USB port; 115 200 baud, 8 bits, no parity.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use twolayer_board::{Board, Flash, Memory, Register, serve};

const TRANSMIT: u32 = 24;
const RECEIVE: u32 = 25;

const fn register(address: usize) -> Register {
    #[expect(unsafe_code, reason = "the chip's registers")]
    // SAFETY: the addresses below are those of registers (nRF51 Series Reference Manual) that do not touch memory.
    unsafe {
        Register::at(address)
    }
}

const CLOCK_TASKS_HFCLKSTART: Register = register(0x4000_0000);
const CLOCK_EVENTS_HFCLKSTARTED: Register = register(0x4000_0100);
const UART_TASKS_STARTRX: Register = register(0x4000_2000);
const UART_TASKS_STARTTX: Register = register(0x4000_2008);
const UART_EVENTS_RXDRDY: Register = register(0x4000_2108);
const UART_EVENTS_TXDRDY: Register = register(0x4000_211C);
const UART_ENABLE: Register = register(0x4000_2500);
const UART_PSELTXD: Register = register(0x4000_250C);
const UART_PSELRXD: Register = register(0x4000_2514);
const UART_RXD: Register = register(0x4000_2518);
const UART_TXD: Register = register(0x4000_251C);
const UART_BAUDRATE: Register = register(0x4000_2524);
const TIMER0_TASKS_START: Register = register(0x4000_8000);
const TIMER0_TASKS_CAPTURE0: Register = register(0x4000_8040);
const TIMER0_BITMODE: Register = register(0x4000_8508);
const TIMER0_PRESCALER: Register = register(0x4000_8510);
const TIMER0_CC0: Register = register(0x4000_8540);
const GPIO_OUTSET: Register = register(0x5000_0508);
const GPIO_DIRSET: Register = register(0x5000_0518);
const GPIO_PIN_CNF: Register = register(0x5000_0700 + 4 * RECEIVE as usize);

const NVMC_READY: Register = register(0x4001_E400);
const NVMC_CONFIG: Register = register(0x4001_E504);
const NVMC_ERASEPAGE: Register = register(0x4001_E508);

struct Microbit;

impl Microbit {
    fn start() -> Self {
        // The crystal: the internal oscillator is not exact enough for the line.
        CLOCK_TASKS_HFCLKSTART.write(1);
        while CLOCK_EVENTS_HFCLKSTARTED.read() == 0 {}
        GPIO_OUTSET.write(1 << TRANSMIT);
        GPIO_DIRSET.write(1 << TRANSMIT);
        GPIO_PIN_CNF.write(0); // an input; at reset it is cut off
        UART_PSELTXD.write(TRANSMIT);
        UART_PSELRXD.write(RECEIVE);
        UART_BAUDRATE.write(0x01D7_E000); // 115 200
        UART_ENABLE.write(4);
        UART_TASKS_STARTRX.write(1);
        UART_TASKS_STARTTX.write(1);
        // This Cortex-M0 has no SysTick; the timer counts at 16 MHz, as the processor does.
        TIMER0_BITMODE.write(3); // 32 bits
        TIMER0_PRESCALER.write(0);
        TIMER0_TASKS_START.write(1);
        Self
    }
}

impl Board for Microbit {
    fn read(&mut self) -> u8 {
        while UART_EVENTS_RXDRDY.read() == 0 {}
        UART_EVENTS_RXDRDY.write(0);
        UART_RXD.read().to_le_bytes()[0]
    }

    fn write(&mut self, byte: u8) {
        UART_EVENTS_TXDRDY.write(0);
        UART_TXD.write(byte.into());
        while UART_EVENTS_TXDRDY.read() == 0 {}
    }

    fn cycles(&mut self) -> u32 {
        TIMER0_TASKS_CAPTURE0.write(1);
        TIMER0_CC0.read()
    }
}

/// The part of flash that `memory.x` keeps for a model.
struct ModelFlash;

#[expect(unsafe_code, reason = "symbols of the linker's script")]
unsafe extern "C" {
    static _model_start: u8;
    static _model_end: u8;
}

/// Bytes that are erased together.
const PAGE: usize = 1024;
const TOO_LONG: &str = "longer than the part of flash for a model, or no multiple of 4";

impl ModelFlash {
    fn start() -> usize {
        (&raw const _model_start).addr()
    }

    fn len() -> usize {
        (&raw const _model_end).addr() - Self::start()
    }

    /// Lets flash be written (1) or erased (2) for a while.
    fn with(mode: u32, write: impl FnOnce()) {
        NVMC_CONFIG.write(mode);
        write();
        while NVMC_READY.read() == 0 {}
        NVMC_CONFIG.write(0);
    }
}

impl Flash for ModelFlash {
    const EXISTS: bool = true;

    fn bytes(&self) -> &[u8] {
        #[expect(unsafe_code, reason = "flash is memory that the linker does not know")]
        // SAFETY: nothing else is in this part of flash, and it is written through `&mut self` only.
        unsafe {
            core::slice::from_raw_parts(&raw const _model_start, Self::len())
        }
    }

    fn erase(&mut self, len: usize) -> Result<(), &'static str> {
        if len > Self::len() {
            return Err(TOO_LONG);
        }
        for page in (0..len).step_by(PAGE) {
            let address = u32::try_from(Self::start() + page).unwrap_or_default();
            Self::with(2, || NVMC_ERASEPAGE.write(address));
        }
        Ok(())
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), &'static str> {
        let (words, rest) = bytes.as_chunks();
        if !offset.is_multiple_of(4) || !rest.is_empty() || offset > Self::len() || bytes.len() > Self::len() - offset {
            return Err(TOO_LONG);
        }
        for (address, &word) in (Self::start() + offset..).step_by(4).zip(words) {
            Self::with(1, || register(address).write(u32::from_le_bytes(word)));
        }
        Ok(())
    }
}

#[entry]
fn main() -> ! {
    static mut MEMORY: Memory = Memory::new();
    serve(&mut Microbit::start(), &mut ModelFlash, MEMORY)
}

/// There is nothing that panics: no image of this firmware has this function's callers in it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
