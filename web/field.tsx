// A labelled line of a form, with its hint and its fault.
import type { JSX } from 'preact';

export interface FieldProps {
  id: string;
  name?: string;
  label: string;
  type: 'text' | 'email' | 'password';
  autocomplete: string;
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
  value,
  fault,
  hint,
  onInput,
}: FieldProps): JSX.Element {
  const described = [hint ? `${id}-hint` : '', fault ? `${id}-fault` : ''].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        // The types of Preact know each kind of input by itself.
        {...({ type } as { type: 'text' })}
        {...(name ? { name } : {})}
        {...(described ? { 'aria-describedby': described } : {})}
        id={id}
        value={value}
        autocomplete={autocomplete}
        autocapitalize="none"
        aria-invalid={fault !== undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
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
