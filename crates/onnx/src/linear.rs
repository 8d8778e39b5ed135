//! `LinearClassifier` as our linear form.

use lakehouse_models::{Linear, LinearParts, ScoringForm};

use crate::{ImportError, chain::Chain, graph::Tensor, proto::NodeProto};

const KNOWN: [&str; 6] =
    ["classlabels_ints", "classlabels_strings", "coefficients", "intercepts", "multi_class", "post_transform"];

/// Weights of one row, or of one row for each of the two classes.
pub fn classifier(node: &NodeProto<'_>, chains: &[Chain]) -> Result<Tensor, ImportError> {
    node.check_attributes(&KNOWN)?;
    let width = chains.len();
    let (weights, intercepts) = (node.floats("coefficients"), node.floats("intercepts"));
    let rows: Vec<(Vec<f64>, f64)> = weights
        .chunks(width.max(1))
        .zip(intercepts.iter().copied().chain(std::iter::repeat(0.0)))
        .map(|(row, intercept)| (row.iter().map(|weight| f64::from(*weight)).collect(), f64::from(intercept)))
        .collect();
    let fits = weights.len() == rows.len() * width && [0, rows.len()].contains(&intercepts.len());
    let (weights, intercept) = match (&rows[..], node.text("post_transform", "NONE")) {
        _ if !fits => return Err(node.refuse(format!("{} coefficients do not fit {width} columns", weights.len()))),
        // Those of the negative class are the same with the sign turned: the exporters write them so.
        ([(weights, intercept)], "LOGISTIC") => (weights.clone(), *intercept),
        ([negative, (weights, intercept)], "LOGISTIC") if is_mirrored(negative, weights, *intercept) => {
            (weights.clone(), *intercept)
        }
        ([(others, other), (weights, intercept)], "SOFTMAX") => {
            (weights.iter().zip(others).map(|(weight, other)| weight - other).collect(), intercept - other)
        }
        (rows, transform) => return Err(node.refuse(format!("{} classes through {transform}", rows.len()))),
    };
    // On the numbers as the encoder gives them. What is absent without an imputed value counts as 0.
    let mut parts = LinearParts { means: Vec::new(), scales: vec![1.0; width], weights: vec![0.0; width], intercept };
    for (chain, weight) in chains.iter().zip(weights) {
        let [slope, at_zero] = chain.line();
        let mean = chain.imputed().unwrap_or(0.0);
        parts.means.push(mean);
        parts.intercept += weight * (slope * mean + at_zero);
        match parts.weights.get_mut(chain.number as usize) {
            Some(place) => *place = weight * slope,
            None => return Err(node.refuse("its columns are not the inputs, each once")),
        }
    }
    let is_in_order = chains.iter().enumerate().all(|(position, chain)| position == chain.number as usize);
    if !is_in_order {
        return Err(node.refuse("its columns are not the inputs in their order"));
    }
    Ok(Tensor::Probability(Box::new(ScoringForm::Linear(Linear::try_from(parts)?))))
}

fn is_mirrored((negative, at_zero): &(Vec<f64>, f64), weights: &[f64], intercept: f64) -> bool {
    *at_zero == -intercept && negative.iter().zip(weights).all(|(negative, weight)| *negative == -weight)
}
