/** The two-sample Kolmogorov–Smirnov test: the largest distance of two distributions, and its chance. */
export interface Distance {
  /** sup |F(x) − G(x)|, from 0 to 1. */
  readonly d: number;
  /** How likely a distance of at least `d` is where both samples are of one distribution. */
  readonly p: number;
}

export function distanceOf(one: readonly number[], other: readonly number[]): Distance {
  const [a, b] = [one, other].map((sample) => [...sample].sort((x, y) => x - y));
  if (!a?.length || !b?.length) throw new RangeError('a sample is empty');
  let [i, j, d] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const at = Math.min(a[i] ?? 0, b[j] ?? 0);
    // Ties are one step of both.
    while (i < a.length && a[i] === at) i += 1;
    while (j < b.length && b[j] === at) j += 1;
    d = Math.max(d, Math.abs(i / a.length - j / b.length));
  }
  return { d, p: chanceOf(d, Math.sqrt((a.length * b.length) / (a.length + b.length))) };
}

/** The limit distribution with Stephens' correction for samples that are finite. */
function chanceOf(d: number, root: number): number {
  const lambda = (root + 0.12 + 0.11 / root) * d;
  let sum = 0;
  for (let k = 1; k <= 100; k += 1) {
    const term = Math.exp(-2 * k * k * lambda * lambda);
    sum += k % 2 === 1 ? term : -term;
    if (term < 1e-12) return Math.min(1, Math.max(0, 2 * sum));
  }
  // The sum does not settle where the distance is next to nothing.
  return 1;
}
