// The SQL of the mail queue.
import { write } from '../database/statement.ts';

/** Seconds that a claim lasts: longer than an attempt ever takes. */
const CLAIM = 120;

export interface ClaimedMail {
  id: string;
  kind: string;
  sealed: Buffer;
  /** This one included. */
  attempts: number;
  /** Its time to be sent has passed. */
  is_late: boolean;
  last_failure: string | null;
  created_at: string;
}

/** $1 id, $2 kind, $3 user id or null, $4 sealed letter, $5 seconds until it is given up */
export const insertMail = write(
  'mail_insert',
  `insert into mail (id, kind, user_id, sealed, give_up_at) values ($1, $2, $3, $4, now() + make_interval(secs => $5::integer))`,
);

/** $1 how many. What another sender is just claiming is left to it. */
export const claimMail = write<ClaimedMail>(
  'mail_claim',
  `update mail set next_attempt_at = now() + interval '${CLAIM} seconds', attempts = attempts + 1
   where id in (select id from mail where sealed is not null and next_attempt_at <= now()
                order by next_attempt_at limit $1 for update skip locked)
   returning id, kind, sealed, attempts, give_up_at <= now() as is_late, last_failure, created_at`,
);

/** $1 id, $2 attempts as claimed, $3 sealed letter, $4 user id or null, $5 seconds until it is given up. No row without the claim. */
export const keepLetter = write<{ id: string }>(
  'mail_keep_letter',
  `update mail set sealed = $3, user_id = coalesce($4, user_id), give_up_at = now() + make_interval(secs => $5::integer)
   where id = $1 and attempts = $2 and sealed is not null returning id`,
);

/** $1 user id, $2 kind, $3 time: what was posted before it and is still waiting */
export const deleteWaiting = write(
  'mail_delete_waiting',
  'delete from mail where user_id = $1 and kind = $2 and created_at < $3 and sealed is not null',
);

/** $1 id */
export const markSent = write(
  'mail_sent',
  'update mail set sealed = null, sent_at = now(), last_failure = null where id = $1 and sealed is not null',
);

/** $1 id. Nothing is left of what was for nobody: strangers may ask for any number of such. */
export const deleteMail = write('mail_delete', 'delete from mail where id = $1');

/** $1 id, $2 why */
export const markGivenUp = write(
  'mail_given_up',
  'update mail set sealed = null, given_up_at = now(), last_failure = $2 where id = $1 and sealed is not null',
);

/** $1 id, $2 attempts as claimed (another sender may have claimed it since), $3 seconds until the next attempt, $4 why */
export const postponeMail = write(
  'mail_postpone',
  `update mail set next_attempt_at = least(now() + make_interval(secs => $3::integer), give_up_at), last_failure = $4
   where id = $1 and attempts = $2 and sealed is not null`,
);

/** $1 id, $2 attempts as claimed. As if it had not been claimed. */
export const releaseMail = write(
  'mail_release',
  `update mail set next_attempt_at = now(), attempts = attempts - 1 where id = $1 and attempts = $2 and sealed is not null`,
);
