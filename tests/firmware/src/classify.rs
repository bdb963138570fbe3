//! The program that classifies images with an integer model: the same for networks without biases and for those that may
//! have them.
//!
//! Prints one line an image, in hexadecimal: `image <number> class <class> ticks <ticks> stack <bytes> outputs <output>…`,
//! before them `opened scratch <bytes> ticks <ticks> stack <bytes>`, or `refused <status>` with a number of
//! `include/twolayer.h`. A tick is an instruction on RISC-V; on Arm see [`board::ticks`](crate::board::ticks).

/// The program: whether the networks may have biases, and the method of `Model` that opens them.
#[macro_export]
macro_rules! classify {
    ($biases:literal, $open:ident) => {
        use twolayer::ffi::Status;
        use twolayer::{Answer, Model, ModelError, QuantizedNetwork, SizeError};
        use $crate::{Input, Line, board, measure};

        $crate::main!(run);

        fn run(memory: &'static mut [u32]) -> u32 {
            let Some(input) = Input::read(board::input()) else {
                return 4;
            };
            let empty = measure(|| ()).1;
            let bottom = board::paint();
            let (network, ticks) = measure(|| inference_open(input.model));
            let stack = board::painted_depth(bottom);
            let network = match network {
                Ok(network) => network,
                Err(error) => {
                    Line::new()
                        .text("refused")
                        .field(Status::from(error) as u32)
                        .print();
                    return 1;
                }
            };
            let Some(scratch) = memory.get_mut(..QuantizedNetwork::scratch_len(network.shape())) else {
                return 5;
            };
            let mut line = Line::new();
            line.text("opened scratch").field(size_of_val(scratch) as u32);
            line.text(" ticks")
                .field(ticks.wrapping_sub(empty))
                .text(" stack")
                .field(stack as u32)
                .print();
            for (number, pixels) in input.images.chunks_exact(input.pixels.max(1)).enumerate() {
                if one(&network, number, pixels, scratch, empty).is_none() {
                    return 6;
                }
            }
            0
        }

        fn one(
            network: &QuantizedNetwork<'_, $biases>,
            number: usize,
            pixels: &[u8],
            scratch: &mut [u32],
            empty: u32,
        ) -> Option<()> {
            let bottom = board::paint();
            let (answer, ticks) = measure(|| inference_classify(network, pixels, scratch));
            let stack = board::painted_depth(bottom);
            let (class, outputs) = answer.ok()?;
            let mut line = Line::new();
            line.text("image")
                .field(number as u32)
                .text(" class")
                .field(class.into());
            line.text(" ticks")
                .field(ticks.wrapping_sub(empty))
                .text(" stack")
                .field(stack as u32)
                .text(" outputs");
            for &output in outputs {
                line.field(output.cast_unsigned());
            }
            line.print();
            Some(())
        }

        // The inference, apart from what prints: the test counts these two and what they need.

        #[inline(never)]
        fn inference_open(model: &[u8]) -> Result<QuantizedNetwork<'_, $biases>, ModelError> {
            Model::from_bytes(model)?.$open()
        }

        #[inline(never)]
        fn inference_classify<'s>(
            network: &QuantizedNetwork<'_, $biases>,
            pixels: &[u8],
            scratch: &'s mut [u32],
        ) -> Result<(u8, &'s [i32]), SizeError> {
            let outputs = network.outputs(pixels, scratch)?;
            Ok((Answer::of(outputs).class, outputs))
        }
    };
}
