// The law of the house. Each offence is named with its cure.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');
const MAXIMUM_FILE_LINES = 400;
const MAXIMUM_FUNCTION_LINES = 70;

/** Imports point from right to left only, so that no circle can exist. */
const ROOMS = [
  'contract',
  'errors',
  'on-demand',
  'loading-memory',
  'config',
  'directories',
  'secrets',
  'text',
  'database',
  'http',
  'audit',
  'mail',
  'auth',
  'account',
  'sync',
  'tasks',
  'portability',
  'dashboard',
  'realtime',
  'retention',
  'operators',
  'app',
  'workers',
  'main',
];

const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx'],
  { cwd: ROOT, encoding: 'utf8' },
)
  .split('\n')
  .filter((file) => file !== '' && existsSync(path.join(ROOT, file)));

interface Source {
  file: string;
  text: string;
  tree: ts.SourceFile;
}

const sources: Source[] = files.map((file) => {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return { file, text, tree: ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true) };
});
const product = sources.filter(({ file }) => /^(src|contract)\//.test(file) && !file.endsWith('.test.ts'));

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

function lineOf(tree: ts.SourceFile, position: number): number {
  return tree.getLineAndCharacterOfPosition(position).line + 1;
}

function importsOf(
  { file, tree }: Source,
  { types = true }: { types?: boolean } = {},
): { target: string; line: number }[] {
  const found: { target: string; line: number }[] = [];
  walk(tree, (node) => {
    if (!types && ts.isImportDeclaration(node) && node.importClause?.isTypeOnly) return;
    const specifier = (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier;
    if (!specifier || !ts.isStringLiteral(specifier)) return;
    const target = specifier.text.startsWith('.')
      ? path.join(path.dirname(file), specifier.text)
      : specifier.text;
    found.push({ target, line: lineOf(tree, node.getStart()) });
  });
  return found;
}

function roomOf(file: string): string {
  const [top = '', room = ''] = file.split('/');
  return top === 'src' ? room.replace(/\.ts$/, '') : top;
}

describe('the house', () => {
  it(`has no file over ${MAXIMUM_FILE_LINES} lines: split it by what it is about`, () => {
    const long = sources
      .map(({ file, text }) => `${file}: ${text.split('\n').length - 1} lines`)
      .filter((entry) => Number(entry.match(/(\d+) lines/)?.[1]) > MAXIMUM_FILE_LINES);
    expect(long).toEqual([]);
  });

  it(`has no function over ${MAXIMUM_FUNCTION_LINES} lines: name its parts`, () => {
    const long: string[] = [];
    for (const { file, tree } of sources.filter(({ file }) => !/\.test\.ts$/.test(file))) {
      walk(tree, (node) => {
        if (!ts.isFunctionLike(node) || !('body' in node) || !node.body) return;
        const lines = lineOf(tree, node.end) - lineOf(tree, node.getStart()) + 1;
        if (lines > MAXIMUM_FUNCTION_LINES)
          long.push(`${file}:${lineOf(tree, node.getStart())}: ${lines} lines`);
      });
    }
    expect(long).toEqual([]);
  });

  it('imports one way: move what both need further down', () => {
    const upward = product.flatMap((source) =>
      importsOf(source)
        .filter(({ target }) => /^(src|contract)\//.test(target))
        .filter(
          ({ target }) =>
            ROOMS.indexOf(roomOf(target)) > ROOMS.indexOf(roomOf(source.file)) ||
            !ROOMS.includes(roomOf(target)),
        )
        .map(({ target, line }) => `${source.file}:${line} imports ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it('keeps the web app to itself, the client and the contract', () => {
    const foreign = sources
      .filter(({ file }) => file.startsWith('web/') && !file.endsWith('.test.ts'))
      .flatMap((source) =>
        importsOf(source)
          .filter(
            ({ target }) =>
              !/^(web|client|contract|preact|@preact\/signals|socket\.io-client)(\/|$)/.test(target),
          )
          .map(({ target, line }) => `${source.file}:${line} imports ${target}`),
      );
    expect(foreign).toEqual([]);
  });

  it('keeps the client to itself and the contract', () => {
    const foreign = sources
      .filter(({ file }) => file.startsWith('client/'))
      .flatMap((source) =>
        importsOf(source)
          .filter(({ target }) => !/^(client|contract)\//.test(target))
          .map(({ target, line }) => `${source.file}:${line} imports ${target}`),
      );
    expect(foreign).toEqual([]);
  });

  it('keeps the contract free of everything but the schema library', () => {
    const foreign = product
      .filter(({ file }) => file.startsWith('contract/'))
      .flatMap((source) =>
        importsOf(source)
          .filter(({ target }) => !target.startsWith('contract/') && target !== 'typebox')
          .map(({ target }) => `${source.file} imports ${target}`),
      );
    expect(foreign).toEqual([]);
  });

  it('speaks of Fastify only at its edges: routes, http/ and the guard', () => {
    const inside = product
      .filter(
        ({ file }) =>
          !/^src\/(http\/|app\.ts|.*routes\.ts|auth\/guard\.ts|sync\/answered-write\.ts|realtime\/realtime\.ts)/.test(
            file,
          ),
      )
      .flatMap((source) =>
        importsOf(source)
          .filter(({ target }) => target === 'fastify' || target.startsWith('@fastify/'))
          .map(() => source.file),
      );
    expect(inside).toEqual([]);
  });

  it('loads Better Auth when it is needed: import its types alone, or do it in what late-better-auth.ts loads', () => {
    const early = new Set(['src/main.ts']);
    const offences: string[] = [];
    for (const file of early) {
      const source = product.find((source) => source.file === file);
      for (const { target, line } of source ? importsOf(source, { types: false }) : []) {
        if (/^@?better-auth(\/|$)/.test(target)) offences.push(`${file}:${line} imports ${target}`);
        early.add(target);
      }
    }
    expect(offences).toEqual([]);
    expect([...early].filter((file) => file.startsWith('src/')).length).toBeGreaterThan(100);
  });

  it('writes SQL only in the database room, in repositories and where a statement is declared', () => {
    const SQL = /\b(select .+? from|insert into \w+|delete from \w+|update \w+\s+set) /is;
    const elsewhere = product
      .filter(
        ({ file, text }) =>
          !/^src\/database\/|repository\.ts$|-sql\.ts$/.test(file) &&
          !text.includes("database/statement.ts'"),
      )
      .filter(({ tree }) => {
        let found = false;
        walk(tree, (node) => {
          if ((ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) && SQL.test(node.getText()))
            found = true;
        });
        return found;
      })
      .map(({ file }) => file);
    expect(elsewhere).toEqual([]);
  });

  it('opens every file with a sentence that says what it is', () => {
    const silent = sources
      .filter(({ file, text }) => !/\.config\.ts$/.test(file) && !/^(#!.*\n)?(\/\/|\/\*\*?) ?\S/.test(text))
      .map(({ file }) => file);
    expect(silent).toEqual([]);
  });

  it('has no utils, no helpers, no index: name the thing', () => {
    expect(
      files.filter(
        (file) =>
          /(^|\/)(utils?|helpers?|common|misc|index)(\/|\.tsx?$)/.test(file) && file !== 'contract/common.ts',
      ),
    ).toEqual([]);
  });

  it('has no default exports and no barrels: import a thing from where it is', () => {
    const offences: string[] = [];
    for (const { file, tree } of sources.filter(({ file }) => !file.endsWith('.config.ts'))) {
      walk(tree, (node) => {
        if (ts.isExportAssignment(node)) offences.push(`${file}: default export`);
        if (ts.isExportDeclaration(node) && node.moduleSpecifier) offences.push(`${file}: re-export`);
      });
    }
    expect(offences).toEqual([]);
  });

  it('has no `any`, no suppressed types, nothing left to do', () => {
    const LEFT = new RegExp(
      ['TO' + 'DO', 'FIX' + 'ME', '\\bX{3}\\b', 'HA' + 'CK', '@ts-ig' + 'nore', '@ts-no' + 'check'].join('|'),
    );
    const offences = product.filter(({ text }) => LEFT.test(text)).map(({ file }) => file);
    for (const { file, text, tree } of product) {
      walk(tree, (node) => {
        if (node.kind !== ts.SyntaxKind.AnyKeyword) return;
        const line = lineOf(tree, node.getStart());
        // A reasoned exception says so to the linter on the line before.
        const excused = text
          .split('\n')
          .slice(Math.max(0, line - 3), line)
          .some((before) => before.includes('biome-ignore lint/suspicious/noExplicitAny:'));
        if (!excused) offences.push(`${file}:${line}: any`);
      });
    }
    expect(offences).toEqual([]);
  });

  it('runs no text as code and makes no page of text', () => {
    const DANGEROUS =
      /\beval\(|new Function\(|\.(inner|outer)HTML\b|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write/;
    const offences = sources
      .filter(({ file, text }) => /^(src|contract|client|web)\//.test(file) && DANGEROUS.test(text))
      .map(({ file }) => file);
    expect(offences).toEqual([]);
  });

  it('sleeps in no test: wait for what should happen', () => {
    const sleeping = sources
      .filter(
        ({ file, text }) =>
          file.startsWith('test/') &&
          file !== 'test/tidy.test.ts' &&
          /setTimeout\([^,]*resolve|timers\/promises/.test(text),
      )
      .map(({ file }) => file);
    expect(sleeping).toEqual([]);
  });
});
