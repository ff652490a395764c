// API tokens: how scripts get in with less than everything. A token is shown once.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { TOKEN_DAYS, TOKEN_DEFAULT_DAYS, TOKEN_NAME_LENGTH } from '../../contract/limits.ts';
import type { ApiToken, ApiTokenList, CreatedApiToken, Scope } from '../../contract/token.ts';
import { spokenTime } from '../dates.ts';
import { Dialog } from '../dialog.tsx';
import { Field } from '../field.tsx';
import { faults, useForm } from '../form.ts';
import { call } from '../http.ts';
import { type Reading, useReading } from '../reading.ts';
import { say } from '../toasts.ts';
import { CopyButton } from './copying.tsx';
import { AccountFrame, Card, CardForm, Unread } from './frame.tsx';

const SCOPE_WORDS: Record<Scope, string> = {
  'tasks:read': 'Read tasks and dashboards',
  'tasks:write': 'Change tasks',
  'account:read': 'Read your profile',
};
const SCOPES = Object.keys(SCOPE_WORDS) as Scope[];
const LIVES: readonly (readonly [days: number, words: string])[] = [
  [7, 'A week'],
  [30, '30 days'],
  [TOKEN_DEFAULT_DAYS, `${TOKEN_DEFAULT_DAYS} days`],
  [TOKEN_DAYS, 'A year'],
];

interface NewTokenProps {
  onMade: (token: CreatedApiToken) => void;
}

function NewToken({ onMade }: NewTokenProps): JSX.Element {
  const scopes = useSignal<readonly Scope[]>(['tasks:read']);
  const days = useSignal(TOKEN_DEFAULT_DAYS);
  const form = useForm<'name' | 'scopes'>({
    id: 'token',
    labels: { name: 'Name', scopes: 'What it may do' },
    check: ({ name }) =>
      faults({
        name:
          name.trim() === '' || [...name.trim()].length > TOKEN_NAME_LENGTH
            ? `A name has 1 to ${TOKEN_NAME_LENGTH} characters.`
            : undefined,
        scopes: scopes.value.length === 0 ? 'It must be allowed something.' : undefined,
      }),
    send: async ({ name }) => {
      const json = { name: name.trim(), scopes: scopes.value, expires_in_days: days.value };
      onMade(await call<CreatedApiToken>('POST', 'api/account/tokens', { json, byHand: true }));
      form.clear();
    },
  });
  return (
    <CardForm form={form} button="Make a token">
      <Field {...form.field('name')} type="text" autocomplete="off" hint="What it is for: a backup, say." />
      <fieldset class="field" aria-describedby={form.faults.scopes ? 'token-scopes-fault' : undefined}>
        <legend>What it may do</legend>
        {SCOPES.map((scope) => (
          <label key={scope} class="switch">
            <input
              type="checkbox"
              name="scopes"
              checked={scopes.value.includes(scope)}
              onChange={({ currentTarget: { checked } }) => {
                scopes.value = SCOPES.filter((one) => (one === scope ? checked : scopes.value.includes(one)));
              }}
            />
            {SCOPE_WORDS[scope]}
          </label>
        ))}
        {form.faults.scopes && (
          <p class="fault" id="token-scopes-fault">
            {form.faults.scopes}
          </p>
        )}
      </fieldset>
      <div class="field">
        <label for="token-life">It ends after</label>
        <span class="choice">
          <select
            id="token-life"
            value={String(days.value)}
            onChange={(event) => (days.value = Number(event.currentTarget.value))}
          >
            {LIVES.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </span>
      </div>
    </CardForm>
  );
}

function ShownOnce({ made, onClose }: { made: CreatedApiToken; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={`“${made.name}” is made`} onClose={onClose}>
      <p>Copy the token now: it is not shown again.</p>
      <p>
        <code class="secret">{made.token}</code>
      </p>
      <p class="hint">
        Sent as <code>Authorization: Bearer …</code>
      </p>
      <div class="dialog-actions">
        <CopyButton text={made.token} />
        <button type="button" class="button primary" onClick={onClose}>
          I have it
        </button>
      </div>
    </Dialog>
  );
}

function Token({ token, onRevoke }: { token: ApiToken; onRevoke: () => void }): JSX.Element {
  const isOver = Date.parse(token.expires_at) <= Date.now();
  const allowed = token.scopes.map((scope) => SCOPE_WORDS[scope] ?? scope).join(', ');
  const used = token.last_used_at ? `used ${spokenTime(token.last_used_at)}` : 'never used';
  return (
    <li>
      <span>
        <strong>{token.name}</strong> <code>{token.hint}…</code>
        <span class="hint">{allowed}</span>
        <span class="hint">
          {isOver ? 'ended' : 'ends'} {spokenTime(token.expires_at)} · {used}
        </span>
      </span>
      {isOver ? (
        <span class="badge is-open">Ended</span>
      ) : (
        <button type="button" class="button" aria-label={`Revoke ${token.name}`} onClick={onRevoke}>
          Revoke
        </button>
      )}
    </li>
  );
}

function TokenList({
  reading,
  onRevoke,
}: {
  reading: Reading<ApiTokenList>;
  onRevoke: (token: ApiToken) => void;
}): JSX.Element {
  if (!reading.value) return <Unread reading={reading} />;
  const { tokens } = reading.value;
  if (tokens.length === 0) return <p class="hint">There is none yet.</p>;
  return (
    <ul class="devices" aria-label="API tokens">
      {tokens.map((token) => (
        <Token key={token.id} token={token} onRevoke={() => onRevoke(token)} />
      ))}
    </ul>
  );
}

function RevokeDialog({
  token,
  onClose,
  onYes,
}: {
  token: ApiToken;
  onClose: () => void;
  onYes: () => void;
}) {
  return (
    <Dialog title={`Revoke “${token.name}”?`} onClose={onClose}>
      <p class="lead-small">Whatever uses it is refused from now on. This cannot be undone.</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" class="button primary danger" onClick={onYes}>
          Revoke it
        </button>
      </div>
    </Dialog>
  );
}

export function TokensPage(): JSX.Element {
  const reading = useReading(() => call<ApiTokenList>('GET', 'api/account/tokens'));
  const made = useSignal<CreatedApiToken | undefined>(undefined);
  const asked = useSignal<ApiToken | undefined>(undefined);
  const revoke = async ({ id, name }: ApiToken) => {
    asked.value = undefined;
    try {
      await call('DELETE', `api/account/tokens/${id}`, { byHand: true });
      say(`“${name}” opens nothing any more.`);
    } catch (error) {
      say((error as Error).message, { tone: 'problem' });
    }
    await reading.again();
  };
  return (
    <AccountFrame title="API tokens" summary="For scripts and other programs of yours.">
      <Card title="Tokens in use">
        <TokenList reading={reading} onRevoke={(token) => (asked.value = token)} />
      </Card>
      <Card title="A new one" hint="It can do no more than you allow it here.">
        <NewToken
          onMade={(token) => {
            made.value = token;
            void reading.again();
          }}
        />
      </Card>
      {made.value && <ShownOnce made={made.value} onClose={() => (made.value = undefined)} />}
      {asked.value && (
        <RevokeDialog
          token={asked.value}
          onClose={() => (asked.value = undefined)}
          onYes={() => asked.value && void revoke(asked.value)}
        />
      )}
    </AccountFrame>
  );
}
