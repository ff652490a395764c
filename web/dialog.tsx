// A native modal dialog: the browser keeps the focus inside and closes it on Escape.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

/** In a form the password, for the e-mail is known; else the heading. */
const FIRST_STOP = 'input[type=password], h2';

export interface DialogProps {
  title: string;
  children: ComponentChildren;
  /** Absent for a dialog that must be answered. */
  onClose?: () => void;
  kind?: string;
}

export function Dialog({ title, children, onClose, kind = '' }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    const stops = [...(element?.querySelectorAll<HTMLElement>(FIRST_STOP) ?? [])];
    stops.at(-1)?.focus();
    return () => {
      element?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`sheet dialog ${kind}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      // A press beside it closes it, where the browser knows how.
      {...{ closedby: onClose ? 'any' : 'none' }}
    >
      <div class="dialog-body">
        <h2 id={titleId} tabIndex={-1}>
          {title}
        </h2>
        {children}
      </div>
    </dialog>
  );
}
