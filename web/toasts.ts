// Short words at the foot of the page: what happened, and how to take it back.
import { signal } from '@preact/signals';

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'problem';
  /** Of what is said about the same, only the last stands. */
  about?: string;
  action?: { label: string; run: () => void };
}

export const toasts = signal<readonly Toast[]>([]);

const MOST_TOASTS = 3;
let lastId = 0;

export function say(
  text: string,
  { tone = 'plain', ...rest }: Partial<Omit<Toast, 'id' | 'text'>> = {},
): void {
  lastId += 1;
  const toast: Toast = { id: lastId, text, tone, ...rest };
  if (rest.about !== undefined) unsay(rest.about);
  toasts.value = [...toasts.value, toast].slice(-MOST_TOASTS);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** It is not so any more. */
export function unsay(about: string): void {
  toasts.value = toasts.value.filter((toast) => toast.about !== about);
}

/** They speak of one person's tasks. */
export function forgetToasts(): void {
  toasts.value = [];
}

/** The newest offer to take something back, for the keyboard. */
export function runLastAction(): boolean {
  const toast = toasts.value.findLast(({ action }) => action !== undefined);
  if (!toast) return false;
  dismiss(toast.id);
  toast.action?.run();
  return true;
}
