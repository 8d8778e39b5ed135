//! One decision tree on binned rows, grown leaf by leaf where it gains most.
//!
//! A row brings a slope and a curvature: those of the loss for boosting, minus its label and 1 for bagging, where the gain is
//! then the drop in variance and a leaf's value the mean label. At each node some of the columns are drawn and their bins
//! summed over the node's rows. Each column is summed by one thread and in row order, so a tree does not depend on how many
//! threads there are. Where every node looks at all columns, only the smaller of two children is summed: the sums of the larger
//! one are what is left of their parent's (histogram subtraction, as in LightGBM; Ke et al. 2017).

use std::{cmp::Ordering, collections::BinaryHeap, thread};

use lakehouse_models::Random;

use super::binned::{ABSENT, Binned};

/// Below this many additions a second thread costs more than it does.
const ADDITIONS_PER_THREAD: usize = 200_000;
/// A gain that is rounding only.
const NO_GAIN: f64 = 1e-12;
/// Sums of nodes are kept for their children while those of all leaves take no more than this.
const KEPT_BYTES: usize = 64 << 20;

/// How a tree may grow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_leaves: usize,
    pub(super) max_depth: usize,
    /// No leaf has fewer rows,
    pub(super) min_rows: usize,
    /// or a smaller sum of curvatures.
    pub(super) min_curvature: f64,
    /// Penalty on squared leaf values.
    pub(super) l2: f64,
    /// Share of the columns that a node looks at, at least one.
    pub(super) columns_share: f64,
    /// One threshold is drawn for each column instead of the best one being looked for.
    pub(super) random_thresholds: bool,
    pub(super) threads: usize,
}

#[derive(Debug)]
pub(super) struct Tree {
    /// The root first, children after their parents.
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) split: Option<Split>,
    /// What a leaf adds: minus the sum of slopes over that of curvatures.
    pub(super) value: f64,
    /// The weight of the rows it was grown on.
    pub(super) cover: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Split {
    pub(super) feature: u32,
    /// Rows up to this bin go left.
    pub(super) last_left: u8,
    pub(super) missing_left: bool,
    pub(super) left: usize,
    pub(super) right: usize,
}

/// What rows bring to a node.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    slope: f64,
    curvature: f64,
    rows: u32,
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self { slope: self.slope + other.slope, curvature: self.curvature + other.curvature, rows: self.rows + other.rows }
    }

    fn minus(self, other: Self) -> Self {
        Self { slope: self.slope - other.slope, curvature: self.curvature - other.curvature, rows: self.rows - other.rows }
    }
}

/// The rows of a node, with what they bring.
#[derive(Debug, Clone, Copy)]
struct Rows<'a> {
    rows: &'a [u32],
    slopes: &'a [[f64; 2]],
    sums: Sums,
}

#[derive(Debug, Clone)]
struct Found {
    gain: f64,
    split: Split,
}

/// A leaf that can be split, and the rows in it.
struct Leaf {
    node: usize,
    depth: usize,
    rows: Vec<u32>,
    found: Found,
    histograms: Option<Histograms>,
}

/// What the rows of a node bring to each bin of each column.
type Histograms = Vec<Vec<Sums>>;

/// The most gain first, then the earliest node.
impl Ord for Leaf {
    fn cmp(&self, other: &Self) -> Ordering {
        self.found.gain.total_cmp(&other.found.gain).then_with(|| other.node.cmp(&self.node))
    }
}

impl PartialOrd for Leaf {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Leaf {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Leaf {}

/// The rows a tree is grown on.
#[derive(Debug)]
pub(super) struct Grower<'a> {
    pub(super) limits: Limits,
    pub(super) binned: &'a Binned,
    /// Columns that vary.
    pub(super) columns: &'a [u32],
    /// Slope and curvature by row.
    pub(super) slopes: &'a [[f64; 2]],
    /// The weight of a row in a node's cover.
    pub(super) weights: &'a [f64],
}

impl Grower<'_> {
    /// Grows a tree on `rows`, each as often as it stands there.
    pub(super) fn grow(&self, rows: Vec<u32>, random: &mut Random) -> Tree {
        let mut tree = Tree { nodes: Vec::new() };
        let mut open = BinaryHeap::new();
        let histograms = self.keeps_histograms().then(|| self.histograms(&rows));
        open.extend(self.add_node(&mut tree, rows, histograms, 0, random));
        let mut leaves = 1;
        while leaves < self.limits.max_leaves
            && let Some(leaf) = open.pop()
        {
            let goes_left = |row: &u32| self.binned.goes_left(&leaf.found.split, *row);
            let (left_rows, right_rows): (Vec<u32>, Vec<u32>) = leaf.rows.iter().partition(|row| goes_left(row));
            let mut split = leaf.found.split;
            let depth = leaf.depth + 1;
            let kept = leaf.histograms.filter(|_| depth < self.limits.max_depth);
            let [of_left, of_right] = self.histograms_of_children(kept, &left_rows, &right_rows);
            split.left = tree.nodes.len();
            open.extend(self.add_node(&mut tree, left_rows, of_left, depth, random));
            split.right = tree.nodes.len();
            open.extend(self.add_node(&mut tree, right_rows, of_right, depth, random));
            if let Some(node) = tree.nodes.get_mut(leaf.node) {
                node.split = Some(split);
            }
            leaves += 1;
        }
        tree
    }

    /// Adds a leaf, and tells how it could be split.
    fn add_node(
        &self,
        tree: &mut Tree,
        rows: Vec<u32>,
        histograms: Option<Histograms>,
        depth: usize,
        random: &mut Random,
    ) -> Option<Leaf> {
        let node = tree.nodes.len();
        let (mut sums, mut cover) = (Sums::default(), 0.0);
        for row in &rows {
            let [slope, curvature] = self.slopes[*row as usize];
            sums = sums.plus(Sums { slope, curvature, rows: 1 });
            cover += self.weights[*row as usize];
        }
        let value = -sums.slope / (sums.curvature + self.limits.l2);
        tree.nodes.push(Node { split: None, value: if value.is_finite() { value } else { 0.0 }, cover });
        let first = rows.first().map(|row| self.slopes[*row as usize]);
        let is_pure = || rows.iter().all(|row| Some(self.slopes[*row as usize]) == first);
        let may_split = depth < self.limits.max_depth && rows.len() >= 2 * self.limits.min_rows && !is_pure();
        let found = match &histograms {
            _ if !may_split => None,
            Some(histograms) => self.best_of_all(histograms, sums),
            None => self.best_split(&rows, sums, random),
        };
        found.map(|found| Leaf { node, depth, rows, found, histograms })
    }

    fn keeps_histograms(&self) -> bool {
        let bins: usize = self.columns.iter().map(|column| self.binned.column(*column).bin_count()).sum();
        let bytes = (bins * size_of::<Sums>()).saturating_mul(self.limits.max_leaves);
        self.limits.columns_share >= 1.0 && !self.limits.random_thresholds && bytes <= KEPT_BYTES
    }

    fn histograms(&self, rows: &[u32]) -> Histograms {
        let slopes: Vec<[f64; 2]> = rows.iter().map(|row| self.slopes[*row as usize]).collect();
        let of_share = |share: &[u32]| {
            let of_column = |column: &u32| {
                let mut histogram = Vec::new();
                self.fill(*column, rows, &slopes, &mut histogram);
                histogram
            };
            share.iter().map(of_column).collect::<Histograms>()
        };
        self.in_shares(self.columns, rows.len(), of_share).into_iter().flatten().collect()
    }

    fn histograms_of_children(&self, parent: Option<Histograms>, left: &[u32], right: &[u32]) -> [Option<Histograms>; 2] {
        let Some(mut large) = parent else { return [None, None] };
        let is_left_small = left.len() <= right.len();
        let small = self.histograms(if is_left_small { left } else { right });
        for (bin, other) in large.iter_mut().flatten().zip(small.iter().flatten()) {
            let rest = bin.minus(*other);
            // What is left of sums without rows is rounding only.
            *bin = if rest.rows == 0 { Sums::default() } else { rest };
        }
        if is_left_small { [Some(small), Some(large)] } else { [Some(large), Some(small)] }
    }

    fn best_of_all(&self, histograms: &Histograms, sums: Sums) -> Option<Found> {
        let columns = self.columns.iter().zip(histograms);
        columns.fold(None, |best, (column, histogram)| better(best, self.best_cut(*column, 0, sums, histogram)))
    }

    /// The split that gains most among some of the columns; where none of those can be split, among the next ones.
    fn best_split(&self, rows: &[u32], sums: Sums, random: &mut Random) -> Option<Found> {
        let mut columns = self.columns.to_vec();
        let looked_at = ((columns.len() as f64 * self.limits.columns_share).round() as usize).max(1);
        let slopes: Vec<[f64; 2]> = rows.iter().map(|row| self.slopes[*row as usize]).collect();
        let mut start = 0;
        while start < columns.len() {
            if looked_at < columns.len() {
                random.choose_front(&mut columns[start..], looked_at);
            }
            let end = (start + looked_at).min(columns.len());
            let draw = |column: &u32| (*column, if self.limits.random_thresholds { random.next_u64() } else { 0 });
            let work: Vec<(u32, u64)> = columns[start..end].iter().map(draw).collect();
            let found = self.best_of(&work, Rows { rows, slopes: &slopes, sums });
            if found.is_some() {
                return found;
            }
            start = end;
        }
        None
    }

    /// The best split of these columns; of equal ones, that of the first.
    fn best_of(&self, work: &[(u32, u64)], node: Rows<'_>) -> Option<Found> {
        let of_share = |share: &[(u32, u64)]| {
            let mut histogram = Vec::new();
            share.iter().fold(None, |best, (column, draw)| {
                self.fill(*column, node.rows, node.slopes, &mut histogram);
                better(best, self.best_cut(*column, *draw, node.sums, &histogram))
            })
        };
        self.in_shares(work, node.rows.len(), of_share).into_iter().fold(None, better)
    }

    /// Divides work on columns among threads; what they give is in the order of the columns.
    fn in_shares<T: Sync, R: Send>(&self, work: &[T], rows: usize, of_share: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
        let threads = (rows * work.len() / ADDITIONS_PER_THREAD).clamp(1, self.limits.threads.max(1));
        if threads == 1 {
            return vec![of_share(work)];
        }
        thread::scope(|scope| {
            let of_share = &of_share;
            let shares = work.chunks(work.len().div_ceil(threads));
            let handles: Vec<_> = shares.map(|share| scope.spawn(move || of_share(share))).collect();
            // A thread only adds and compares numbers; a bug in it goes on as one here.
            let join =
                |handle: thread::ScopedJoinHandle<'_, _>| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            handles.into_iter().map(join).collect()
        })
    }

    /// Sums what rows bring to the bins of a column.
    fn fill(&self, column: u32, rows: &[u32], slopes: &[[f64; 2]], histogram: &mut Vec<Sums>) {
        let binned = self.binned.column(column);
        histogram.clear();
        histogram.resize(binned.bin_count(), Sums::default());
        for (row, [slope, curvature]) in rows.iter().zip(slopes) {
            let bin = &mut histogram[usize::from(binned.bins[*row as usize])];
            *bin = bin.plus(Sums { slope: *slope, curvature: *curvature, rows: 1 });
        }
    }

    /// The best cut of a column.
    fn best_cut(&self, column: u32, draw: u64, sums: Sums, histogram: &[Sums]) -> Option<Found> {
        let absent = histogram[usize::from(ABSENT)];
        let only = self.limits.random_thresholds.then(|| drawn_bin(histogram, draw));
        let mut best: Option<Found> = None;
        let mut below = Sums::default();
        for (last_left, bin) in histogram.iter().enumerate().take(histogram.len() - 1) {
            // Bin 0 first: absent to the left, everything present to the right.
            if last_left > 0 {
                if bin.rows == 0 {
                    continue;
                }
                below = below.plus(*bin);
            }
            if only.is_some_and(|only| only != last_left) {
                continue;
            }
            for missing_left in [false, true] {
                let (left, is_twice) =
                    if missing_left { (below.plus(absent), absent.rows == 0) } else { (below, last_left == 0) };
                if is_twice {
                    continue;
                }
                let right = sums.minus(left);
                let gain = self.gain(left, right, sums);
                // Where nothing is absent, absent goes where more rows went.
                let missing_left = if absent.rows == 0 { left.rows >= right.rows } else { missing_left };
                let split = Split { feature: column, last_left: last_left as u8, missing_left, left: 0, right: 0 };
                best = better(best, gain.map(|gain| Found { gain, split }));
            }
        }
        best
    }

    fn gain(&self, left: Sums, right: Sums, both: Sums) -> Option<f64> {
        let Limits { min_rows, min_curvature, l2, .. } = self.limits;
        let is_large = |side: Sums| side.rows as usize >= min_rows.max(1) && side.curvature >= min_curvature;
        let score = |side: Sums| side.slope * side.slope / (side.curvature + l2);
        let gain = score(left) + score(right) - score(both);
        (is_large(left) && is_large(right) && gain > NO_GAIN).then_some(gain)
    }
}

/// A bin to cut after, between the lowest and the highest bin that has rows.
fn drawn_bin(histogram: &[Sums], draw: u64) -> usize {
    let filled = |(_, bin): &(usize, &Sums)| bin.rows > 0;
    let mut bins = histogram.iter().enumerate().skip(1).filter(filled).map(|(position, _)| position);
    let Some(low) = bins.next() else { return 0 };
    let high = bins.next_back().unwrap_or(low);
    let choices = (high - low).max(1) as u128;
    // The cut stands after a bin that has rows, as all cuts that are looked at.
    let drawn = low + ((u128::from(draw) * choices) >> 64) as usize;
    (low..=drawn).rev().find(|bin| histogram[*bin].rows > 0).unwrap_or(low)
}

fn better(one: Option<Found>, other: Option<Found>) -> Option<Found> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.gain > one.gain { other } else { one }),
        (one, other) => one.or(other),
    }
}
