//! What the processor counts of a training step, on Linux where it lets programs see its counters; many virtual machines do not.

use crate::Anything;
use crate::samples::Samples;
use crate::table::Table;
use crate::{BLOCK, SHAPE, memory, options};
use twolayer::{Backend, Trainer};

/// One line: cycles, instructions and cache misses of a sample, or why there are none.
pub(crate) fn print(table: &mut Table, samples: &Samples) -> Result<(), Anything> {
    let backend = Backend::detect();
    let (mut weights, mut scratch) = memory(SHAPE, BLOCK)?;
    let mut trainer = Trainer::new(weights.view_mut(), &mut scratch, options(backend, BLOCK))?;
    let (images, labels) = samples.chunks(16 * BLOCK).next().unwrap_or((&[], &[]));
    // The first time brings weights and scratch into the caches.
    trainer.train(images, labels)?;
    let counted = count(&mut || Ok(trainer.train(images, labels).map(|_| ())?));
    table.remark(&match counted {
        Ok([cycles, instructions, misses]) => {
            let each = |count: u64| count as f64 / labels.len() as f64;
            format!(
                "a step on {backend}, by the processor's counters: {:.0} cycles, {:.0} instructions, {:.1} misses of the last cache",
                each(cycles),
                each(instructions),
                each(misses)
            )
        }
        Err(error) => format!("cycles and cache misses: the processor's counters are not to be had here ({error})"),
    });
    Ok(())
}

/// Cycles, instructions and misses of the last cache while this thread works.
#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "x86_64")))]
fn count(work: &mut dyn FnMut() -> Result<(), Anything>) -> Result<[u64; 3], Anything> {
    use perf_event::events::Hardware;
    use perf_event::{Builder, Group};

    let mut group = Group::new()?;
    let cycles = group.add(&Builder::new(Hardware::CPU_CYCLES))?;
    let instructions = group.add(&Builder::new(Hardware::INSTRUCTIONS))?;
    let misses = group.add(&Builder::new(Hardware::CACHE_MISSES))?;
    group.enable()?;
    let done = work();
    group.disable()?;
    done?;
    let counts = group.read()?;
    Ok([counts[&cycles], counts[&instructions], counts[&misses]])
}

#[cfg(not(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "x86_64"))))]
fn count(_work: &mut dyn FnMut() -> Result<(), Anything>) -> Result<[u64; 3], Anything> {
    Err("counted on Linux only, on 64-bit Arm, RISC-V and x86".into())
}
