// All that keeps the account its owner's.
import type { JSX } from 'preact';
import type { SessionList } from '../../contract/account.ts';
import { call } from '../http.ts';
import { useReading } from '../reading.ts';
import { ConnectionsCard, useWays } from './connections-card.tsx';
import { DevicesCard } from './devices-card.tsx';
import { EventsCard, readEvents } from './events-card.tsx';
import { AccountFrame } from './frame.tsx';
import { PasskeysCard } from './passkeys-card.tsx';
import { FirstPasswordCard, PasswordCard } from './password-card.tsx';
import { SecondFactorCard } from './second-factor-card.tsx';

export function SecurityPage(): JSX.Element {
  const devices = useReading(() => call<SessionList>('GET', 'api/account/sessions'));
  const events = useReading(() => readEvents());
  // Whatever is done here ends sessions, or is an event.
  const ways = useWays();
  const again = () => {
    void ways.again();
    void devices.again();
    void events.again();
  };
  return (
    <AccountFrame title="Security" summary="What keeps this account yours.">
      {ways.value?.has_password === false ? <FirstPasswordCard /> : <PasswordCard onChanged={again} />}
      <SecondFactorCard onChanged={again} />
      <PasskeysCard onChanged={again} />
      <ConnectionsCard reading={ways} onChanged={again} />
      <DevicesCard reading={devices} onChanged={again} />
      <EventsCard reading={events} />
    </AccountFrame>
  );
}
