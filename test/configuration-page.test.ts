// What is written about the settings is what the settings are.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { VARIABLES } from '../src/config.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const page = readFileSync(path.join(ROOT, 'docs/configuration.md'), 'utf8');
const example = readFileSync(path.join(ROOT, '.env.example'), 'utf8');

it.each(Object.entries(VARIABLES))(
  '%s is described with its default and its one sentence',
  (name, { doc, defaultText }) => {
    expect(page).toContain(`| \`${name}\` | ${defaultText} | ${doc}`);
    expect(example).toContain(`# ${doc}`);
    expect(example).toMatch(new RegExp(`^#${name}=`, 'm'));
  },
);

it('describes nothing that is not a setting', () => {
  const described = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
  expect(described).toEqual(Object.keys(VARIABLES));
});
