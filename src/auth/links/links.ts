// Mailed links put together: asking for them and using them.
import type { AuditTrail } from '../../audit/audit-trail.ts';
import type { Database } from '../../database/database.ts';
import type { RateStore } from '../../http/rate-limit.ts';
import type { MailQueue } from '../../mail/queue.ts';
import { Letters } from './letters.ts';
import { LinkLimits } from './limits.ts';
import { installNotices } from './notices.ts';
import { LinkRequests } from './requests.ts';
import { LinkUses } from './uses.ts';

export interface LinksOptions {
  database: Database;
  queue: MailQueue;
  trail: AuditTrail;
  store: RateStore;
  publicUrl: string;
}

export function createLinks({ database, queue, trail, store, publicUrl }: LinksOptions) {
  const limits = new LinkLimits(store);
  const parts = { database, queue, trail, limits, letters: new Letters(publicUrl) };
  const requests = new LinkRequests(parts);
  installNotices(parts);
  return { requests, uses: new LinkUses(parts, requests) };
}
