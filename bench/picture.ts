// The pictures in the report, drawn as plain SVG that is readable in light and dark.

export interface Bar {
  label: string;
  value: number;
  lowest: number;
  highest: number;
  isOurs: boolean;
}

export interface BarGroup {
  title: string;
  bars: Bar[];
}

const WIDTH = 760;
const LABELS = 230;
const ROW = 22;
const GROUP_GAP = 34;
const FIGURES = 70;
/** Around the whole. */
const MARGIN = 16;

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Bars from nothing to the fastest of their group. The thin line is the spread of the rounds. */
export function barPicture(title: string, groups: readonly BarGroup[]): string {
  const room = WIDTH - LABELS - FIGURES;
  let y = 40;
  const parts: string[] = [];
  for (const group of groups) {
    const most = Math.max(...group.bars.map(({ highest }) => highest));
    const x = (value: number) => LABELS + (room * value) / most;
    parts.push(`<text class="title" x="0" y="${y + 14}">${escaped(group.title)}</text>`);
    y += ROW;
    for (const { label, value, lowest, highest, isOurs } of group.bars) {
      const middle = y + ROW / 2;
      parts.push(
        `<text class="label" x="${LABELS - 8}" y="${middle + 4}">${escaped(label)}</text>`,
        `<rect class="${isOurs ? 'ours' : 'bar'}" x="${LABELS}" y="${y + 4}" width="${(x(value) - LABELS).toFixed(1)}" height="${ROW - 8}" rx="2"/>`,
        `<path class="spread" d="M${x(lowest).toFixed(1)} ${middle}H${x(highest).toFixed(1)}"/>`,
        `<text class="figure" x="${(Math.max(x(value), x(highest)) + 6).toFixed(1)}" y="${middle + 4}">${Math.round(value).toLocaleString('en')}</text>`,
      );
      y += ROW;
    }
    y += GROUP_GAP - ROW;
  }
  return drawing(title, y, parts);
}

function drawing(title: string, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${-MARGIN} ${-MARGIN} ${WIDTH + 2 * MARGIN} ${height + 2 * MARGIN}" role="img" aria-label="${escaped(title)}">
<style>
  svg { background: #fff; font: 13px system-ui, sans-serif; }
  text { fill: #24292f; } .title { font-weight: 600; } .head { font-size: 15px; font-weight: 600; } .label { text-anchor: end; }
  .bar { fill: #9aa4af; } .ours { fill: #2f6f4f; } .spread { stroke: #24292f; stroke-width: 1.5; }
  .curve { fill: none; stroke: #2f6f4f; stroke-width: 2; } .axis { stroke: #9aa4af; } .tick { font-size: 10px; text-anchor: middle; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; } text { fill: #e6edf3; } .bar { fill: #57606a; } .ours { fill: #4caf7d; } .spread { stroke: #e6edf3; }
    .curve { stroke: #4caf7d; } .axis { stroke: #57606a; }
  }
</style>
<text class="head" x="0" y="18">${escaped(title)}</text>
${parts.join('\n')}
</svg>
`;
}

export interface Curve {
  title: string;
  points: { x: number; y: number }[];
}

const COLUMNS = 3;
const PANEL = 220;
const PANEL_HEIGHT = 110;
const PANEL_GAP = 76;

/** One curve in a panel of its own: across it grows tenfold by tenfold, upwards from nothing. */
function panel({ title, points }: Curve, left: number, top: number): string[] {
  const [first, last] = [Math.log(points[0]?.x ?? 1), Math.log(points.at(-1)?.x ?? 1)];
  const most = Math.max(...points.map(({ y }) => y)) * 1.15;
  const across = (x: number) => left + 8 + ((PANEL - 16) * (Math.log(x) - first)) / (last - first || 1);
  const bottom = top + PANEL_HEIGHT;
  const placed = points.map(({ x, y }) => ({ x, y, at: across(x), up: bottom - (PANEL_HEIGHT * y) / most }));
  const line = placed.map(({ at, up }) => `${at.toFixed(1)} ${up.toFixed(1)}`).join('L');
  return [
    `<text x="${left}" y="${top - 8}">${escaped(title)}</text>`,
    `<path class="axis" d="M${left} ${bottom}H${left + PANEL}"/>`,
    `<path class="curve" d="M${line}"/>`,
    ...placed.flatMap(({ x, y, at, up }) => [
      `<circle class="ours" cx="${at.toFixed(1)}" cy="${up.toFixed(1)}" r="3"/>`,
      `<text class="tick" x="${at.toFixed(1)}" y="${(up - 7).toFixed(1)}">${figure(y)}</text>`,
      `<text class="tick" x="${at.toFixed(1)}" y="${bottom + 14}">${short(x)}</text>`,
    ]),
  ];
}

/** With what tells two small figures apart. */
function figure(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0);
}

function short(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 1_000 ? `${value / 1_000}k` : String(value);
}

/** Curves beside and below each other. */
export function curvePicture(title: string, curves: readonly Curve[]): string {
  const parts = curves.flatMap((curve, index) =>
    panel(
      curve,
      (index % COLUMNS) * (PANEL + 40),
      62 + Math.floor(index / COLUMNS) * (PANEL_HEIGHT + PANEL_GAP),
    ),
  );
  const rows = Math.ceil(curves.length / COLUMNS);
  return drawing(title, 40 + rows * (PANEL_HEIGHT + PANEL_GAP), parts);
}
