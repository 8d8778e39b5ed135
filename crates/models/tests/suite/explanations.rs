//! Contributions are Shapley values: those of the shap package, and those of the definition.

use lakehouse_models::{Combine, ExplainError, FlatForest, Forest, Linear, LinearParts, Random, Scale, ScoringForm};

const TOLERANCE: f64 = 1e-9;

/// A forest and its Shapley values by shap 0.51 on scikit-learn 1.9; `golden/make_shap.py` made them.
#[derive(serde::Deserialize)]
struct Golden {
    name: String,
    form: ScoringForm,
    rows: Vec<Vec<f64>>,
    base: f64,
    contributions: Vec<Vec<f64>>,
}

fn assert_near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() < TOLERANCE, "{what}: {found} instead of {expected}");
}

#[test]
fn contributions_are_those_of_the_shap_package() {
    let golden: Vec<Golden> = serde_json::from_str(include_str!("../golden/shap.json")).expect("golden values");
    let mut compared = 0;
    for Golden { name, form, rows, base, contributions } in &golden {
        let mut found = Vec::new();
        for (row, expected) in rows.iter().zip(contributions) {
            assert_near(form.contributions(row, &mut found).expect("explains"), *base, name);
            for (found, expected) in found.iter().zip(expected) {
                assert_near(*found, *expected, name);
                compared += 1;
            }
            assert_near(form.probability(base + found.iter().sum::<f64>()), form.score(row), name);
        }
    }
    assert_eq!(compared, 2 * 20 * 6);
}

/// A tree over `width` numbers that looks at the same number again and again, absent numbers going either way.
fn push_random_tree(flat: &mut FlatForest, random: &mut Random, width: usize, depth: usize) {
    let mut uniform = |below: usize| random.below(below);
    flat.start_tree();
    let start = flat.next_node();
    // A full binary tree, level by level.
    let inner = (1_u32 << depth) - 1;
    for node in 0..2 * inner + 1 {
        let cover = 1.0 + uniform(1000) as f64;
        if node < inner {
            let children = [start + 2 * node + 1, start + 2 * node + 2];
            flat.push_split(uniform(width) as u32, uniform(10) as f64 / 10.0, children, uniform(2) == 0, cover);
        } else {
            flat.push_leaf(uniform(1000) as f64 / 1000.0, cover);
        }
    }
}

/// What a tree gives when only the numbers of `known` are known: both ways, in the shares of the covers, for the others.
fn expected(flat: &FlatForest, node: usize, row: &[f64], known: u32) -> f64 {
    let (left, right) = (flat.left[node] as usize, flat.right[node] as usize);
    if left == 0 {
        return flat.value[node];
    }
    let (feature, number) = (flat.feature[node], row[flat.feature[node] as usize]);
    if known & (1 << feature) != 0 {
        let goes_left = number < flat.threshold[node] || (number.is_nan() && flat.missing_left[node]);
        return expected(flat, if goes_left { left } else { right }, row, known);
    }
    let of = |child: usize| expected(flat, child, row, known) * flat.cover[child];
    (of(left) + of(right)) / (flat.cover[left] + flat.cover[right])
}

/// Shapley values by their definition: over all coalitions of the other numbers.
fn by_definition(flat: &FlatForest, row: &[f64]) -> Vec<f64> {
    let width = row.len();
    let factorial = |n: usize| (1..=n).product::<usize>() as f64;
    let value = |known: u32| flat.roots.iter().map(|root| expected(flat, *root as usize, row, known)).sum::<f64>();
    let of = |number: usize| {
        let others = (0..1_u32 << width).filter(|known| known & (1 << number) == 0);
        let gained = others.map(|known| {
            let size = known.count_ones() as usize;
            let weight = factorial(size) * factorial(width - size - 1) / factorial(width);
            weight * (value(known | 1 << number) - value(known))
        });
        gained.sum()
    };
    (0..width).map(of).collect()
}

#[test]
fn contributions_are_those_of_the_definition() {
    let mut random = Random::new(11, 1);
    let mut found = Vec::new();
    for case in 0..60 {
        let (width, depth) = (1 + random.below(7), 1 + random.below(5));
        let combine = if case % 2 == 0 { Combine::Sum { base: -1.5 } } else { Combine::Mean { odds_factor: 0.1 } };
        let mut flat = FlatForest::new(width as u32, combine);
        for _ in 0..3 {
            push_random_tree(&mut flat, &mut random, width, depth);
        }
        let form = ScoringForm::Forest(Forest::try_from(flat.clone()).expect("valid"));
        let (scale, factor, start) = if case % 2 == 0 { (Scale::LogOdds, 1.0, -1.5) } else { (Scale::LeafMean, 1.0 / 3.0, 0.0) };
        assert_eq!(form.scale(), scale);
        for _ in 0..3 {
            let row: Vec<f64> =
                (0..width).map(|_| if random.below(6) == 0 { f64::NAN } else { random.below(11) as f64 / 10.0 }).collect();
            let base = form.contributions(&row, &mut found).expect("explains");
            let none = flat.roots.iter().map(|root| expected(&flat, *root as usize, &row, 0)).sum::<f64>();
            assert_near(base, start + none * factor, "base");
            for (found, expected) in found.iter().zip(by_definition(&flat, &row)) {
                assert_near(*found, expected * factor, &format!("case {case}, {width} numbers, depth {depth}"));
            }
            assert_near(form.probability(base + found.iter().sum::<f64>()), form.score(&row), "score");
        }
    }
}

#[test]
fn a_linear_form_gives_each_number_its_term() {
    let parts = LinearParts { means: vec![1.0, 10.0], scales: vec![2.0, 5.0], weights: vec![0.5, -1.0], intercept: -2.0 };
    let form = ScoringForm::Linear(Linear::try_from(parts).expect("valid"));
    let mut found = Vec::new();
    assert_eq!(form.contributions(&[3.0, f64::NAN], &mut found), Ok(-2.0));
    assert_eq!(found, [0.5, 0.0]);
    assert_eq!(form.probability(-1.5), form.score(&[3.0, f64::NAN]));
}

#[test]
fn what_cannot_be_explained_says_so() {
    let explain = |flat: FlatForest| {
        let form = ScoringForm::Forest(Forest::try_from(flat).expect("valid"));
        form.contributions(&[0.5], &mut Vec::new())
    };
    let mut without_cover = FlatForest::new(1, Combine::Sum { base: 0.0 });
    push_random_tree(&mut without_cover, &mut Random::new(1, 1), 1, 2);
    without_cover.cover.clear();
    assert_eq!(explain(without_cover), Err(ExplainError::NoCover));

    let mut chain = FlatForest::new(1, Combine::Sum { base: 0.0 });
    chain.start_tree();
    for level in 0..200 {
        chain.push_split(0, 0.1, [2 * level + 1, 2 * level + 2], false, 2.0);
        chain.push_leaf(0.5, 1.0);
    }
    chain.push_leaf(0.5, 1.0);
    assert_eq!(explain(chain), Err(ExplainError::TooDeep));
}
