// The page of figures is what the bench writes: what is said about them by hand stands beside the bench, and nowhere else.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');

it('the page of figures says of them what bench/remarks.md says, word for word', () => {
  expect(read('docs/performance.md')).toContain(read('bench/remarks.md').trim());
});

it('the page of figures names the command, the machine and the commits that they are of', () => {
  const page = read('docs/performance.md');
  expect(page).toMatch(/`npm run bench[^`]*`/);
  expect(page).toMatch(/\d+ cores \([^)]+\), \d+ GB, Linux/);
  expect(page).toMatch(/commit [0-9a-f]{7}/);
});
