//! From an output of the graph back to its inputs: what is on the way has to be a binary classifier of ours.

use std::collections::BTreeMap;

use lakehouse_models::ScoringForm;

use crate::{
    ImportError,
    chain::{Chain, Step},
    linear,
    proto::{Constant, DOUBLE, FLOAT, GraphProto, NodeProto, ValueInfo},
    trees,
};

/// Steps from an output to an input; the exporters need a handful.
const MAX_DEPTH: usize = 64;

/// What a tensor of the graph is.
pub enum Tensor {
    /// A row of numbers of the encoder, each with what was done to it.
    Numbers(Vec<Chain>),
    /// The probabilities of both classes, or that of the positive one alone.
    Probability(Box<ScoringForm>),
}

/// A graph whose nodes can be found by what they give.
pub struct Graph<'a> {
    makers: BTreeMap<&'a str, (&'a NodeProto<'a>, usize)>,
    inputs: BTreeMap<&'a str, Vec<Chain>>,
    constants: &'a [Constant<'a>],
}

impl<'a> Graph<'a> {
    /// Numbers the columns of all inputs in their order.
    pub fn new(graph: &'a GraphProto<'a>) -> Result<Self, ImportError> {
        let mut makers = BTreeMap::new();
        for node in &graph.nodes {
            for (position, output) in node.outputs.iter().enumerate() {
                if makers.insert(*output, (node, position)).is_some() {
                    return Err(ImportError::Corrupt("two nodes give the same value"));
                }
            }
        }
        let mut inputs = BTreeMap::new();
        let mut next = 0;
        for input in columns(graph) {
            let (name, width) = (input.name, width(input)?);
            let step = match input.element {
                FLOAT => Some(Step::Round),
                DOUBLE => None,
                _ => return Err(ImportError::unsupported(name, "an input is a tensor of single or double precision")),
            };
            let column = |number| step.into_iter().fold(Chain::new(number), |chain, step| chain.with(step));
            inputs.insert(name, (next..next + width).map(column).collect());
            next += width;
        }
        Ok(Self { makers, inputs, constants: &graph.constants })
    }

    /// The form behind the first output that is a probability. If none is, the reason that the last one gives.
    pub fn probability(&self, outputs: &[ValueInfo<'_>]) -> Result<ScoringForm, ImportError> {
        let mut reason = ImportError::NoProbability;
        for output in outputs {
            match self.tensor(output.name, 0) {
                Ok(Tensor::Probability(form)) => return Ok(*form),
                Ok(Tensor::Numbers(_)) | Err(ImportError::NoProbability) => {}
                Err(other) => reason = other,
            }
        }
        Err(reason)
    }

    fn tensor(&self, name: &str, depth: usize) -> Result<Tensor, ImportError> {
        if depth > MAX_DEPTH {
            return Err(ImportError::Corrupt("its nodes go round in a circle, or are stacked without end"));
        }
        if let Some(chains) = self.inputs.get(name) {
            return Ok(Tensor::Numbers(chains.clone()));
        }
        if self.constant(name).is_some() {
            return Err(ImportError::Operator("a constant tensor".to_owned()));
        }
        let (node, position) = self.makers.get(name).ok_or(ImportError::Corrupt("nothing gives one of its values"))?;
        let of = |input: usize| match node.inputs.get(input) {
            Some(input) => self.tensor(input, depth + 1),
            None => Err(ImportError::Corrupt("a node has too few inputs")),
        };
        match node.operator {
            "Identity" => of(0),
            "Cast" => cast(node, of(0)?),
            "Scaler" => scale(node, of(0)?),
            "Imputer" => impute(node, of(0)?),
            "Concat" => {
                let parts = (0..node.inputs.len()).map(|input| numbers(node, of(input)?));
                Ok(Tensor::Numbers(parts.collect::<Result<Vec<_>, _>>()?.concat()))
            }
            // The labels that classifiers give first are no probability.
            "TreeEnsembleClassifier" | "LinearClassifier" if *position == 0 => Err(ImportError::NoProbability),
            "TreeEnsembleClassifier" => trees::classifier(node, &numbers(node, of(0)?)?),
            "TreeEnsembleRegressor" => trees::regressor(node, &numbers(node, of(0)?)?),
            "LinearClassifier" => linear::classifier(node, &numbers(node, of(0)?)?),
            // How the exporter of LightGBM marks a forest whose leaves are added up.
            "Mul" if node.inputs.get(1).and_then(|name| self.constant(name)) == Some([1.0].as_slice()) => {
                probability(node, of(0)?)
            }
            // Both probabilities of a row add up to 1, so dividing by their sum and giving them names changes neither.
            "ZipMap" => probability(node, of(0)?),
            "Normalizer" if node.text("norm", "MAX") == "L1" => probability(node, of(0)?),
            "Normalizer" => Err(node.refuse("only the norm L1 behind a classifier leaves probabilities as they are")),
            other => Err(ImportError::Operator(other.to_owned())),
        }
    }

    fn constant(&self, name: &str) -> Option<&[f32]> {
        self.constants.iter().find(|constant| constant.name == name).map(|constant| constant.floats.as_slice())
    }
}

/// The inputs that are not constants.
pub fn columns<'a>(graph: &'a GraphProto<'a>) -> impl Iterator<Item = &'a ValueInfo<'a>> {
    let is_constant = |name: &str| graph.constants.iter().any(|constant| constant.name == name);
    graph.inputs.iter().filter(move |input| !is_constant(input.name))
}

/// How many numbers an input has for each row.
pub fn width(input: &ValueInfo<'_>) -> Result<u32, ImportError> {
    const MOST: i64 = 100_000;
    match input.shape[..] {
        [_, Some(width)] if (1..=MOST).contains(&width) => Ok(u32::try_from(width).unwrap_or(u32::MAX)),
        _ => Err(ImportError::unsupported(input.name, "an input has two dimensions, of which the second is a number of columns")),
    }
}

fn numbers(node: &NodeProto<'_>, tensor: Tensor) -> Result<Vec<Chain>, ImportError> {
    match tensor {
        Tensor::Numbers(chains) => Ok(chains),
        Tensor::Probability(_) => Err(node.refuse("it takes the scores of another model")),
    }
}

fn probability(node: &NodeProto<'_>, tensor: Tensor) -> Result<Tensor, ImportError> {
    match tensor {
        Tensor::Probability(_) => Ok(tensor),
        Tensor::Numbers(_) => Err(node.refuse("it takes rows that are no probabilities")),
    }
}

fn cast(node: &NodeProto<'_>, tensor: Tensor) -> Result<Tensor, ImportError> {
    match (tensor, node.integer("to", 0)) {
        (Tensor::Numbers(chains), FLOAT) => Ok(Tensor::Numbers(chains.iter().map(|chain| chain.with(Step::Round)).collect())),
        (tensor, FLOAT | DOUBLE) => Ok(tensor),
        (_, other) => Err(node.refuse(format!("to the type {other}, which is no floating point number"))),
    }
}

/// One value for each column, or one for all.
fn spread(node: &NodeProto<'_>, name: &str, width: usize) -> Result<Vec<f32>, ImportError> {
    let values = node.floats(name);
    let spread = match values {
        [one] => vec![*one; width],
        all if all.len() == width => all.to_vec(),
        _ => return Err(node.refuse(format!("`{name}` has {} values for {width} columns", values.len()))),
    };
    if spread.iter().all(|value| value.is_finite()) { Ok(spread) } else { Err(node.refuse(format!("`{name}` is not finite"))) }
}

fn scale(node: &NodeProto<'_>, tensor: Tensor) -> Result<Tensor, ImportError> {
    let chains = numbers(node, tensor)?;
    let (offsets, scales) = (spread(node, "offset", chains.len())?, spread(node, "scale", chains.len())?);
    if !scales.iter().all(|scale| *scale > 0.0) {
        return Err(node.refuse("a scale is not above 0"));
    }
    let steps = offsets.into_iter().zip(scales).map(|(offset, scale)| Step::Scale { offset, scale });
    Ok(Tensor::Numbers(chains.iter().zip(steps).map(|(chain, step)| chain.with(step)).collect()))
}

fn impute(node: &NodeProto<'_>, tensor: Tensor) -> Result<Tensor, ImportError> {
    let chains = numbers(node, tensor)?;
    if !node.float("replaced_value_float", 0.0).is_nan() {
        return Err(node.refuse("it replaces something else than absent numbers"));
    }
    let values = spread(node, "imputed_value_floats", chains.len())?;
    Ok(Tensor::Numbers(chains.iter().zip(values).map(|(chain, value)| chain.with(Step::Impute(value))).collect()))
}
