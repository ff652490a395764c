// The door: which form stands in it, and the ways in that need none.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../icons.tsx';
import { hasPasskeys, NotGiven, showPasskey } from '../passkey.ts';
import { failureSentence } from '../providers.ts';
import { linkCodes, takeWayBack } from '../routes.ts';
import { arriveByCookie } from '../session.ts';
import { CodeForm, ForgotForm, LogInForm, SignUpForm } from './forms.tsx';
import { ProviderButtons } from './provider-buttons.tsx';

type Step = 'in' | 'up' | 'code' | 'forgot' | 'told';

const TITLES: Record<Step, string> = {
  in: 'Welcome back',
  up: 'Create your account',
  code: 'One more step',
  forgot: 'Lost your password?',
  told: 'Look into your mail',
};

/** A way in without a form: why it did not open is said below it. */
function PasskeyButton({ onCode }: { onCode: () => void }): JSX.Element | null {
  const fault = useSignal('');
  const isBusy = useSignal(false);
  if (!hasPasskeys) return null;
  const open = async () => {
    if (isBusy.value) return;
    isBusy.value = true;
    fault.value = '';
    try {
      await showPasskey();
      await arriveByCookie();
    } catch (error) {
      if ((error as { code?: string }).code === 'TWO_FACTOR_REQUIRED') onCode();
      else fault.value = error instanceof NotGiven ? error.message : `${(error as Error).message}`;
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <>
      <button type="button" class="button wide" aria-disabled={isBusy.value} onClick={() => void open()}>
        <Icon name="key" />
        Use a passkey
      </button>
      <p class="fault" role="alert">
        {fault.value}
      </p>
    </>
  );
}

/** The way between the forms. */
function Links({ step, go }: { step: Step; go: (step: Step) => void }): JSX.Element | null {
  const link = (target: Step, words: string) => (
    <button type="button" class="link" onClick={() => go(target)}>
      {words}
    </button>
  );
  if (step === 'in')
    return (
      <p class="door-links">
        {link('forgot', 'Forgot it?')}
        <span>New here? {link('up', 'Create an account')}</span>
      </p>
    );
  if (step === 'up')
    return (
      <p class="door-links">
        <span>You have an account? {link('in', 'Sign in')}</span>
      </p>
    );
  return step === 'code' ? null : <p class="door-links">{link('in', 'Back to sign in')}</p>;
}

export interface DoorProps {
  /** Somebody whose session has ended: in a dialog with a title of its own. */
  isReturning?: boolean;
  titleId?: string;
}

export function Door({ isReturning = false, titleId }: DoorProps): JSX.Element {
  const { invitation } = linkCodes.value;
  const [{ error, isCodeMissing }] = useState(takeWayBack);
  const step = useSignal<Step>(isCodeMissing ? 'code' : 'in');
  const told = useSignal('');
  const title = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    // Another form: whoever cannot see it hears its title.
    if (!isFirst.current) title.current?.focus();
    isFirst.current = false;
  }, [step.value]);
  useLayoutEffect(() => {
    // Also when the link is opened where the door is already.
    if (invitation !== '' && !isReturning) step.value = 'up';
  }, [invitation]);
  const tell = (words: string) => {
    told.value = words;
    step.value = 'told';
  };
  const now = step.value;
  return (
    <div class="door-steps">
      {(!isReturning || now !== 'in') && (
        <h2 id={titleId} ref={title} tabIndex={-1}>
          {TITLES[now]}
        </h2>
      )}
      {now === 'in' && (
        <>
          <LogInForm isReturning={isReturning} onCode={() => (step.value = 'code')} />
          <PasskeyButton onCode={() => (step.value = 'code')} />
        </>
      )}
      {now === 'up' && <SignUpForm key={invitation} onTold={tell} />}
      {(now === 'in' || (now === 'up' && invitation === '')) && (
        <ProviderButtons inNewTab={isReturning} failure={failureSentence(error)} />
      )}
      {now === 'code' && <CodeForm onBack={() => (step.value = 'in')} />}
      {now === 'forgot' && <ForgotForm onTold={tell} />}
      {now === 'told' && <p class="lead-small">{told.value}</p>}
      {(!isReturning || now !== 'in') && <Links step={now} go={(target) => (step.value = target)} />}
    </div>
  );
}
