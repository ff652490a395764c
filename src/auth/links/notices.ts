// Tells owners by mail what lets somebody in from now on, or does no more: through whichever door it was changed, the trail
// knows of it.
import type { SecurityEventKind } from '../../../contract/security-events.ts';
import { ownerById } from './repository.ts';
import type { LinkParts } from './requests.ts';

const DRAFT = 'way_in_changed';

/** Each completes a sentence that goes on with the account. */
const TOLD: Partial<Record<SecurityEventKind, string>> = {
  two_factor_enabled: 'A second factor was turned on for',
  two_factor_disabled: 'The second factor was turned off for',
  passkey_added: 'A passkey was added to',
  passkey_removed: 'A passkey was removed from',
  provider_connected: 'Another service by which one can sign in was connected to',
  provider_disconnected: 'Another service by which one could sign in was disconnected from',
};

export function installNotices({ queue, trail, letters, limits }: LinkParts): void {
  trail.onAdded((transaction, { userId, kind }) => {
    if (TOLD[kind] !== undefined) queue.post(transaction, { kind: DRAFT, userId, facts: { event: kind } });
  });
  queue.onDraft(DRAFT, async (transaction, { userId = '', facts }) => {
    const [owner] = await transaction.query(ownerById, [userId]);
    const what = TOLD[facts.event as SecurityEventKind];
    // Anybody can sign up with anybody's address: no mailbox is buried, and five in an hour have warned enough.
    if (!owner || what === undefined || !(await limits.mayMail(DRAFT, owner.email))) return undefined;
    return letters.wayInChanged({ userId, email: owner.email }, what);
  });
}
