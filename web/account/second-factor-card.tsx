// The second factor: set up with the camera of an authenticator app, confirmed by a first code, and switched off again.
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { RecoveryCodes, TwoFactorSetup, TwoFactorStatus } from '../../contract/two-factor.ts';
import { Field } from '../field.tsx';
import { type Form, faults, useForm } from '../form.ts';
import { call, type Refused } from '../http.ts';
import { useReading } from '../reading.ts';
import { say } from '../toasts.ts';
import { CopyButton, saveAs } from './copying.tsx';
import { Card, CardForm, Unread } from './frame.tsx';

type Step =
  | { kind: 'rest' }
  | { kind: 'password' }
  | { kind: 'scan'; setup: TwoFactorSetup }
  | { kind: 'codes'; codes: readonly string[] }
  | { kind: 'proof'; what: 'renew' | 'off' };

const PATH = 'api/account/two-factor';

function PasswordStep({ step }: { step: Signal<Step> }): JSX.Element {
  const form = useForm<'password'>({
    id: 'factor',
    labels: { password: 'Password' },
    check: ({ password }) => faults({ password: password === '' ? 'Please type your password.' : undefined }),
    send: async (json) => {
      const setup = await call<TwoFactorSetup>('POST', PATH, { json, byHand: true });
      step.value = { kind: 'scan', setup };
    },
  });
  return (
    <CardForm
      form={form}
      button="Go on"
      tone="primary"
      onCancel={() => {
        step.value = { kind: 'rest' };
      }}
    >
      <Field {...form.field('password')} type="password" autocomplete="current-password" />
    </CardForm>
  );
}

function ScanStep({ step, setup }: { step: Signal<Step>; setup: TwoFactorSetup }): JSX.Element {
  const form = useForm<'code'>({
    id: 'factor',
    labels: { code: 'Code' },
    check: ({ code }) =>
      faults({ code: /^\s*\d{3}\s*\d{3}\s*$/.test(code) ? undefined : 'A code has six digits.' }),
    send: async ({ code }) => {
      const json = { code: code.replace(/\s/g, '') };
      const { recovery_codes } = await call<RecoveryCodes>('POST', `${PATH}/confirm`, { json, byHand: true });
      step.value = { kind: 'codes', codes: recovery_codes };
    },
  });
  return (
    <>
      <ol class="steps">
        <li>
          <p>Scan this with your authenticator app.</p>
          <img
            class="qr"
            alt="QR code for an authenticator app. The same key is below, for typing."
            src={`data:image/svg+xml,${encodeURIComponent(setup.qr_svg)}`}
          />
          <details>
            <summary>It cannot be scanned?</summary>
            <p>
              Type this key: <code class="secret">{setup.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code>
            </p>
            <p>
              Or <a href={setup.otpauth_uri}>open it in an app on this device</a>.
            </p>
          </details>
        </li>
        <li>
          <p>Enter the six digits that it shows.</p>
        </li>
      </ol>
      <CardForm
        form={form}
        button="Switch it on"
        tone="primary"
        onCancel={() => {
          step.value = { kind: 'rest' };
        }}
      >
        <Field {...form.field('code')} type="text" mode="numeric" autocomplete="one-time-code" />
      </CardForm>
    </>
  );
}

/** Without the phone these are the only way in: they are not let go in passing. */
function CodesStep({ codes, onKept }: { codes: readonly string[]; onKept: () => void }): JSX.Element {
  const text = codes.join('\n');
  return (
    <div class="shown-once">
      <p>
        <strong>Keep these recovery codes.</strong> Each signs you in once when the phone is not at hand. They
        are not shown again.
      </p>
      <ul class="codes" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div class="form-foot">
        <CopyButton text={text} label="Copy all" />
        <button
          type="button"
          class="button"
          onClick={() => saveAs('donewell-recovery-codes.txt', `${text}\n`)}
        >
          Save as a file
        </button>
        <button type="button" class="button primary" onClick={onKept}>
          I have kept them
        </button>
      </div>
    </div>
  );
}

/** Of what was typed: a code of the app, or a recovery code. */
export function codeIn(proof: string): { code: string } | { recovery_code: string } {
  const typed = proof.trim();
  return /^\d{3}\s*\d{3}$/.test(typed) ? { code: typed.replace(/\s/g, '') } : { recovery_code: typed };
}

export function codeFault({ fields }: Refused): string | undefined {
  const fault = fields.find(({ path }) => path === 'code' || path === 'recovery_code');
  return fault && `The code ${fault.message}.`;
}

const PROOFS = {
  renew: { button: 'Make new codes', tone: 'primary' },
  off: { button: 'Switch it off', tone: 'danger' },
} as const;

function ProofFields({ form }: { form: Form<'password' | 'proof'> }): JSX.Element {
  return (
    <>
      <Field {...form.field('password')} type="password" autocomplete="current-password" />
      <Field
        {...form.field('proof')}
        type="text"
        autocomplete="one-time-code"
        hint="Six digits of the app, or one of your recovery codes."
      />
    </>
  );
}

interface ProofStepProps {
  step: Signal<Step>;
  what: 'renew' | 'off';
  onDone: () => void;
}

function ProofStep({ step, what, onDone }: ProofStepProps): JSX.Element {
  const form = useForm<'password' | 'proof'>({
    id: 'factor',
    labels: { password: 'Password', proof: 'Code' },
    check: ({ password, proof }) =>
      faults({
        password: password === '' ? 'Please type your password.' : undefined,
        proof: proof.trim() === '' ? 'Please type a code.' : undefined,
      }),
    send: async ({ password, proof }) => {
      const json = { password, ...codeIn(proof) };
      if (what === 'renew') {
        const { recovery_codes } = await call<RecoveryCodes>('POST', `${PATH}/recovery-codes`, {
          json,
          byHand: true,
        });
        step.value = { kind: 'codes', codes: recovery_codes };
        return;
      }
      await call('DELETE', PATH, { json, byHand: true });
      step.value = { kind: 'rest' };
      say('The second factor is off. Other devices were signed out.');
      onDone();
    },
    explain: (refusal) => {
      const proof = codeFault(refusal);
      return proof === undefined ? undefined : { proof };
    },
  });
  return (
    <CardForm
      form={form}
      button={PROOFS[what].button}
      tone={PROOFS[what].tone}
      onCancel={() => {
        step.value = { kind: 'rest' };
      }}
    >
      <ProofFields form={form} />
    </CardForm>
  );
}

function Rest({ status, step }: { status: TwoFactorStatus; step: Signal<Step> }): JSX.Element {
  if (!status.enabled)
    return (
      <>
        <p>
          <span class="badge is-open">Off</span>
        </p>
        <button
          type="button"
          class="button"
          onClick={() => {
            step.value = { kind: 'password' };
          }}
        >
          Set it up…
        </button>
      </>
    );
  return (
    <>
      <p class="fact-value">
        <span class="badge">On</span>
        <span class="hint">{status.recovery_codes_left} recovery codes left</span>
      </p>
      <div class="form-foot">
        <button
          type="button"
          class="button"
          onClick={() => {
            step.value = { kind: 'proof', what: 'renew' };
          }}
        >
          New recovery codes…
        </button>
        <button
          type="button"
          class="button danger"
          onClick={() => {
            step.value = { kind: 'proof', what: 'off' };
          }}
        >
          Switch it off…
        </button>
      </div>
    </>
  );
}

export function SecondFactorCard({ onChanged }: { onChanged: () => void }): JSX.Element {
  const reading = useReading(() => call<TwoFactorStatus>('GET', PATH));
  const step = useSignal<Step>({ kind: 'rest' });
  const now = step.value;
  const done = () => {
    step.value = { kind: 'rest' };
    void reading.again();
    onChanged();
  };
  return (
    <Card title="Second factor" hint="A code of an app on your phone, asked for besides the password.">
      {!reading.value && <Unread reading={reading} />}
      {reading.value && now.kind === 'rest' && <Rest status={reading.value} step={step} />}
      {now.kind === 'password' && <PasswordStep step={step} />}
      {now.kind === 'scan' && <ScanStep step={step} setup={now.setup} />}
      {now.kind === 'codes' && <CodesStep codes={now.codes} onKept={done} />}
      {now.kind === 'proof' && <ProofStep step={step} what={now.what} onDone={done} />}
    </Card>
  );
}
