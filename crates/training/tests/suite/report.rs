//! Reports of a run.

use lakehouse_training::report::{comparison_svg, curves_svg, markdown};

use crate::{
    data::{made, spec},
    training::{ALL, run},
};

#[test]
fn a_run_is_told_in_a_table_and_two_charts() {
    let rows = made(2000, 1).rows();
    let champion = run(&spec(&ALL[..1]), &rows, None).expect("trains");
    let champion = &champion.candidates[0].model;
    let twice = [ALL[0], ("random_forest", "trees = 5"), ("random_forest", "trees = 10")];
    let outcome = run(&spec(&twice), &rows, Some(champion)).expect("trains");

    let table = markdown(&outcome);
    for text in ["- training: 1500 rows", "- test: 500 rows", "random_forest 2", "| present champion |", "| AP | 95 % |"] {
        assert!(table.contains(text), "{text} in {table}");
    }
    assert_eq!(table.matches("**").count(), 2, "one best: {table}");
    let cells = |line: &str| line.matches('|').count();
    let lines: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
    assert!(lines.iter().all(|line| cells(line) == cells(lines[0])), "{table}");

    let curves = curves_svg(&outcome).expect("draws");
    let bars = comparison_svg(&outcome).expect("draws");
    for (svg, texts) in
        [(&curves, ["recall", "precision", "random_forest 1, AP"]), (&bars, ["ROC AUC", "random_forest 1", "present champion"])]
    {
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        for text in texts {
            assert!(svg.contains(text), "{text} is written as text");
        }
    }
    assert_eq!(curves, curves_svg(&outcome).expect("draws"));
}
