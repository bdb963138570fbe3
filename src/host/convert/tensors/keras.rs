//! What Keras says of a network in JSON: `config.json` of a `.keras` archive, or `model.to_json()`. It has no weights, but tells
//! whether there are two layers with ReLU between them.

use super::error::TensorError;
use super::foreign;
use super::layers::in_words;
use serde_json::Value;

/// The longest description that is read. One of two layers has some 2 kB.
pub(super) const MOST: usize = 1 << 20;

/// Layers that change no number of a trained network, or only its shape.
const PASSIVE: [&str; 7] = ["InputLayer", "Flatten", "Reshape", "Dropout", "GaussianNoise", "Softmax", "Rescaling"];

/// What is to be said of the file that has this description: that its network is another one, or how to save its weights. `None`
/// if it describes no network of Keras.
pub(super) fn described(json: &[u8]) -> Option<TensorError> {
    let json: Value = serde_json::from_slice(json.get(..MOST).unwrap_or(json)).ok()?;
    let root = ["", "/model_config", "/modelTopology/model_config", "/modelTopology"];
    let mut layers = Vec::new();
    root.iter().filter_map(|place| json.pointer(place)).find(|root| {
        collect(root, &mut layers);
        !layers.is_empty()
    })?;
    Some(other_network(&layers).map_or_else(foreign::keras, |what| TensorError::Network { what }))
}

/// The same for a file that has such a description somewhere within, as an attribute in HDF5 is.
pub(super) fn within(file: &[u8]) -> Option<TensorError> {
    let start = file.get(..MOST).unwrap_or(file);
    let places =
        [&br#"{"class_name":"#[..], br#"{"module":"#].map(|it| start.windows(it.len()).position(|found| found == it));
    let rest = &start[places.into_iter().flatten().min()?..];
    let json = serde_json::Deserializer::from_slice(rest).into_iter::<Value>().next()?.ok()?;
    described(json.to_string().as_bytes())
}

/// The layers of a model, and of the models in it, with their settings.
fn collect<'a>(model: &'a Value, layers: &mut Vec<(&'a str, &'a Value)>) {
    let Some(class) = model["class_name"].as_str() else { return };
    match model.pointer("/config/layers").or_else(|| model["config"].is_array().then_some(&model["config"])) {
        Some(list) => list.as_array().into_iter().flatten().for_each(|layer| collect(layer, layers)),
        None => layers.push((class, &model["config"])),
    }
}

/// What is other about a network than two dense layers with ReLU between them.
fn other_network(layers: &[(&str, &Value)]) -> Option<String> {
    let is_dense = |class: &str| class == "Dense";
    let is_activation = |class: &str| class == "Activation" || class.contains("ELU") || class.contains("eLU");
    let known = |class: &str| is_dense(class) || is_activation(class) || PASSIVE.contains(&class);
    if let Some((class, _)) = layers.iter().find(|(class, _)| !known(class)) {
        return Some(format!(
            "this Keras network has a layer {class}; twolayer runs two dense layers with ReLU between"
        ));
    }
    let units: Vec<_> =
        layers.iter().filter(|(class, _)| is_dense(class)).map(|(_, it)| it["units"].to_string()).collect();
    if units.len() != 2 {
        let layers = in_words(units.len());
        return Some(format!("this Keras network has {layers}, with units {}; twolayer runs two", units.join(" → ")));
    }
    // The first dense layer's own, or the one behind it.
    let mut hidden = layers.iter().skip_while(|(class, _)| !is_dense(class));
    let own = hidden.next().map(|(_, settings)| name(&settings["activation"])).filter(|it| *it != "linear");
    let between = || {
        let (class, settings) =
            hidden.take_while(|(class, _)| !is_dense(class)).find(|(class, _)| is_activation(class))?;
        Some(if *class == "Activation" { name(&settings["activation"]) } else { class })
    };
    match own.or_else(between) {
        Some("relu" | "ReLU") => None,
        Some(other) => Some(super::activation::refused(other)),
        None => Some("this network has no activation between its layers; twolayer runs ReLU".into()),
    }
}

/// A function's name, which is a string or in an object.
fn name(function: &Value) -> &str {
    function
        .as_str()
        .or_else(|| function["config"].as_str())
        .or_else(|| function["class_name"].as_str())
        .unwrap_or("linear")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(layers: &str) -> String {
        format!(r#"{{"module":"keras","class_name":"Sequential","config":{{"name":"s","layers":[{layers}]}}}}"#)
    }

    fn dense(units: u32, activation: &str) -> String {
        format!(r#"{{"class_name":"Dense","config":{{"units":{units},"activation":{activation}}}}}"#)
    }

    #[test]
    fn a_description_tells_layers_and_activation() {
        let flatten = r#"{"class_name":"Flatten","config":{}}"#;
        let object = r#"{"module":"builtins","class_name":"function","config":"gelu"}"#;
        let softmax = dense(10, "\"softmax\"");
        let layer = |class: &str, config: &str| format!(r#"{{"class_name":"{class}","config":{config}}}"#);
        for (layers, expected) in [
            (vec![flatten.into(), dense(128, "\"relu\""), softmax.clone()], "this is a Keras file"),
            (vec![dense(128, "\"linear\""), layer("ReLU", "{}"), softmax.clone()], "this is a Keras file"),
            (
                vec![dense(128, "\"linear\""), layer("Activation", r#"{"activation":"relu"}"#), softmax.clone()],
                "this is a Keras file",
            ),
            (vec![dense(128, "\"tanh\""), softmax.clone()], "the activation is tanh; twolayer runs ReLU"),
            (vec![dense(128, object), softmax.clone()], "the activation is gelu"),
            (vec![dense(128, "\"linear\""), layer("LeakyReLU", "{}"), softmax.clone()], "the activation is LeakyReLU"),
            (vec![dense(128, "\"linear\""), softmax.clone()], "this network has no activation between"),
            (
                vec![dense(128, "\"relu\""), dense(64, "\"relu\""), softmax.clone()],
                "this Keras network has three layers, with units 128 → 64 → 10; twolayer runs two",
            ),
            (vec![softmax.clone()], "this Keras network has one layer, with units 10"),
            (
                vec![layer("Conv2D", "{}"), dense(9, "\"relu\""), softmax.clone()],
                "this Keras network has a layer Conv2D",
            ),
        ] {
            let json = model(&layers.join(","));
            let found = described(json.as_bytes()).unwrap().to_string();
            assert!(found.starts_with(expected), "{json}: {found}");
            let topology = format!(r#"{{"format":"layers-model","modelTopology":{{"model_config":{json}}}}}"#);
            assert_eq!(described(topology.as_bytes()).unwrap().to_string(), found);
        }
        let deep = model(&[dense(8, "\"relu\""), dense(8, "\"relu\""), softmax.clone()].join(","));
        let found = |file: &[u8]| within(file).map(|it| it.to_string()).unwrap_or_default();
        assert!(found(&[b"\x89HDF and more", deep.as_bytes(), b"\0\0{"].concat()).contains("three layers"));
        assert_eq!((found(b"\x89HDF"), found(&deep.as_bytes()[..deep.len() - 1])), (String::new(), String::new()));
        for other in ["{}", "[]", "{", r#"{"class_name":7}"#, "", r#"{"config":{"layers":[]}}"#] {
            assert_eq!(described(other.as_bytes()), None, "{other}");
        }
    }
}
