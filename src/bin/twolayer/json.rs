//! What `--json` prints: the files in `json/`, which are part of the help, say it in words; here are the parts that the lines of
//! several commands share.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use twolayer::Shape;
use twolayer::host::Evaluation;

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

/// How many answers are right.
pub(crate) fn right(evaluation: &Evaluation) -> Value {
    json!({
        "correct": evaluation.correct(),
        "total": evaluation.total(),
        "accuracy": evaluation.accuracy(),
    })
}

/// The counts of test images, by label and class.
pub(crate) fn confusion(evaluation: &Evaluation) -> Vec<Vec<u32>> {
    let classes = 0..evaluation.classes();
    let row = |label| classes.clone().map(|class| evaluation.count(label, class)).collect();
    classes.clone().map(row).collect()
}
