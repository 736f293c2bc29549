// The seven states of a pod: word, order, and the shapes the canvas draws (same as sprite.html).

export const STATES = [
  ["run", "running"],
  ["wait", "not ready"],
  ["pend", "pending"],
  ["fail", "failing"],
  ["term", "terminating"],
  ["lost", "unreachable"],
  ["done", "finished"],
];
export const WORDS = Object.fromEntries(STATES);

// Draw a state in a square of `size` at (x, y).
export function drawShape(context, state, x, y, size, colour) {
  const inset = size * 0.12;
  const side = size - 2 * inset;
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1, size * 0.13);
  const draw = SHAPES[state] ?? SHAPES.lost;
  draw(context, x + inset, y + inset, side);
}

const box = (c, x, y, s) => {
  const half = c.lineWidth / 2;
  c.strokeRect(x + half, y + half, s - 2 * half, s - 2 * half);
};

const SHAPES = {
  run: (c, x, y, s) => c.fillRect(x, y, s, s),
  wait: (c, x, y, s) => {
    box(c, x, y, s);
    c.fillRect(x, y + s / 2, s, s / 2);
  },
  pend: (c, x, y, s) => {
    c.beginPath();
    c.arc(x + s / 2, y + s / 2, (s - c.lineWidth) / 2, 0, Math.PI * 2);
    c.stroke();
  },
  done: (c, x, y, s) => {
    c.beginPath();
    c.moveTo(x, y + s * 0.55);
    c.lineTo(x + s * 0.38, y + s * 0.9);
    c.lineTo(x + s, y + s * 0.15);
    c.stroke();
  },
  fail: (c, x, y, s) => {
    c.beginPath();
    c.moveTo(x + s / 2, y - s * 0.06);
    c.lineTo(x + s * 1.06, y + s);
    c.lineTo(x - s * 0.06, y + s);
    c.fill();
  },
  term: (c, x, y, s) => {
    box(c, x, y, s);
    c.beginPath();
    c.moveTo(x, y + s);
    c.lineTo(x + s, y);
    c.stroke();
  },
  lost: (c, x, y, s) => {
    c.setLineDash([s / 5, s / 6]);
    box(c, x, y, s);
    c.setLineDash([]);
  },
};
