// What happened to the account, newest first: its owner sees what an intruder would have done.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { SecurityEvent, SecurityEventPage } from '../../contract/account.ts';
import { SECURITY_EVENTS, type SecurityEventKind } from '../../contract/security-events.ts';
import { spokenTime } from '../dates.ts';
import { call } from '../http.ts';
import type { Reading } from '../reading.ts';
import { say } from '../toasts.ts';
import { Card, Unread } from './frame.tsx';

const PAGE = 20;

export function readEvents(cursor?: string): Promise<SecurityEventPage> {
  const query = new URLSearchParams({ limit: String(PAGE), ...(cursor ? { cursor } : {}) });
  return call<SecurityEventPage>('GET', `api/account/events?${query}`);
}

function Event({ event }: { event: SecurityEvent }): JSX.Element {
  const { kind, created_at, device, ip_address } = event;
  const isWarning = kind.endsWith('_failed');
  const where = [device, ip_address].filter(Boolean).join(' · ');
  return (
    <li class={isWarning ? 'is-warning' : ''}>
      <span>{SECURITY_EVENTS[kind as SecurityEventKind] ?? kind.replaceAll('_', ' ')}</span>
      <span class="hint">
        <time dateTime={created_at}>{spokenTime(created_at)}</time>
        {where && ` · ${where}`}
      </span>
    </li>
  );
}

export function EventsCard({ reading }: { reading: Reading<SecurityEventPage> }): JSX.Element {
  const older = useSignal<readonly SecurityEvent[]>([]);
  const cursor = useSignal<string | null | undefined>(undefined);
  const first = reading.value;
  if (!first)
    return (
      <Card title="What happened">
        <Unread reading={reading} />
      </Card>
    );
  const next = cursor.value === undefined ? first.next_cursor : cursor.value;
  const readOn = async () => {
    try {
      const page = await readEvents(next ?? undefined);
      older.value = [...older.value, ...page.events];
      cursor.value = page.next_cursor;
    } catch (error) {
      say((error as Error).message, { tone: 'problem' });
    }
  };
  const newest = new Set(first.events.map(({ id }) => id));
  const events = [...first.events, ...older.value.filter(({ id }) => !newest.has(id))];
  return (
    <Card title="What happened" hint="Of the last half year.">
      <ul class="events" aria-label="Security events">
        {events.map((event) => (
          <Event key={event.id} event={event} />
        ))}
      </ul>
      {next !== null && (
        <button type="button" class="button" onClick={() => void readOn()}>
          Show older
        </button>
      )}
    </Card>
  );
}
