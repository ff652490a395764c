// The page on security: no requirement is passed over or counted twice, the sums are right, and what it names is there.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');
const page = readFileSync(path.join(ROOT, 'docs/security.md'), 'utf8');

/** OWASP ASVS 5.0, levels 1 and 2: how many requirements each section has. Within one they are numbered from 1 on. */
const SECTIONS: Record<string, number> = {
  ...{ '1.1': 2, '1.2': 9, '1.3': 11, '1.4': 3, '1.5': 2 },
  ...{ '2.1': 3, '2.2': 3, '2.3': 4, '2.4': 1 },
  ...{ '3.2': 2, '3.3': 4, '3.4': 6, '3.5': 5, '3.7': 2 },
  ...{ '4.1': 3, '4.2': 1, '4.3': 2, '4.4': 4 },
  ...{ '5.1': 1, '5.2': 3, '5.3': 2, '5.4': 3 },
  ...{ '6.1': 3, '6.2': 12, '6.3': 4, '6.4': 4, '6.5': 5, '6.6': 3, '6.8': 4 },
  ...{ '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 2, '7.6': 2 },
  ...{ '8.1': 2, '8.2': 3, '8.3': 1, '8.4': 1 },
  ...{ '9.1': 3, '9.2': 4 },
  ...{ '10.1': 2, '10.2': 2, '10.3': 4, '10.4': 11, '10.5': 5, '10.6': 2, '10.7': 3 },
  ...{ '11.1': 2, '11.2': 3, '11.3': 3, '11.4': 4, '11.5': 1, '11.6': 1 },
  ...{ '12.1': 3, '12.2': 2, '12.3': 4 },
  ...{ '13.1': 1, '13.2': 5, '13.3': 2, '13.4': 5 },
  ...{ '14.1': 2, '14.2': 4, '14.3': 3 },
  ...{ '15.1': 3, '15.2': 3, '15.3': 7 },
  ...{ '16.1': 1, '16.2': 5, '16.3': 4, '16.4': 3, '16.5': 3 },
  ...{ '17.1': 1, '17.2': 4, '17.3': 2 },
};
const REQUIREMENTS = Object.entries(SECTIONS).flatMap(([section, count]) =>
  Array.from({ length: count }, (_, index) => `${section}.${index + 1}`),
);
const STATES = ['met', 'partly', 'not', '—'];

const rowsWith = (id: RegExp) =>
  page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, id = '', what = '', state = '', where = '', ...rest]) => ({ id, what, state, where, rest }))
    .filter((row) => id.test(row.id));
const requirements = rowsWith(/^\d+\.\d+\.\d+$/);
const risks = rowsWith(/^API\d+$/);

describe('the page on security', () => {
  it('has each of the 253 requirements once, in order', () => {
    expect(REQUIREMENTS).toHaveLength(253);
    expect(requirements.map(({ id }) => id)).toEqual(REQUIREMENTS);
  });

  it('has each of the ten risks of an API once', () => {
    expect(risks.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, index) => `API${index + 1}`));
  });

  it('says of each in a few words what it is, how it stands, and where or why', () => {
    const unclear = [...requirements, ...risks].filter(
      ({ what, state, where, rest }) =>
        !STATES.includes(state) || where === '' || !/^(\S+ ){1,9}\S+$/.test(what) || rest.join('') !== '',
    );
    expect(unclear).toEqual([]);
  });

  it('counts them rightly', () => {
    const [met, partly, not, none] = STATES.map(
      (state) => requirements.filter((row) => row.state === state).length,
    );
    const total = requirements.length;
    expect(page).toContain(
      `Of ${total} requirements ${met} are met, ${partly} partly, ${not} not, and ${none} do not apply.`,
    );
  });

  it('names files that exist', () => {
    const quoted = [...page.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    const files = quoted.filter((name) =>
      /^(\w[\w.-]*\/)*\w[\w.-]*\.(tsx?|md|json|sql|txt|css|html)$|^(\w[\w.-]*\/)+$|^Dockerfile$/.test(name),
    );
    expect(files.length).toBeGreaterThan(200);
    expect([...new Set(files)].filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
    const links = [...page.matchAll(/\]\(([^)#]+)\)/g)].map(([, target = '']) => target);
    expect(links.filter((target) => !existsSync(path.join(ROOT, 'docs', target)))).toEqual([]);
  });
});
