//! `twolayer quantize`: from an f32 model to an int8 or int4 one.

use crate::args::QuantizeOptions;
use crate::console::say;
use crate::data::{Data, Purpose};
use crate::model::{self, EXTENSION};
use crate::table;
use std::path::{Path, PathBuf};
use std::time::Instant;
use twolayer::host::{Comparison, Error, ModelFile, Quantized};
use twolayer::int8::Bits;
use twolayer::model::{HEADER_LEN, Kind};
use twolayer::{Backend, Network};

pub(crate) fn run(mut options: QuantizeOptions) -> Result<(), Error> {
    let model = model::chosen(options.model.as_ref(), &options.data, model::newest_f32)?;
    let file = ModelFile::open(&model, !options.data.no_mmap)?;
    let (kind, shape) = (file.kind(), file.shape());
    if kind != Kind::F32 {
        return Err(Error::Quantized { path: model, kind });
    }
    let bits = if options.bits == 4 { Bits::Four } else { Bits::Eight };
    let out = options.out.clone().unwrap_or_else(|| named(&model, bits));
    if same(&model, &out) {
        return Err(Error::Overwrite { path: out });
    }
    ModelFile::check_writable(&out)?;
    let weights = file.weights()?;
    options.data.data = options.data.data.or_else(|| model::named_after(&model));
    let data = Data::open(&options.data, Purpose::Network(shape), false)?;
    let (train, test) = (&data.dataset.train, &data.dataset.test);

    let images = options.images.min(train.len());
    say!("model     {}: {shape}, {kind}, {} bytes", model.display(), file.len());
    say!("data      {images} training and {} test images: {data}", test.len());
    let start = Instant::now();
    let quantized = Quantized::new(shape, &weights, bits, train, images)?;
    let time = start.elapsed();
    let backend = options.backend.unwrap_or_else(Backend::detect);
    let mut memory = Vec::new();
    let packed = quantized.packed(&mut memory, backend)?;
    let compared = Comparison::new(&Network::new(shape, &weights, backend)?, &packed, test)?;
    quantized.write(&out)?;

    // Not read from the file, which may be a pipe.
    let (kind, bytes) = (Kind::from(bits), HEADER_LEN + quantized.payload().len());
    say!("written   {}: {kind}, {bytes} bytes, after {:.1} s", out.display(), time.as_secs_f64());
    let agreed = 100.0 * table::float(compared.agreed) / table::float(test.len());
    say!("agreement {agreed:.2} % of {} test images have the same class", test.len());
    say!(
        "accuracy  {} before, {} after: {:+.2} points{}",
        table::percent(&compared.before),
        table::percent(&compared.after),
        compared.points(),
        data.mark()
    );
    Ok(())
}

/// Where to, if nothing else is said: `mnist.int8.twolayer` beside `mnist.twolayer`.
fn named(model: &Path, bits: Bits) -> PathBuf {
    model.with_extension(format!("{}.{EXTENSION}", Kind::from(bits)))
}

fn same(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
