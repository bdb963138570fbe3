//! What digit is in a picture? A model and a picture, in a file of any format that is read, give an answer:
//! `cargo run --release --example classify -- mnist.twolayer picture.jpg`.

use core::error::Error;
use twolayer::host::{FileAccess, GreyPicture, ModelFile};
use twolayer::picture::Ink;
use twolayer::{Answer, Backend, Network};

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    let [model, picture] = &paths[..] else { return Err("usage: classify MODEL PICTURE".into()) };

    // The weights are checked and copied, so that the file may change afterwards.
    let weights = ModelFile::open(model.as_ref(), FileAccess::Map)?.weights()?;
    let network = Network::new(weights.view(), Backend::detect());

    // Dark ink or light, anywhere in the picture, becomes what the network was trained on: 28 × 28 pixels of MNIST.
    let side = u32::try_from(network.shape().pixels().isqrt())?;
    let (input, seen) = GreyPicture::open(picture)?.normalize(Ink::Auto, side)?;

    // All memory is the caller's. The smaller the margin, the likelier is a mistake.
    let mut scratch = vec![0.0; Network::scratch_len(network.shape())];
    let Answer { class, margin } = Answer::of(network.outputs(&input, &mut scratch)?);
    println!("{class}, margin {margin:.3}, in {} × {} pixels of {:?} ink", seen.width, seen.height, seen.ink);
    Ok(())
}
