//! Shapley values of a forest in polynomial time: the path-dependent TreeSHAP of Lundberg et al. 2018, algorithm 2.
//!
//! A number that is not known to a coalition sends a row both ways, in the shares in which the rows of the fit went. Going
//! down a tree, the path keeps, for every number looked at so far, the share of rows that go this way without it (`zero`) and
//! whether this row does (`one`), and in `weight` what coalitions of each size weigh. A leaf at depth d costs d² steps.

use super::forest::{Child, Combine, Forest, Step};

/// Deeper trees are not explained: the walk would take the stack, and d² buffers, of whatever a file asks for.
const MAX_DEPTH: usize = 128;

/// A form that cannot say where its scores come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// It was written without the rows its nodes were fitted on.
    #[error("the forest does not say how many rows its nodes were fitted on; train it again to explain it")]
    NoCover,
    /// A tree is too deep.
    #[error("a tree is deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

#[derive(Debug, Clone, Copy, Default)]
struct Element {
    feature: u32,
    zero: f64,
    one: f64,
    weight: f64,
}

/// How a row came to a node: from the root, with nothing looked at, or past a number.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    feature: u32,
    zero: f64,
    one: f64,
}

/// Adds each number's contribution to `out`, and returns what the forest gives without knowing any.
pub(super) fn contributions(forest: &Forest, numbers: &[f64], out: &mut [f64]) -> Result<f64, ExplainError> {
    let (start, factor) = match forest.combine() {
        Combine::Sum { base } => (base, 1.0),
        Combine::Mean { .. } | Combine::Isolation { .. } => (0.0, (forest.trees() as f64).recip()),
    };
    let mut walk = Walk { forest, numbers, factor, out, path: Vec::new(), expected: 0.0 };
    for root in forest.roots() {
        walk.path.clear();
        walk.visit(*root, 0, 0, Arrival { feature: u32::MAX, zero: 1.0, one: 1.0 })?;
    }
    Ok(start + walk.expected)
}

struct Walk<'a> {
    forest: &'a Forest,
    numbers: &'a [f64],
    /// What a leaf's value counts for.
    factor: f64,
    out: &'a mut [f64],
    /// The path of every level, one after the other.
    path: Vec<Element>,
    expected: f64,
}

impl Walk<'_> {
    /// The path so far is the last `length` elements; it is left as it was found.
    fn visit(&mut self, node: u32, length: usize, depth: usize, arrival: Arrival) -> Result<(), ExplainError> {
        if depth > MAX_DEPTH {
            return Err(ExplainError::TooDeep);
        }
        let parent = self.path.len() - length;
        let start = self.path.len();
        self.path.extend_from_within(parent..);
        extend(&mut self.path, start, arrival);
        match self.forest.step(node, self.numbers).ok_or(ExplainError::NoCover)? {
            Step::Leaf(value) => self.add_leaf(value * self.factor, start),
            Step::Split { feature, taken, other } => {
                let path = &mut self.path;
                let seen = path.iter().skip(start + 1).position(|element| element.feature == feature).map(|found| found + 1);
                let before = seen.and_then(|seen| path.get(start + seen)).copied();
                if let Some(seen) = seen {
                    unwind(path, start, seen);
                }
                let (zero, one) = before.map_or((1.0, 1.0), |before| (before.zero, before.one));
                let length = self.path.len() - start;
                for (Child { node, share }, one) in [(taken, one), (other, 0.0)] {
                    self.visit(node, length, depth + 1, Arrival { feature, zero: zero * share, one })?;
                }
            }
        }
        self.path.truncate(start);
        Ok(())
    }

    fn add_leaf(&mut self, value: f64, start: usize) {
        let path = &self.path[start..];
        // Without any number known, a row reaches the leaf by the shares alone.
        self.expected += value * path.iter().map(|element| element.zero).product::<f64>();
        for (position, element) in path.iter().enumerate().skip(1) {
            if let Some(out) = self.out.get_mut(element.feature as usize) {
                *out += unwound_weight(path, position) * (element.one - element.zero) * value;
            }
        }
    }
}

/// Adds an element to the path from `start` on: every coalition so far, with it and without.
fn extend(path: &mut Vec<Element>, start: usize, Arrival { feature, zero, one }: Arrival) {
    let depth = path.len() - start;
    path.push(Element { feature, zero, one, weight: if depth == 0 { 1.0 } else { 0.0 } });
    let path = &mut path[start..];
    let size = (depth + 1) as f64;
    for position in (0..depth).rev() {
        let weight = path[position].weight;
        path[position + 1].weight += one * weight * (position + 1) as f64 / size;
        path[position].weight = zero * weight * (depth - position) as f64 / size;
    }
}

/// Takes an element out of the path from `start` on, as if it had never been added.
fn unwind(path: &mut Vec<Element>, start: usize, element: usize) {
    let path_from = &mut path[start..];
    let depth = path_from.len() - 1;
    let Element { zero, one, .. } = path_from[element];
    let size = (depth + 1) as f64;
    let mut next = path_from[depth].weight;
    for position in (0..depth).rev() {
        let weight = path_from[position].weight;
        path_from[position].weight = if one == 0.0 {
            weight * size / (zero * (depth - position) as f64)
        } else {
            let unwound = next * size / ((position + 1) as f64 * one);
            next = weight - unwound * zero * (depth - position) as f64 / size;
            unwound
        };
    }
    for position in element..depth {
        let Element { feature, zero, one, .. } = path_from[position + 1];
        path_from[position] = Element { feature, zero, one, weight: path_from[position].weight };
    }
    path.pop();
}

/// What the weights of the path add up to once an element is taken out.
fn unwound_weight(path: &[Element], element: usize) -> f64 {
    let depth = path.len() - 1;
    let Element { zero, one, .. } = path[element];
    let size = (depth + 1) as f64;
    let (mut next, mut total) = (path[depth].weight, 0.0);
    for position in (0..depth).rev() {
        let weight = path[position].weight;
        if one == 0.0 {
            total += weight * size / (zero * (depth - position) as f64);
        } else {
            let unwound = next * size / ((position + 1) as f64 * one);
            total += unwound;
            next = weight - unwound * zero * (depth - position) as f64 / size;
        }
    }
    total
}
