// Other services that sign in to the account: connected and taken away.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Connection, ConnectionList, Provider } from '../../contract/providers.ts';
import { spokenTime } from '../dates.ts';
import { call } from '../http.ts';
import { failureSentence, readProviders, wayTo } from '../providers.ts';
import { type Reading, useReading } from '../reading.ts';
import { takeWayBack } from '../routes.ts';
import { say } from '../toasts.ts';
import { Card, Unread } from './frame.tsx';

const PATH = 'api/account/connections';

export interface Ways extends ConnectionList {
  providers: readonly Provider[];
}

export function useWays(): Reading<Ways> {
  return useReading(async () => {
    const [{ providers }, connected] = await Promise.all([
      readProviders(),
      call<ConnectionList>('GET', PATH),
    ]);
    return { ...connected, providers };
  });
}

function ConnectButton({ provider }: { provider: Provider }): JSX.Element {
  const isBusy = useSignal(false);
  const connect = async () => {
    if (isBusy.value) return;
    isBusy.value = true;
    try {
      location.assign(await wayTo(PATH, { json: { provider: provider.id }, byHand: true }));
    } catch (error) {
      say((error as Error).message, { tone: 'problem' });
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <button type="button" class="button" aria-disabled={isBusy.value} onClick={() => void connect()}>
      Connect {provider.name}…
    </button>
  );
}

/** Nothing where the operator has set none up, and none is left from before. */
export function ConnectionsCard({
  reading,
  onChanged,
}: {
  reading: Reading<Ways>;
  onChanged: () => void;
}): JSX.Element | null {
  const [failure] = useState(() => failureSentence(takeWayBack().error));
  const ways = reading.value;
  const isEmpty = ways?.providers.length === 0 && ways.connections.length === 0;
  if (isEmpty || (!ways && reading.fault === undefined)) return null;
  const disconnect = async ({ id, name }: Connection) => {
    try {
      await call('DELETE', `${PATH}/${id}`, { byHand: true });
      say(`${name} does not sign you in any more.`);
    } catch (error) {
      say((error as Error).message, { tone: 'problem' });
    }
    onChanged();
  };
  const connected = new Set(ways?.connections.map(({ provider }) => provider));
  return (
    <Card title="Other services" hint="Sign in with an account that you have elsewhere.">
      {!ways && <Unread reading={reading} />}
      {ways && ways.connections.length > 0 && (
        <ul class="devices" aria-label="Connected services">
          {ways.connections.map((connection) => (
            <li key={connection.id}>
              <span>
                <strong>{connection.name}</strong>
                <span class="hint">connected {spokenTime(connection.connected_at)}</span>
              </span>
              <button
                type="button"
                class="button"
                aria-label={`Disconnect ${connection.name}`}
                onClick={() => void disconnect(connection)}
              >
                Disconnect
              </button>
            </li>
          ))}
        </ul>
      )}
      {ways?.providers
        .filter(({ id }) => !connected.has(id))
        .map((provider) => (
          <ConnectButton key={provider.id} provider={provider} />
        ))}
      <p class="fault" role="alert">
        {failure}
      </p>
    </Card>
  );
}
