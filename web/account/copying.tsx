// Something that is shown once, and the ways to keep it: copied, or saved as a file.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { Icon } from '../icons.tsx';

/** Hands a text or a blob to the person as a file. */
export function saveAs(name: string, content: string | Blob): void {
  const blob = typeof content === 'string' ? new Blob([content], { type: 'text/plain' }) : content;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }): JSX.Element | null {
  const isCopied = useSignal(false);
  // Absent on plain HTTP: then it can be selected by hand.
  if (!navigator.clipboard) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(text).then(
      () => (isCopied.value = true),
      () => {},
    );
  };
  return (
    <button type="button" class="button" onClick={() => void copy()}>
      <Icon name={isCopied.value ? 'check' : 'copy'} />
      <span role="status">{isCopied.value ? 'Copied' : label}</span>
    </button>
  );
}
