// QR codes as small SVG images: black on white whatever is behind them, since cameras need the contrast.
import { onDemand } from '../../on-demand.ts';

/** Modules of white around the code, without which readers do not find it. */
const QUIET_ZONE = 4;

/** One rectangle for each run of dark modules. */
function runs(row: readonly boolean[], y: number): string {
  const line = row.map((dark) => (dark ? '#' : ' ')).join('');
  return [...line.matchAll(/#+/g)]
    .map(({ index, 0: run }) => `M${index} ${y}h${run.length}v1h-${run.length}z`)
    .join('');
}

export function qrSvg(text: string): string {
  const { encodeQR } = onDemand('qr');
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_ZONE });
  const size = rows.length;
  const path = rows.map(runs).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${path}"/></svg>`;
}
