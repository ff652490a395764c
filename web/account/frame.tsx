// The frame of the account's pages: the way between them, and the sheets they are made of.
import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';
import type { Form } from '../form.ts';
import type { Reading } from '../reading.ts';
import { ACCOUNT_ROUTES, go, hrefOf, type Route, route } from '../routes.ts';

const NAMES: Record<(typeof ACCOUNT_ROUTES)[number], string> = {
  account: 'You',
  security: 'Security',
  tokens: 'Tokens',
  data: 'Data',
};

function SubLink({ target }: { target: keyof typeof NAMES }): JSX.Element {
  return (
    <a
      href={hrefOf(target)}
      {...(route.value === target ? { 'aria-current': 'page' as const } : {})}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go(target);
      }}
    >
      {NAMES[target]}
    </a>
  );
}

export interface AccountFrameProps {
  title: string;
  summary: string;
  children: ComponentChildren;
}

export function AccountFrame({ title, summary, children }: AccountFrameProps): JSX.Element {
  return (
    <div class="page account-page">
      <header class="page-head">
        <h1>{title}</h1>
        <p class="summary">{summary}</p>
      </header>
      <nav class="sub-nav" aria-label="Account">
        {ACCOUNT_ROUTES.map((target: Route & keyof typeof NAMES) => (
          <SubLink key={target} target={target} />
        ))}
      </nav>
      {children}
    </div>
  );
}

export interface CardProps {
  title: string;
  /** What it is for. */
  hint?: string;
  children: ComponentChildren;
}

export function Card({ title, hint, children }: CardProps): JSX.Element {
  const id = useId();
  return (
    <section class="sheet card" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        {hint && <p class="hint">{hint}</p>}
      </div>
      <div class="card-body">{children}</div>
    </section>
  );
}

export interface CardFormProps<Name extends string> {
  form: Form<Name>;
  button: string;
  tone?: 'primary' | 'danger' | 'primary danger';
  /** Why it cannot be sent yet. */
  held?: string | undefined;
  onCancel?: () => void;
  children: ComponentChildren;
}

export function CardForm<Name extends string>({
  form,
  button,
  tone,
  held,
  onCancel,
  children,
}: CardFormProps<Name>): JSX.Element {
  const why = useId();
  const isHeld = held !== undefined;
  const onSubmit = (event: Event) => (isHeld ? event.preventDefault() : form.onSubmit(event));
  return (
    <form class="form" ref={form.form} onSubmit={onSubmit} noValidate>
      {children}
      {isHeld && (
        <p class="hint" id={why} role="status">
          {held}
        </p>
      )}
      <p class="fault" role="alert">
        {form.faults.form}
      </p>
      <div class="form-foot">
        <button
          type="submit"
          class={`button ${tone ?? ''}`}
          aria-disabled={form.isBusy || isHeld}
          {...(isHeld ? { 'aria-describedby': why } : {})}
        >
          {form.isBusy ? 'One moment…' : button}
        </button>
        {onCancel && (
          <button type="button" class="button quiet" onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}

/** What a card shows while what it needs is not here. */
export function Unread({ reading }: { reading: Reading<unknown> }): JSX.Element {
  if (reading.fault === undefined)
    return (
      <p class="hint" role="status">
        Loading…
      </p>
    );
  return (
    <>
      <p class="hint" role="status">
        {reading.fault}
      </p>
      <button type="button" class="button" onClick={() => void reading.again()}>
        Try again
      </button>
    </>
  );
}
