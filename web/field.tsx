// A labelled line of a form, with its hint and its fault.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { Icon } from './icons.tsx';

export interface FieldProps {
  id: string;
  name?: string;
  label: string;
  type: 'text' | 'email' | 'password';
  autocomplete: string;
  /** Which keyboard a phone shows. */
  mode?: 'numeric';
  value: string;
  fault?: string | undefined;
  hint?: string | undefined;
  onInput: (value: string) => void;
}

export function Field({
  id,
  name,
  label,
  type,
  autocomplete,
  mode,
  value,
  fault,
  hint,
  onInput,
}: FieldProps): JSX.Element {
  const isShown = useSignal(false);
  const isSecret = type === 'password';
  const described = [hint ? `${id}-hint` : '', fault ? `${id}-fault` : ''].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class={`line ${isSecret ? 'is-secret' : ''}`}>
        <input
          // The types of Preact know each kind of input by itself.
          {...({ type: isShown.value ? 'text' : type } as { type: 'text' })}
          {...(name ? { name } : {})}
          {...(mode ? { inputmode: mode } : {})}
          {...(described ? { 'aria-describedby': described } : {})}
          id={id}
          value={value}
          autocomplete={autocomplete}
          autocapitalize="none"
          aria-invalid={fault !== undefined}
          spellcheck={false}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
        {isSecret && (
          <button
            type="button"
            class="icon-button"
            aria-label="Show what is typed"
            aria-pressed={isShown.value}
            onClick={() => {
              isShown.value = !isShown.value;
            }}
          >
            <Icon name={isShown.value ? 'hide' : 'show'} />
          </button>
        )}
      </div>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {fault && (
        <p class="fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
    </div>
  );
}
