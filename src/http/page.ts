// Pages that the server writes itself, in the looks of the web app's door: for people who stand where the app is not.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONTENT_SECURITY_POLICY } from './security.ts';

/** Addresses go down no further than this; what has more slashes was made to be answered with a very long page. */
const MOST_STEPS = 32;

const LOGO =
  '<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" /><path class="logo-margin" d="M9.5 5.5v21" /><path d="M12.5 17l4 4 7.5-10" /></svg>';

const LINES = ['Write it down', 'Get it done', 'Tick it off']
  .map(
    (line) =>
      `<li><svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="9.5" /><path d="M7 12.5l3.5 3.5L17 8.5" pathLength="1" /></svg><span>${line}</span></li>`,
  )
  .join('');

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** The way from a page up to the root, whatever path of a proxy that is below: `./` for `/nonsense`, `../` for `/foo/bar`. */
export function rootFrom({ url }: Pick<FastifyRequest, 'url'>): string {
  const [path = ''] = url.split('?', 1);
  const steps = Math.min(path.split('/').length - 2, MOST_STEPS);
  return steps > 0 ? '../'.repeat(steps) : './';
}

function documentOf(root: string, title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
    <meta name="robots" content="noindex" />
    <meta name="theme-color" content="#f6f3ec" media="(prefers-color-scheme: light)" />
    <meta name="theme-color" content="#161b19" media="(prefers-color-scheme: dark)" />
    <title>${escapeHtml(title)} · Donewell</title>
    <link rel="icon" type="image/svg+xml" href="${root}icon.svg" />
    <link rel="stylesheet" href="${root}style.css" />
    <script src="${root}theme.js"></script>
  </head>
  <body>
${body}
  </body>
</html>
`;
}

export interface Notice {
  title: string;
  /** A sentence for a person. */
  words: string;
  /** What the one button says; it leads to the app. */
  onwards: string;
  smallPrint?: string;
}

/** One thing said at the door, and the way on. */
export function noticePage(root: string, { title, words, onwards, smallPrint }: Notice): string {
  const small = smallPrint ? `\n          <p class="small-print">${escapeHtml(smallPrint)}</p>` : '';
  return documentOf(
    root,
    title,
    `    <main class="door">
      <div class="door-words">
        ${LOGO}
        <h1>Donewell</h1>
        <p class="lead">A well-kept list, the same on every device, down to the last line.</p>
        <ul class="door-lines" aria-hidden="true">${LINES}</ul>
      </div>
      <section class="sheet door-sheet" aria-labelledby="door-title">
        <div class="door-steps">
          <h2 id="door-title">${escapeHtml(title)}</h2>
          <p>${escapeHtml(words)}</p>
          <a class="button primary wide" href="${root}">${escapeHtml(onwards)}</a>${small}
        </div>
      </section>
    </main>`,
  );
}

/** Something to read. `content` is HTML. */
export function readingPage(
  root: string,
  { title, lead, content }: { title: string; lead: string; content: string },
): string {
  return documentOf(
    root,
    title,
    `    <main class="paper">
      <header>
        <a class="brand" href="${root}">${LOGO}<span>Donewell</span></a>
        <h1>${escapeHtml(title)}</h1>
        <p class="lead">${lead}</p>
      </header>
${content}
    </main>`,
  );
}

/** Under the policy of all pages, wherever the refusal came from. */
export function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply
    .header('content-security-policy', CONTENT_SECURITY_POLICY)
    .type('text/html; charset=utf-8')
    .send(html);
}

/** How much a type that is named is wanted, from 0 to 1; undefined for one that is not. */
function qualityOf(accepted: string, type: string): number | undefined {
  for (const range of accepted.toLowerCase().split(',')) {
    const [name, ...parameters] = range.split(';').map((part) => part.trim());
    if (name !== type) continue;
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    return quality === undefined ? 1 : Number(quality.slice(2)) || 0;
  }
  return undefined;
}

/** Somebody looks at the answer: a browser asks for HTML by name, programs do not, or name JSON, too. */
export function wantsPage(accepted = ''): boolean {
  const html = qualityOf(accepted, 'text/html') ?? 0;
  const json = ['application/json', 'application/problem+json'].map((type) => qualityOf(accepted, type) ?? 0);
  return html > Math.max(...json);
}
