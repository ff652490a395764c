// Short words at the foot of the page: what happened, and how to take it back.
import { signal } from '@preact/signals';

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'problem';
  action?: { label: string; run: () => void };
}

export const toasts = signal<readonly Toast[]>([]);

const MOST_TOASTS = 3;
let lastId = 0;

export function say(
  text: string,
  { tone = 'plain', action }: Partial<Omit<Toast, 'id' | 'text'>> = {},
): void {
  lastId += 1;
  const toast: Toast = { id: lastId, text, tone, ...(action ? { action } : {}) };
  toasts.value = [...toasts.value, toast].slice(-MOST_TOASTS);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
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
