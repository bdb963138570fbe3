//! Where a model comes from, in lines of its text: written by `train`, read by `train --resume` and `verify`.
//!
//! ```text
//! recipe: --data mnist --loss cross-entropy --epochs 5 …    options of `twolayer train`
//! data: 0123456789abcdef of 60000 images                    the hash of what was trained on
//! start: 0123456789abcdef                                   the hash of the weights of --from
//! teacher: 0123456789abcdef | 0123456789abcdef              those of the weights of every --teacher
//! checkpoint: after epoch 3                                 of a run that is not at its end
//! ```

use crate::args::TrainingArgs;
use crate::error::{Error, ensure, error};
use crate::{confidence, values};
use clap::Parser;
use core::fmt::{self, Write};
use std::path::Path;
use twolayer::host::dataset::{DataSource as Source, HoldOut, LabelColumn, Set};
use twolayer::host::printable;
use twolayer::host::training::{Init, Recipe};
use twolayer::{Distortion, LossFunction};

/// A recipe line.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true, disable_version_flag = true)]
struct Line {
    #[command(flatten)]
    training: TrainingArgs,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Options of `twolayer train`, without names of files.
    pub(crate) options: String,
    pub(crate) data: DataHash,
    /// The hash of the weights that it began with, if they were not initial ones.
    pub(crate) start: Option<u64>,
    /// The hashes of its teachers' weights, smallest first.
    pub(crate) teachers: Vec<u64>,
    /// The epochs that are done, of a run that is not at its end.
    pub(crate) done: Option<u32>,
}

/// Which images were trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataHash {
    hash: u64,
    images: usize,
}

impl DataHash {
    /// Those of a recipe.
    pub(crate) fn new(train: &Set, recipe: &Recipe) -> Self {
        let images = recipe.samples(train.len());
        Self { hash: train.hash(images), images }
    }
}

impl fmt::Display for DataHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x} of {} images", self.hash, self.images)
    }
}

impl Origin {
    pub(crate) fn new(
        recipe: &Recipe,
        names: &[&str],
        TrainingArgs { data, invert, repeat, .. }: &TrainingArgs,
        hash: DataHash,
        start: Option<u64>,
        teachers: Vec<u64>,
    ) -> Self {
        let mut options = String::new();
        let mut add = |option: &str, value: &dyn fmt::Display| {
            let space = if options.is_empty() { "" } else { " " };
            let _ = write!(options, "{space}{option}{value}");
        };
        for name in names {
            add("--data ", name);
        }
        match data.hold_out {
            None => {}
            Some(HoldOut::Last(count)) => add("--hold-out ", &count),
            Some(HoldOut::Percent(percent)) => add("--hold-out ", &format_args!("{percent}%")),
        }
        match data.label_column {
            None => {}
            Some(LabelColumn::First) => add("--label-column ", &"first"),
            Some(LabelColumn::Last) => add("--label-column ", &"last"),
        }
        if let Some(times) = repeat.repeat {
            add("--repeat ", &times);
        }
        for (option, is_given) in
            [("--as-is", data.as_is), ("--transpose", data.transpose), ("--invert", invert.invert)]
        {
            if is_given {
                add(option, &"");
            }
        }
        let Recipe {
            epochs,
            hidden,
            seed,
            init,
            shuffle,
            halve,
            deslant,
            distortion,
            alpha_to,
            limit,
            options: by,
            ..
        } = recipe;
        add("--loss ", &values::loss_name(by.loss));
        add("--epochs ", epochs);
        match alpha_to {
            None => add("--alpha ", &format_args!("{:e}", by.alpha)),
            Some(to) => add("--alpha ", &format_args!("{:e}..{to:e}", by.alpha)),
        }
        if *shuffle {
            add("--shuffle", &"=yes");
        }
        if let Some(Distortion { percent, hands }) = distortion {
            add("--distort ", percent);
            if *hands > 0 {
                add("--hands ", hands);
            }
        }
        if start.is_none() {
            add("--hidden ", hidden);
            if *deslant {
                add("--deslant", &"=yes");
            }
            if *halve {
                add("--halve", &"");
            }
            match init {
                Init::Scaled => add("--init ", &"scaled"),
                Init::Uniform(scale) => add("--init-scale ", &format_args!("{scale:e}")),
            }
        }
        add("--seed ", seed);
        if let Some(limit) = limit {
            add("--limit ", limit);
        }
        add("--block ", &by.block);
        Self { options, data: hash, start, teachers, done: None }
    }

    /// What a model's text says; `None` where it says nothing.
    pub(crate) fn parse(model: &Path, text: &str) -> Result<Option<Self>, Error> {
        let line = |key: &str| said(text, key);
        let Some(options) = recipe(text) else { return Ok(None) };
        let hash = |text: &str| u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
        let data = || {
            let (found, rest) = line("data")?.split_once(" of ")?;
            Some(DataHash { hash: hash(found)?, images: rest.strip_suffix(" images")?.parse().ok()? })
        };
        let parse = || {
            let start = line("start").map(|text| hash(text).ok_or("start")).transpose()?;
            let teachers =
                line("teacher").map(|text| text.split(" | ").map(hash).collect::<Option<_>>().ok_or("teacher"));
            let teachers = teachers.transpose()?.unwrap_or_default();
            let done = |text: &str| text.strip_prefix("after epoch ")?.parse().ok();
            let done = line("checkpoint").map(|text| done(text).ok_or("checkpoint")).transpose()?;
            Ok(Self { options: options.into(), data: data().ok_or("data")?, start, teachers, done })
        };
        parse().map(Some).map_err(|key: &str| {
            error!("{}: the line \"{key}: …\" of its text is not as this program writes it", printable(model))
        })
    }

    /// Makes the options those that the model was trained with. They may say where the data are; `what` says what else is the
    /// model's to say.
    pub(crate) fn apply(&self, model: &Path, training: &mut TrainingArgs, what: &str) -> Result<(), Error> {
        let model = printable(model);
        ensure!(training.is_default(), "{model} says by which recipe {what}: leave out the options of another");
        let line = Line::try_parse_from(self.options.split(' ')).map_err(|error| {
            let error = error.to_string();
            let first = error.lines().next().unwrap_or_default().trim_start_matches("error: ");
            error!("{model}: its recipe is not one of this program's: {}", printable(first))
        })?;
        training.take(line.training);
        Ok(())
    }

    /// Checks that the training data are those of the model.
    pub(crate) fn check_data(&self, model: &Path, found: DataHash) -> Result<(), Error> {
        ensure!(
            self.data == found,
            "{} was trained on the data {}; those here are {found}: give the same with --data",
            printable(model),
            self.data
        );
        Ok(())
    }
}

/// Checks that teachers are those of a model, by the hashes of their weights.
pub(crate) fn check_teachers(model: &Path, expected: &[u64], found: &[u64]) -> Result<(), Error> {
    let model = printable(model);
    ensure!(!expected.is_empty() || found.is_empty(), "{model} was not trained by teachers: leave out --teacher");
    ensure!(
        expected.is_empty() || !found.is_empty(),
        "{model} was trained by teachers, with the weights {}: give each of their files with --teacher",
        list(expected)
    );
    ensure!(
        expected == found,
        "{model} was trained by teachers with the weights {}; those of --teacher are {}",
        list(expected),
        list(found)
    );
    Ok(())
}

fn list(hashes: &[u64]) -> String {
    hashes.iter().map(|hash| format!("{hash:016x}")).collect::<Vec<_>>().join(" | ")
}

/// What the first line of a text with this key says.
fn said<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
}

/// The recipe by which a model was trained, where its text says it.
pub(crate) fn recipe(text: &str) -> Option<&str> {
    said(text, "recipe")
}

/// The first of the data sets that a model was trained on, where its text says their names.
pub(crate) fn source(text: &str) -> Option<Source> {
    let name = recipe(text)?.split(' ').skip_while(|word| *word != "--data").nth(1)?;
    Some(Source::parse(name)).filter(|source| matches!(source, Source::Named(_)))
}

/// The loss function that a model of f32 weights was trained with, by its text. The article's models have none, and an imported
/// network is taken to have been trained with cross-entropy, as nearly all are.
pub(crate) fn loss(text: &str) -> LossFunction {
    const SQUARED: [&str; 2] = ["--loss squared", "trained with twolayer: squared error"];
    let mut lines =
        text.lines().filter(|line| !line.starts_with("classes: ") && !confidence::is_table(line)).peekable();
    if lines.peek().is_none() || lines.any(|line| SQUARED.iter().any(|squared| line.contains(squared))) {
        LossFunction::Squared
    } else {
        LossFunction::CrossEntropy
    }
}

impl fmt::Display for Origin {
    /// The lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recipe: {}\ndata: {}", self.options, self.data)?;
        if let Some(start) = self.start {
            write!(f, "\nstart: {start:016x}")?;
        }
        if !self.teachers.is_empty() {
            write!(f, "\nteacher: {}", list(&self.teachers))?;
        }
        if let Some(done) = self.done {
            write!(f, "\ncheckpoint: after epoch {done}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::num::NonZeroUsize;
    use twolayer::TrainOptions;
    use twolayer::host::dataset::Name;

    /// Everything that weights depend on comes back.
    #[test]
    fn recipes_come_back_from_their_lines() {
        let default = Recipe::default();
        let others = [
            default,
            Recipe::fast(),
            Recipe::good(),
            Recipe::best(),
            Recipe { hidden: 64, halve: true, deslant: true, limit: Some(99), seed: u64::MAX, ..Recipe::fast() },
            Recipe { init: Init::Uniform(0.1 + 1e-8), alpha_to: Some(1e-30), ..default },
            Recipe {
                distortion: Some(Distortion { percent: 1, hands: 2 }),
                shuffle: true,
                epochs: u32::MAX,
                ..default
            },
            Recipe { options: TrainOptions { block: 1, alpha: f32::MAX, ..default.options }, ..default },
        ];
        let options = |line: &str| Line::try_parse_from(line.split_whitespace()).unwrap().training;
        let data = options("--data digits --hold-out 30% --invert --transpose --as-is --repeat 7 --label-column last");
        let hash = DataHash { hash: 1, images: 7 };
        for recipe in others {
            let origin = Origin::new(&recipe, &["fashion", "digits"], &data, hash, None, Vec::new());
            for done in [None, Some(3)] {
                let origin = Origin { done, ..origin.clone() };
                let text = format!("classes: a | b\n{origin}\nmore");
                let found = Origin::parse("m".as_ref(), &text).unwrap().unwrap();
                assert_eq!(found, origin);
                assert_eq!(source(&text), Some(Source::Named(Name::Fashion)));
                let mut options = options("");
                found.apply("m".as_ref(), &mut options, "it is").unwrap();
                let computed = |recipe: Recipe| Recipe { threads: NonZeroUsize::MIN, ..recipe };
                assert_eq!(computed(options.recipe.recipe()), computed(recipe), "{origin}");
                assert_eq!(options.data.data, [Name::Fashion, Name::Digits].map(Source::Named));
                assert_eq!(options.repeat.repeat.map(NonZeroUsize::get), Some(7));
                assert_eq!(options.data.label_column, Some(LabelColumn::Last));
                assert!(options.data.transpose && options.data.as_is);
                assert_eq!((options.data.hold_out, options.invert.invert), (Some(HoldOut::Percent(30)), true));
            }
            let start = Origin::new(&recipe, &[], &data, hash, Some(5), vec![7, u64::MAX]);
            let found = Origin::parse("m".as_ref(), &start.to_string()).unwrap().unwrap();
            let mut options = options("");
            found.apply("m".as_ref(), &mut options, "it is").unwrap();
            assert_eq!((found.start, found.teachers, options.data.data.len()), (Some(5), vec![7, u64::MAX], 0));
        }
    }

    #[test]
    fn a_text_says_the_loss() {
        let text = |loss| {
            let options = TrainOptions { loss, ..TrainOptions::default() };
            let training = Line::try_parse_from([""; 0]).unwrap().training;
            let hash = DataHash { hash: 1, images: 7 };
            let recipe = Recipe { options, ..Recipe::default() };
            format!("classes: a | b\n{}", Origin::new(&recipe, &[], &training, hash, None, Vec::new()))
        };
        for of in [LossFunction::Squared, LossFunction::CrossEntropy] {
            assert_eq!(loss(&text(of)), of);
        }
        let table = "confidence: 0 50 | 300 90\ncalibrated: on every second of 1000 test images";
        let named = format!("classes: a | b\n{table}");
        for squared in ["", "classes: a | b", table, &named, "trained with twolayer: squared error, 5 epochs, halved"] {
            assert_eq!(loss(squared), LossFunction::Squared, "{squared}");
        }
        for other in ["imported from net.npz", "trained with twolayer: cross-entropy, 5 epochs"] {
            assert_eq!(loss(other), LossFunction::CrossEntropy, "{other}");
        }
    }

    #[test]
    fn lines_of_others_are_no_recipe_or_an_error() {
        let parse = |text: &str| Origin::parse("m".as_ref(), text).map_err(|error| error.0);
        for text in ["", "trained elsewhere", "classes: a | b", "a recipe: of mine", "recipe:"] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
        for (text, key) in [
            ("recipe: ", "data"),
            ("recipe: x\ndata: 12 of 3 images", "data"),
            ("recipe: x\ndata: 0123456789abcdef of 3 pictures", "data"),
            ("recipe: x\ndata: 0123456789abcdef of 3 images\nstart: 1", "start"),
            ("recipe: x\ndata: 0123456789abcdef of 3 images\nteacher: 0123456789abcdef | 1", "teacher"),
            ("recipe: x\ndata: 0123456789abcdef of 3 images\nteacher: ", "teacher"),
            ("recipe: x\ndata: 0123456789abcdef of 3 images\ncheckpoint: 4", "checkpoint"),
        ] {
            assert!(parse(text).unwrap_err().contains(&format!("m: the line \"{key}: …\"")), "{text}");
        }
        let found = parse("recipe: --epochs 0\ndata: 0123456789abcdef of 3 images").unwrap().unwrap();
        let mut options = Line::try_parse_from([""; 0]).unwrap().training;
        let error = found.apply("m".as_ref(), &mut options, "it is").unwrap_err().0;
        assert!(error.starts_with("m: its recipe is not one of this program's: invalid value '0'"), "{error}");
    }
}
