// The devices that are signed in, and the way to sign out any of them.
import type { JSX } from 'preact';
import type { DeviceSession, SessionList, SessionsEnded } from '../../contract/account.ts';
import { spokenTime } from '../dates.ts';
import { call } from '../http.ts';
import type { Reading } from '../reading.ts';
import { count } from '../task-words.ts';
import { say } from '../toasts.ts';
import { Card, Unread } from './frame.tsx';

interface DeviceProps {
  session: DeviceSession;
  onEnd: () => void;
}

function Device({ session, onEnd }: DeviceProps): JSX.Element {
  const { current, device, ip_address, created_at, last_used_at } = session;
  return (
    <li>
      <span>
        <strong>{device}</strong>
        <span class="hint">
          {current ? 'in use now' : `last used ${spokenTime(last_used_at)}`} · signed in{' '}
          {spokenTime(created_at)}
          {ip_address ? ` · ${ip_address}` : ''}
        </span>
      </span>
      {current ? (
        <span class="badge">This one</span>
      ) : (
        <button
          type="button"
          class="button"
          aria-label={`Sign out ${device}, signed in ${spokenTime(created_at)}`}
          onClick={onEnd}
        >
          Sign out
        </button>
      )}
    </li>
  );
}

export function DevicesCard({
  reading,
  onChanged,
}: {
  reading: Reading<SessionList>;
  onChanged: () => void;
}): JSX.Element {
  const end = async (path: string, words: (ended: number) => string) => {
    try {
      const { ended } = await call<SessionsEnded>('DELETE', path, { byHand: true });
      say(words(ended));
    } catch (error) {
      say((error as Error).message, { tone: 'problem' });
    }
    onChanged();
  };
  const sessions = reading.value?.sessions;
  return (
    <Card
      title="Signed-in devices"
      hint="Sign out any device you do not recognise, and change your password."
    >
      {!sessions && <Unread reading={reading} />}
      {sessions && (
        <ul class="devices" aria-label="Signed-in devices">
          {sessions.map((session) => (
            <Device
              key={session.id}
              session={session}
              onEnd={() =>
                void end(
                  `api/account/sessions/${encodeURIComponent(session.id)}`,
                  () => `${session.device} is signed out.`,
                )
              }
            />
          ))}
        </ul>
      )}
      {sessions && sessions.length > 1 && (
        <button
          type="button"
          class="button"
          onClick={() =>
            void end('api/account/sessions', (ended) => `${count(ended, 'other device')} signed out.`)
          }
        >
          Sign out all others
        </button>
      )}
    </Card>
  );
}
