// The devices that are signed in, and the way to sign out any of them.
import type { JSX } from 'preact';
import type { CurrentSession } from '../contract/auth.ts';
import { spokenTime } from './dates.ts';
import { call } from './http.ts';
import { useReading } from './reading.ts';
import { say } from './toasts.ts';

/** As Better Auth has it. */
interface Device {
  id: string;
  token: string;
  userAgent?: string | null;
  ipAddress?: string | null;
  createdAt: string;
}

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrom(e|ium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
];

function deviceName(userAgent: string | null | undefined): string {
  const find = (names: readonly (readonly [RegExp, string])[]) =>
    names.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1];
  const [browser, system] = [find(BROWSERS), find(SYSTEMS)];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? 'Another client';
}

interface Devices {
  list: Device[];
  ownId: string;
}

async function readDevices(): Promise<Devices> {
  const [list, own] = await Promise.all([
    call<Device[]>('GET', 'api/auth/list-sessions'),
    call<CurrentSession>('GET', 'api/auth/session'),
  ]);
  return {
    list: list.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1)),
    ownId: own.session?.id ?? '',
  };
}

export function SessionsList(): JSX.Element {
  const { value, fault, again } = useReading(readDevices);
  const end = async (path: string, json: object, word: string) => {
    try {
      await call('POST', path, { json });
      say(word);
    } catch (error) {
      say((error as Error).message, { tone: 'problem' });
    }
    await again();
  };
  if (!value) return <p class="hint">{fault ?? 'Loading…'}</p>;
  const { list: devices, ownId } = value;
  return (
    <>
      <ul class="devices">
        {devices.map((device) => {
          const name = deviceName(device.userAgent);
          return (
            <li key={device.id}>
              <span>
                <strong>{name}</strong>
                <span class="hint">
                  since {spokenTime(device.createdAt)}
                  {device.ipAddress ? ` · ${device.ipAddress}` : ''}
                </span>
              </span>
              {device.id === ownId ? (
                <span class="badge">This one</span>
              ) : (
                <button
                  type="button"
                  class="button"
                  aria-label={`Sign out ${name}, since ${spokenTime(device.createdAt)}`}
                  onClick={() =>
                    void end('api/auth/revoke-session', { token: device.token }, `${name} is signed out.`)
                  }
                >
                  Sign out
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {devices.length > 1 && (
        <button
          type="button"
          class="button"
          onClick={() => void end('api/auth/revoke-other-sessions', {}, 'All other devices are signed out.')}
        >
          Sign out all others
        </button>
      )}
    </>
  );
}
