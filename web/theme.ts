// Light or dark: as the system says, unless it was chosen here.
import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

/** What stands on the line for new tasks and was not added yet: each user's own. */
export function draftKeyOf(userId: string): string {
  return `donewell.draft.${userId}`;
}

const KEY = 'donewell.theme';

/** Storage may be closed: then choices last as long as the page. */
export function readSetting(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function writeSetting(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // It lasts as long as the page.
  }
}

function storedTheme(): Theme {
  const stored = readSetting(KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

export const theme = signal<Theme>(storedTheme());

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen;
  writeSetting(KEY, chosen === 'system' ? null : chosen);
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

/** Whether single keys are shortcuts (WCAG 2.1.4: they can be switched off). */
export const hasShortcuts = signal(readSetting('donewell.shortcuts') !== 'off');

export function chooseShortcuts(on: boolean): void {
  hasShortcuts.value = on;
  writeSetting('donewell.shortcuts', on ? null : 'off');
}
