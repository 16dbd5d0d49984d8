//! Where qubits stand in a picture: what is coupled stands close together.

/// A point for each qubit, so that distances are about the numbers of couplings between them.
///
/// Stress majorization (Gansner, Koren and North, "Graph drawing by stress majorization", GD 2004),
/// begun from the differences of distances to the ends of two long paths across each other, which
/// folds nothing.
pub(super) fn points(n: usize, edges: &[(usize, usize)]) -> Vec<[f64; 2]> {
    let distances = distances(n, edges);
    let d = |a: usize, b: usize| distances[a * n + b];
    let farthest = |score: &dyn Fn(usize) -> f64| {
        (0..n).max_by(|&a, &b| score(a).total_cmp(&score(b)).then(b.cmp(&a))).unwrap_or(0)
    };
    let left = farthest(&|i| d(0, i));
    let right = farthest(&|i| d(left, i));
    let top = farthest(&|i| d(left, i).min(d(right, i)) - (d(left, i) - d(right, i)).abs());
    let bottom = farthest(&|i| d(top, i) - (d(left, i) - d(right, i)).abs());
    // A little off a line, so that nothing stays on one by symmetry.
    let start = |i: usize| {
        let off = 0.01 * (i as f64 * 2.4).sin();
        [(d(left, i) - d(right, i)) / 2.0, (d(top, i) - d(bottom, i)) / 2.0 + off]
    };
    let mut points: Vec<[f64; 2]> = (0..n).map(start).collect();
    let rounds = (20_000_000 / (n * n).max(1)).clamp(5, 100);
    for _ in 0..rounds {
        for i in 0..n {
            let (mut sum, mut weights) = ([0.0; 2], 0.0);
            for j in (0..n).filter(|&j| j != i) {
                let weight = d(i, j).powi(-2);
                let off = [points[i][0] - points[j][0], points[i][1] - points[j][1]];
                let length = off[0].hypot(off[1]).max(1e-9);
                for axis in 0..2 {
                    sum[axis] += weight * (points[j][axis] + d(i, j) * off[axis] / length);
                }
                weights += weight;
            }
            if weights > 0.0 {
                points[i] = sum.map(|sum| sum / weights);
            }
        }
    }
    points
}

/// The least number of couplings between any two qubits; where there is no path, a little more than
/// the longest of all paths.
fn distances(n: usize, edges: &[(usize, usize)]) -> Vec<f64> {
    let neighbours = neighbours(n, edges);
    let mut distances = vec![usize::MAX; n * n];
    for from in 0..n {
        let row = &mut distances[from * n..(from + 1) * n];
        row[from] = 0;
        let mut reached = vec![from];
        let mut next = 0;
        while let Some(&at) = reached.get(next) {
            next += 1;
            for &to in &neighbours[at] {
                if row[to] == usize::MAX {
                    row[to] = row[at] + 1;
                    reached.push(to);
                }
            }
        }
    }
    let longest = distances.iter().filter(|d| **d != usize::MAX).max().copied().unwrap_or(0);
    distances.into_iter().map(|d| if d == usize::MAX { longest + 2 } else { d } as f64).collect()
}

fn neighbours(n: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut neighbours = vec![Vec::new(); n];
    for &(a, b) in edges {
        neighbours[a].push(b);
        neighbours[b].push(a);
    }
    neighbours
}

/// Directions of the picture that are tried, over a quarter of a turn.
const TURNS: usize = 30;

/// Placements that one direction may try.
const EFFORT: usize = 20_000;

/// A crossing of columns and rows for each qubit, so that what is coupled stands side by side or one
/// above the other; `None` if there is no such picture, or none was found. No larger than it must
/// be: the first column and row are 0.
pub(super) fn grid(edges: &[(usize, usize)], points: &[[f64; 2]]) -> Option<Vec<[i32; 2]>> {
    let neighbours = neighbours(points.len(), edges);
    let found = (0..TURNS).filter_map(|turn| {
        let (sin, cos) = (turn as f64 / TURNS as f64 * std::f64::consts::FRAC_PI_2).sin_cos();
        let turned: Vec<[f64; 2]> =
            points.iter().map(|[x, y]| [cos * x - sin * y, sin * x + cos * y]).collect();
        let mut placing = Placing::new(&neighbours, &turned);
        placing.all().then(|| arranged(folded(placing.at, &neighbours)))
    });
    found.min_by_key(|places| {
        let [width, height] = size(places);
        width * height
    })
}

/// The numbers of columns and of rows.
pub(super) fn size(places: &[[i32; 2]]) -> [i32; 2] {
    [0, 1].map(|axis| places.iter().map(|place| place[axis] + 1).max().unwrap_or(0))
}

/// With the qubits that have one neighbour where they make the picture smallest: nothing but that
/// neighbour says where they belong.
fn folded(mut places: Vec<[i32; 2]>, neighbours: &[Vec<usize>]) -> Vec<[i32; 2]> {
    let area = |places: &[[i32; 2]]| {
        let extent = |axis: usize| {
            let all = places.iter().map(|place| place[axis]);
            all.clone().max().unwrap_or(0) - all.min().unwrap_or(0) + 1
        };
        extent(0) * extent(1)
    };
    for (leaf, others) in neighbours.iter().enumerate() {
        let [beside] = others[..] else { continue };
        let [x, y] = places[beside];
        for place in [[x + 1, y], [x - 1, y], [x, y + 1], [x, y - 1]] {
            if places.contains(&place) {
                continue;
            }
            let before = std::mem::replace(&mut places[leaf], place);
            let now = area(&places);
            let was = std::mem::replace(&mut places[leaf], before);
            if now < area(&places) {
                places[leaf] = was;
            }
        }
    }
    places
}

/// Moved to the corner, wider than high, with qubit 0 as far up and left as turning over takes it.
fn arranged(mut places: Vec<[i32; 2]>) -> Vec<[i32; 2]> {
    for axis in 0..2 {
        let least = places.iter().map(|place| place[axis]).min().unwrap_or(0);
        places.iter_mut().for_each(|place| place[axis] -= least);
    }
    let [width, height] = size(&places);
    if height > width {
        places.iter_mut().for_each(|place| place.swap(0, 1));
    }
    let size = size(&places);
    for axis in 0..2 {
        let last = size[axis] - 1;
        if places.first().is_some_and(|first| 2 * first[axis] > last) {
            places.iter_mut().for_each(|place| place[axis] = last - place[axis]);
        }
    }
    places
}

/// Qubits that are placed one after the other, each beside one that stands already.
struct Placing<'a> {
    neighbours: &'a [Vec<usize>],
    points: &'a [[f64; 2]],
    /// The order, and for each the one beside which it is placed; none for the first of a part.
    order: Vec<(usize, Option<usize>)>,
    at: Vec<[i32; 2]>,
    placed: Vec<bool>,
    taken: std::collections::HashSet<[i32; 2]>,
    effort: usize,
}

impl<'a> Placing<'a> {
    fn new(neighbours: &'a [Vec<usize>], points: &'a [[f64; 2]]) -> Self {
        let n = points.len();
        let mut order = Vec::with_capacity(n);
        let mut listed = vec![false; n];
        for root in 0..n {
            if std::mem::replace(&mut listed[root], true) {
                continue;
            }
            let mut next = order.len();
            order.push((root, None));
            while let Some(&(at, _)) = order.get(next) {
                next += 1;
                for &to in &neighbours[at] {
                    if !std::mem::replace(&mut listed[to], true) {
                        order.push((to, Some(at)));
                    }
                }
            }
        }
        Self {
            neighbours,
            points,
            order,
            at: vec![[0, 0]; n],
            placed: vec![false; n],
            taken: std::collections::HashSet::new(),
            effort: EFFORT,
        }
    }

    /// Places all, going back where that does not work.
    fn all(&mut self) -> bool {
        let mut open: Vec<std::vec::IntoIter<[i32; 2]>> = Vec::new();
        while open.len() < self.order.len() {
            open.push(self.candidates(open.len()).into_iter());
            loop {
                let Some(last) = open.last_mut() else { return false };
                if self.effort == 0 {
                    return false;
                }
                self.effort -= 1;
                let step = last.next();
                let (qubit, _) = self.order[open.len() - 1];
                if self.placed[qubit] {
                    self.placed[qubit] = false;
                    self.taken.remove(&self.at[qubit]);
                }
                match step {
                    Some(place) => {
                        (self.at[qubit], self.placed[qubit]) = (place, true);
                        self.taken.insert(place);
                        break;
                    }
                    None => drop(open.pop()),
                }
            }
        }
        true
    }

    /// Where a qubit may stand, the place nearest to its direction first.
    fn candidates(&self, number: usize) -> Vec<[i32; 2]> {
        let (qubit, beside) = self.order[number];
        let Some(beside) = beside else {
            // Another part of the device stands to the right of the others.
            let column = self.taken.iter().map(|place| place[0] + 2).max().unwrap_or(0);
            return vec![[column, 0]];
        };
        let off = [0, 1].map(|axis| self.points[qubit][axis] - self.points[beside][axis]);
        let mut ways = [[1, 0], [0, 1], [-1, 0], [0, -1]];
        let along = |way: &[i32; 2]| f64::from(way[0]) * off[0] + f64::from(way[1]) * off[1];
        ways.sort_by(|a, b| along(b).total_cmp(&along(a)));
        let near = |a: [i32; 2], b: [i32; 2]| (a[0] - b[0]).abs() + (a[1] - b[1]).abs() == 1;
        let from = self.at[beside];
        let places = ways.map(|way| [from[0] + way[0], from[1] + way[1]]).into_iter();
        let fits = |place: &[i32; 2]| {
            let mut others = self.neighbours[qubit].iter().filter(|&&other| self.placed[other]);
            !self.taken.contains(place) && others.all(|&other| near(*place, self.at[other]))
        };
        places.filter(fits).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Rows of qubits in a line, joined by single qubits: the lattice of IBM's Eagle processors.
    pub(crate) fn eagle() -> Vec<(usize, usize)> {
        let rows = [(0, 14), (18, 15), (37, 15), (56, 15), (75, 15), (94, 15), (113, 14)];
        let mut edges = Vec::new();
        for (first, n) in rows {
            edges.extend((first..first + n - 1).map(|q| (q, q + 1)));
        }
        for (row, pair) in rows.windows(2).enumerate() {
            let ((above, _), (below, _)) = (pair[0], pair[1]);
            for k in 0..4 {
                let column = 4 * k + if row % 2 == 0 { 0 } else { 2 };
                let between = below - 4 + k;
                // The last row begins a column later.
                edges.push((above + column, between));
                edges.push((between, below + column - usize::from(row == 5)));
            }
        }
        edges
    }

    pub(crate) const FALCON: [(usize, usize); 28] = [
        (0, 1),
        (1, 2),
        (1, 4),
        (2, 3),
        (3, 5),
        (4, 7),
        (5, 8),
        (6, 7),
        (7, 10),
        (8, 9),
        (8, 11),
        (10, 12),
        (11, 14),
        (12, 13),
        (12, 15),
        (13, 14),
        (14, 16),
        (15, 18),
        (16, 19),
        (17, 18),
        (18, 21),
        (19, 20),
        (19, 22),
        (21, 23),
        (22, 25),
        (23, 24),
        (24, 25),
        (25, 26),
    ];

    fn assert_drawn(n: usize, edges: &[(usize, usize)], most: [i32; 2]) {
        let places = grid(edges, &points(n, edges)).unwrap();
        let mut all = places.clone();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n, "no two stand in one place");
        for &(a, b) in edges {
            let [x, y] = [0, 1].map(|axis| (places[a][axis] - places[b][axis]).abs());
            assert_eq!(x + y, 1, "{a} and {b}");
        }
        let [width, height] = size(&places);
        assert!(width <= most[0] && height <= most[1], "{width} by {height}");
    }

    #[test]
    fn lattices_are_drawn_on_a_grid() {
        let line: Vec<(usize, usize)> = (0..4).map(|q| (q, q + 1)).collect();
        assert_drawn(5, &line, [5, 1]);
        assert_drawn(5, &[(0, 1), (1, 2), (1, 3), (3, 4)], [4, 3]);
        assert_drawn(27, &FALCON, [12, 7]);
        assert_drawn(127, &eagle(), [16, 14]);
        let square: Vec<(usize, usize)> = (0..16)
            .flat_map(|q| {
                let right = (q % 4 < 3).then_some((q, q + 1));
                right.into_iter().chain((q < 12).then_some((q, q + 4)))
            })
            .collect();
        assert_drawn(16, &square, [4, 4]);
    }

    #[test]
    fn what_does_not_fit_a_grid_has_points_all_the_same() {
        let bow_tie = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (2, 4)];
        let points = points(5, &bow_tie);
        assert_eq!(grid(&bow_tie, &points), None);
        for &(a, b) in &bow_tie {
            let length = (points[a][0] - points[b][0]).hypot(points[a][1] - points[b][1]);
            assert!((0.7..1.4).contains(&length), "{length}");
        }
        assert!(points.iter().flatten().all(|x| x.is_finite()));
        assert_eq!(super::points(0, &[]), Vec::<[f64; 2]>::new());
        assert_eq!(super::points(3, &[]).len(), 3);
    }
}
