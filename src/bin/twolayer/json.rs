//! What `--json` prints: the help of each command says it in words; here are the parts that several lines share. A command's own
//! lines are types beside its code.

use serde::{Serialize, Serializer};
use serde_json::json;
use std::borrow::Cow;
use twolayer::Shape;
use twolayer::host::Evaluation;

/// What `train --json` prints.
pub(crate) const TRAIN_HELP: &str = "\
JSON: one object per line, always with all of its keys; later versions may add keys
After each epoch (not with --quiet):
  event             \"epoch\"
  epoch             its number, from 1
  loss              the loss of the last sample, before its step
  mean_loss         the mean over all samples, each before its step
  correct, total    test images classified correctly, and all of them
  accuracy          their ratio, 0 to 1
  seconds           training time, without the test
  us_per_sample     microseconds per sample
At the end:
  event             \"trained\"
  model             the file written
  weights           the hash of the weights, 16 hexadecimal digits
  network, data     see below
  recipe            loss (\"squared\" or \"cross-entropy\"), epochs, samples (of an epoch), shuffle, halve,
                    distort (percent; 0 = off), alpha [first, last], init (\"scaled\", or the largest
                    initial weight), seed, block
  backend, threads  how it was computed, which does not change the result
  mean_loss, correct, total, accuracy, seconds, us_per_sample
                    as above, of the last epoch; the time is that of all epochs
  confusion         [label][class]: the number of test images with this label and predicted class
network has inputs, hidden, outputs, pixels (of an image), biases, halved
data has name (null for a directory), directory, inverted
Numbers that are not finite are null. To collect a sweep:
  for s in 1 2 3; do twolayer train --seed $s --model $s.twolayer --json -q; done > runs
  jq -r '[.recipe.seed, .accuracy, .weights] | @tsv' runs";

/// What `eval --json` prints.
pub(crate) const EVAL_HELP: &str = "\
JSON: one object on one line, always with all of these keys; later versions may add keys
  event             \"evaluated\"
  model             the model file
  kind              \"f32\", \"int8\" or \"int4\"
  network           inputs, hidden, outputs, pixels (of an image), biases, halved
  data              name (null for a directory), directory, inverted
  backend           how it was computed, which does not change the result
  correct, total    test images classified correctly, and all of them
  accuracy          their ratio, 0 to 1
  confusion         [label][class]: the number of test images with this label and predicted class
  coverage          accuracy of the most confident answers: share (of all, at least), margin (the
                    smallest), correct, total, accuracy
Numbers that are not finite are null.";

/// What `predict --json` prints.
pub(crate) const PREDICT_HELP: &str = "\
JSON: one object per line and picture, always with all of these keys
  file     the picture as given; null with --index
  index    the number of the image; null for a file
  label    the label of the image; null for a file
  class    the predicted class; null below --min-margin or on an error
  margin   the largest output less the second; null on an error
  outputs  all outputs by class; null on an error
  seen     what was found in the picture; null with --index or on an error:
           ink (\"dark\" or \"light\"), background, even, contrast, threshold, floor,
           box [left, top, width, height] in pixels of the picture
  error    what is wrong with the picture, or null
Numbers that are not finite are null.";

/// What `quantize --json` prints.
pub(crate) const QUANTIZE_HELP: &str = "\
JSON: one object per line, always with all of its keys; later versions may add keys
With --tune, after each epoch:
  event             \"epoch\"
  epoch             its number, from 1
  mean_loss         the mean loss over all samples
  seconds           the time since the start
At the end:
  event             \"quantized\"
  model, out        the file read and the file written
  kind              \"int8\" or \"int4\"
  bytes             the length of the file written
  crc32             of its weights, 8 hexadecimal digits
  network           inputs, hidden, outputs, pixels (of an image), biases, halved
  data              name (null for a directory), directory, inverted
  images            the number of training images for calibration
  tuning            the fine-tuning in words, or null
  backend           how it was computed, which does not change the result
  seconds           the time that it took
  agreed            test images that both networks classify alike
  total             all test images
  before, after     correct, total and accuracy (0 to 1) of each network
Numbers that are not finite are null.";

/// What `info --json` prints.
pub(crate) const INFO_HELP: &str = "\
JSON: one object on one line, always with all of these keys; later versions may add keys
  event             \"model\"
  model             the file
  bytes             its length
  kind              \"f32\", \"int8\" or \"int4\"
  network           inputs, hidden, outputs, pixels (of an image), biases, halved
  image             [width, height] of images if the file has them, or null
  text              the text in the file, or null
  weights           the hash of f32 weights, 16 hexadecimal digits, or null
  crc32             of the weights, 8 hexadecimal digits";

/// An object on one line.
pub(crate) fn line(object: impl Serialize) -> String {
    json!(object).to_string()
}

/// An f32 in its own shortest digits, not those of the f64 beside it; null if it is not finite.
#[derive(Clone, Copy)]
pub(crate) struct Number(pub(crate) f32);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_string().parse::<f64>().ok().serialize(serializer)
    }
}

/// The network's sizes.
#[derive(Serialize)]
pub(crate) struct Network {
    inputs: usize,
    hidden: usize,
    outputs: usize,
    pixels: usize,
    biases: bool,
    halved: bool,
}

impl From<Shape> for Network {
    fn from(shape: Shape) -> Self {
        Self {
            inputs: shape.inputs(),
            hidden: shape.hidden(),
            outputs: shape.outputs(),
            pixels: shape.pixels(),
            biases: shape.has_biases(),
            halved: shape.halved_image().is_some(),
        }
    }
}

/// Where the images come from.
#[derive(Serialize)]
pub(crate) struct Data<'a> {
    pub(crate) name: Option<&'static str>,
    pub(crate) directory: Cow<'a, str>,
    pub(crate) inverted: bool,
}

/// How many answers are right.
#[derive(Serialize)]
pub(crate) struct Right {
    correct: u32,
    total: u32,
    accuracy: f64,
}

impl From<&Evaluation> for Right {
    fn from(evaluation: &Evaluation) -> Self {
        Self { correct: evaluation.correct(), total: evaluation.total(), accuracy: evaluation.accuracy() }
    }
}

/// The counts of test images, by label and class.
pub(crate) fn confusion(evaluation: &Evaluation) -> Vec<Vec<u32>> {
    let classes = 0..evaluation.classes();
    let row = |label| classes.clone().map(|class| evaluation.count(label, class)).collect();
    classes.clone().map(row).collect()
}
