// A real Chromium for tests, from the npm package that carries one: nothing is downloaded or installed for it.

import { execFile } from 'node:child_process';
import { lstat, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const ARGUMENTS = [
  // Its sandbox refuses root, and user namespaces are closed to ordinary users on many machines.
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-default-browser-check',
  '--no-first-run',
  '--no-pings',
  '--font-render-hinting=none',
];

/**
 * Starts a headless Chromium; the caller closes it. `CHROMIUM_PATH` names another one. The package's is for
 * Linux on x64: elsewhere the machine's own Chrome is taken.
 */
export async function launchBrowser({ hasScrollbars = false } = {}): Promise<Browser> {
  // Without a screen there are none, unless they are what is looked at.
  const ignoreDefaultArgs = hasScrollbars ? ['--hide-scrollbars'] : [];
  const options = { headless: true, args: ARGUMENTS, ignoreDefaultArgs };
  const own = process.env.CHROMIUM_PATH;
  if (own) return chromium.launch({ ...options, executablePath: own });
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return chromium.launch({ ...options, channel: 'chrome' });
  }
  const directory = await unpacked();
  return chromium.launch({
    ...options,
    executablePath: join(directory, 'chromium'),
    env: {
      ...process.env,
      // Fonts and NSS as the package ships them: a machine without any must do, and every machine shows the same.
      FONTCONFIG_FILE: join(directory, 'fonts.conf'),
      HOME: directory,
      LD_LIBRARY_PATH: [join(directory, 'al2023', 'lib'), process.env.LD_LIBRARY_PATH]
        .filter((path) => path)
        .join(':'),
    },
  });
}

/** The directory with the unpacked Chromium: one for each user and version, made whole or not at all. */
async function unpacked(): Promise<string> {
  const { version } = JSON.parse(
    await readFile(join(ROOT, 'node_modules/@sparticuz/chromium/package.json'), 'utf8'),
  ) as { version: string };
  const uid = process.getuid?.() ?? 0;
  const directory = join(tmpdir(), `donewell-chromium-${version}-${uid}`);
  if (await isOurs(directory, uid)) return directory;

  const staging = await mkdtemp(`${directory}-`);
  await unpackInto(staging);
  await writeFile(join(staging, 'fonts.conf'), FONTS);
  try {
    // A rename is atomic: of several workers one wins, and nobody ever sees half a browser.
    await rename(staging, directory);
    return directory;
  } catch (error) {
    // Another worker was faster; or somebody else's file is in the way, and then ours is used where it is.
    if (!(await isOurs(directory, uid))) {
      if (await exists(directory)) return staging;
      throw error;
    }
    await rm(staging, { recursive: true, force: true });
    return directory;
  }
}

/** The temporary directory is everybody's: a binary somebody else put there is not run. */
async function isOurs(directory: string, uid: number): Promise<boolean> {
  const found = await lstat(directory).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o022) === 0;
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

/** The package's own settings look for fonts in /tmp/fonts; a Chromium that finds no font at all ends itself. */
const FONTS = `<?xml version="1.0"?>
<fontconfig>
  <dir prefix="relative">fonts/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`;

/**
 * The package unpacks into `os.tmpdir()`, and its shared libraries only where it believes itself on AWS Lambda:
 * a process of its own can be told both without changing this one's environment.
 */
async function unpackInto(directory: string): Promise<void> {
  const script = "await (await import('@sparticuz/chromium')).default.executablePath()";
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: directory, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
  });
}
