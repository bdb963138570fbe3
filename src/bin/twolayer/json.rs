//! The lines that `--json` prints: what the help of each command says of them, and the parts that several have. Those of
//! `predict` are its own.

use crate::open_data::Data;
use crate::table;
use serde_json::{Value, json};
use twolayer::host::training::{Epoch, Init, Recipe};
use twolayer::host::{Coverage, Evaluation};
use twolayer::{Kind, LossFunction, Shape};

/// What `train --json` prints.
pub(crate) const TRAIN_HELP: &str = "\
JSON: one object per line, always with all of its keys; later versions may add keys
After each epoch (not with --quiet):
  event             \"epoch\"
  epoch             its number, from 1
  loss              the loss of the last sample, before its step
  mean_loss         the mean over all samples, each before its step
  correct, total    test images answered right, and all
  accuracy          their ratio, 0 to 1
  seconds           training time, without the test
  us_per_sample     microseconds a sample
At the end:
  event             \"trained\"
  model             the file written
  weights           the hash of the weights, 16 hexadecimal digits
  network, data     see below
  recipe            name-value pairs: loss (\"squared\" or \"cross-entropy\"), epochs, samples (of an
                    epoch), shuffle, halve, distort (per cent; 0 is not at all), alpha [first, last],
                    init (\"scaled\", or the largest initial weight), seed, block
  backend, threads  how it was computed, which does not change the result
  mean_loss, correct, total, accuracy, seconds, us_per_sample
                    as above: of the last epoch, but the time of all
  confusion         [label][class]: how many test images of a label were taken for a class
network has inputs, hidden, outputs, pixels (of an image), biases, halved
data has name (null for a directory), directory, inverted
A number that is not finite is null. A sweep, gathered:
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
  correct, total    test images answered right, and all
  accuracy          their ratio, 0 to 1
  confusion         [label][class]: how many test images of a label were taken for a class
  coverage          of the answers of the largest margins: share (at least), margin (the least),
                    correct, total, accuracy
A number that is not finite is null.";

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
  images            the number of training images that calibrated it
  tuning            how it was trained further, in words; null if it was not
  backend           how it was computed, which does not change the result
  seconds           the time that it took
  agreed            test images that both networks put in the same class
  total             all test images
  before, after     correct, total and accuracy (0 to 1) of either network
A number that is not finite is null.";

/// What `info --json` prints.
pub(crate) const INFO_HELP: &str = "\
JSON: one object on one line, always with all of these keys; later versions may add keys
  event             \"model\"
  model             the file
  bytes             its length
  kind              \"f32\", \"int8\" or \"int4\"
  network           inputs, hidden, outputs, pixels (of an image), biases, halved
  image             [width, height] where the file says them, or null
  text              what the file says in words, or null
  weights           the hash of f32 weights, 16 hexadecimal digits, or null
  crc32             of the weights, 8 hexadecimal digits";

/// The network's sizes.
pub(crate) fn network(shape: Shape) -> Value {
    json!({
        "inputs": shape.inputs(),
        "hidden": shape.hidden(),
        "outputs": shape.outputs(),
        "pixels": shape.pixels(),
        "biases": shape.has_biases(),
        "halved": shape.halved_image().is_some(),
    })
}

/// Where the images come from.
pub(crate) fn data<T>(data: &Data<T>) -> Value {
    json!({ "name": data.name(), "directory": data.directory().to_string_lossy(), "inverted": data.is_inverted() })
}

/// The shortest digits that say the f32, not those of the f64 beside it; null if it is not finite.
pub(crate) fn number(number: f32) -> Value {
    json!(number.to_string().parse::<f64>().ok())
}

/// `f32`, `int8` or `int4`.
pub(crate) fn kind(kind: Kind) -> Value {
    json!(kind.to_string())
}

/// An epoch of training.
pub(crate) fn epoch(epoch: &Epoch) -> Value {
    with(
        json!({
            "event": "epoch",
            "epoch": epoch.number,
            "loss": number(epoch.last_loss),
            "mean_loss": epoch.mean_loss,
            "seconds": epoch.time.as_secs_f64(),
            "us_per_sample": epoch.micros_per_sample(),
        }),
        right(&epoch.test),
    )
}

/// The settings that weights depend on; `samples` are those of an epoch.
pub(crate) fn recipe(recipe: &Recipe, samples: usize) -> Value {
    let alpha = recipe.options.alpha;
    json!({
        "loss": match recipe.options.loss {
            LossFunction::Squared => "squared",
            LossFunction::CrossEntropy => "cross-entropy",
        },
        "epochs": recipe.epochs,
        "samples": samples,
        "shuffle": recipe.shuffle,
        "halve": recipe.halve,
        "distort": recipe.distortion.map_or(0, |it| it.percent),
        "alpha": [number(alpha), number(recipe.alpha_to.unwrap_or(alpha))],
        "init": match recipe.init {
            Init::Scaled => json!("scaled"),
            Init::Uniform(largest) => number(largest),
        },
        "seed": recipe.seed,
        "block": recipe.options.block,
    })
}

/// `correct`, `total` and `accuracy`.
pub(crate) fn right(evaluation: &Evaluation) -> Value {
    json!({
        "correct": evaluation.correct(),
        "total": evaluation.total(),
        "accuracy": evaluation.accuracy(),
    })
}

/// `[label][class]`.
pub(crate) fn confusion(evaluation: &Evaluation) -> Value {
    let classes = 0..evaluation.classes();
    let row = |label| classes.clone().map(|class| evaluation.count(label, class)).collect::<Vec<_>>();
    json!(classes.clone().map(row).collect::<Vec<_>>())
}

/// The accuracy of the surest answers, for each share of them.
pub(crate) fn coverage(evaluation: &Evaluation) -> Value {
    let shares = table::SUREST.into_iter().map(|percent| f64::from(percent) / 100.0);
    let found = |share| evaluation.at_coverage(share).map(|found| (share, found));
    let line = |(share, found): (f64, Coverage)| {
        json!({
            "share": share,
            "margin": found.min_margin,
            "correct": found.correct,
            "total": found.total,
            "accuracy": found.accuracy(),
        })
    };
    json!(shares.filter_map(found).map(line).collect::<Vec<_>>())
}

/// Both objects in one.
pub(crate) fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}
