//! The activation that a file tells, in its notes or in the names of its tensors: only ReLU is run here.

/// Words for activations that are not ReLU, as a file may have them, in lower case.
const OTHERS: [&str; 17] = [
    "celu",
    "elu",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky",
    "leakyrelu",
    "mish",
    "prelu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "swish",
    "tanh",
];

/// Why a network with this activation is refused.
pub(super) fn refused(activation: &str) -> String {
    format!("the activation is {activation}; twolayer runs ReLU, and these weights would give other answers with it")
}

/// The activation that texts tell, if none of them tells ReLU: that may be the hidden layer's, and the other the output's.
pub(super) fn other_than_relu<'t>(texts: impl Iterator<Item = &'t str>) -> Option<&'static str> {
    let mut found = None;
    for text in texts {
        for word in text.split(|letter: char| !letter.is_alphanumeric()) {
            let word = word.to_lowercase();
            // ONNX numbers the nodes of a kind: `Tanh_1`, `tanh1`.
            let plain = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
            if plain == "relu" && word != "relu6" && found != Some("leaky") {
                return None;
            }
            found = found.or_else(|| OTHERS.into_iter().find(|&other| other == word || other == plain));
        }
    }
    Some(if found? == "leaky" { "leaky ReLU" } else { found? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_the_activation() {
        for (texts, expected) in [
            (&["fc1.weight", "fc2.bias"][..], None),
            (&["/Tanh_output_0", "fc1.weight"], Some("tanh")),
            (&["net.tanh1.scale"], Some("tanh")),
            (&["pt", "two layers, GELU"], Some("gelu")),
            (&["act=leaky_relu"], Some("leaky ReLU")),
            (&["LeakyReLU"], Some("leakyrelu")),
            (&["relu6"], Some("relu6")),
            (&["1.prelu.weight"], Some("prelu")),
            // One of the two is the output's.
            (&["relu", "sigmoid"], None),
            (&["sigmoid(fc2(relu(fc1(x))))"], None),
            (&["model/re_lu/Relu", "x"], None),
            (&["velu", "mishap", "tanhs"], None),
        ] {
            assert_eq!(other_than_relu(texts.iter().copied()), expected, "{texts:?}");
        }
    }
}
