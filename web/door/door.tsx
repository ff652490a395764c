// The door: which form stands in it, and the ways in that need none.
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { SignUpMode } from '../../contract/sign-up-modes.ts';
import { Icon } from '../icons.tsx';
import { hasPasskeys, NotGiven, showPasskey } from '../passkey.ts';
import { failureSentence, learnWays, ways } from '../providers.ts';
import { dropCodes, linkCodes, takeWayBack } from '../routes.ts';
import { arriveByCookie } from '../session.ts';
import { CodeForm, ForgotForm, LogInForm, SignUpForm } from './forms.tsx';
import { type LinkState, useLink } from './link-check.ts';
import { ProviderButtons } from './provider-buttons.tsx';

type Step = 'in' | 'up' | 'code' | 'forgot' | 'told';

const BY_INVITATION =
  'New accounts are by invitation here. Open the link that you were given, or paste it below.';
const OLD_INVITATION =
  'This invitation is not valid any more: it was used, or is too old. If it was you, sign in; if not, ask for another one.';

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

interface LinksProps {
  step: Step;
  /** Undefined until it is known. */
  signUps: SignUpMode | undefined;
  go: (step: Step) => void;
}

/** The way between the forms. */
function Links({ step, signUps, go }: LinksProps): JSX.Element | null {
  const link = (target: Step, words: string) => (
    <button type="button" class="link" onClick={() => go(target)}>
      {words}
    </button>
  );
  if (step === 'in')
    return (
      <p class="door-links">
        {link('forgot', 'Forgot it?')}
        {signUps !== undefined && signUps !== 'closed' && (
          <span>New here? {link('up', signUps === 'open' ? 'Create an account' : 'Use an invitation')}</span>
        )}
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

/** Who may make an account here; where the server cannot be asked, it will say so itself. */
function useSignUps(): SignUpMode | undefined {
  const isAsked = useSignal(false);
  useEffect(() => void learnWays().then(() => (isAsked.value = true)), []);
  return ways.value?.sign_up ?? (isAsked.value ? 'open' : undefined);
}

interface SignUpProps {
  signUps: SignUpMode | undefined;
  link: LinkState;
  typed: Signal<string>;
  go: (step: Step) => void;
  onTold: (words: string) => void;
}

/** The form, or why there is none. */
function SignUp({ signUps, link, typed, go, onTold }: SignUpProps): JSX.Element {
  const { invitation } = linkCodes.value;
  if (signUps === 'closed') return <p>This server takes no new accounts.</p>;
  if (invitation !== '' && link === 'asking') return <p class="lead-small">One moment…</p>;
  if (invitation !== '' && link === 'old')
    return (
      <>
        <p>{OLD_INVITATION}</p>
        <button type="button" class="button primary wide" onClick={() => go('in')}>
          Sign in
        </button>
        <button type="button" class="button quiet wide" onClick={dropCodes}>
          Use another invitation
        </button>
      </>
    );
  return (
    <>
      {signUps === 'invite' && invitation === '' && <p class="lead-small">{BY_INVITATION}</p>}
      <SignUpForm key={invitation} isByInvitation={signUps === 'invite'} typed={typed} onTold={onTold} />
    </>
  );
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
  const typed = useSignal('');
  const signUps = useSignUps();
  const link = useLink('invitation', isReturning ? '' : invitation);
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
  // An old invitation has ways on of its own; who comes back has one purpose.
  const isOld = now === 'up' && invitation !== '' && link === 'old' && signUps !== 'closed';
  const hasLinks = !isOld && (!isReturning || now !== 'in');
  return (
    <div class="door-steps">
      {(!isReturning || now !== 'in') && (
        <h2 id={titleId} ref={title} tabIndex={-1}>
          {TITLES[now]}
        </h2>
      )}
      {now === 'in' && (
        <>
          <LogInForm isReturning={isReturning} typed={typed} onCode={() => (step.value = 'code')} />
          <PasskeyButton onCode={() => (step.value = 'code')} />
        </>
      )}
      {now === 'up' && (
        <SignUp signUps={signUps} link={link} typed={typed} go={(to) => (step.value = to)} onTold={tell} />
      )}
      {(now === 'in' || (now === 'up' && invitation === '' && signUps !== 'closed')) && (
        <ProviderButtons inNewTab={isReturning} failure={failureSentence(error)} />
      )}
      {now === 'code' && <CodeForm onBack={() => (step.value = 'in')} />}
      {now === 'forgot' && <ForgotForm typed={typed} onTold={tell} />}
      {now === 'told' && <p class="lead-small">{told.value}</p>}
      {hasLinks && <Links step={now} signUps={signUps} go={(target) => (step.value = target)} />}
    </div>
  );
}
