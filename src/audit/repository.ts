// The SQL of security events. Of each kind an account keeps only the newest: an attacker can neither fill the table nor
// push out what is of another kind.
import { SECURITY_EVENTS_PER_KIND } from '../../contract/limits.ts';
import { write } from '../database/statement.ts';

/** Those of the kind that the new one leaves no place for. */
const surplus = (user: string, kind: string) =>
  `delete from security_event where user_id = ${user} and kind = ${kind} and id <= (
     select id from security_event where user_id = ${user} and kind = ${kind}
     order by id desc offset ${SECURITY_EVENTS_PER_KIND - 1} limit 1)`;

/** $1 user id, $2 kind, $3 address, $4 user agent, $5 session id, $6 details as JSON */
export const insertEvent = write(
  'security_event_insert',
  `with surplus as (${surplus('$1', '$2')})
   insert into security_event (user_id, kind, address, user_agent, session_id, details)
   values ($1, $2, $3, $4, $5, $6::jsonb)`,
);

/** $1 e-mail in lower case, $2 kind, $3 address, $4 user agent. No row when there is no such account. */
export const insertEventByEmail = write<{ user_id: string }>(
  'security_event_insert_by_email',
  `with owner as (select id from "user" where email = $1),
        surplus as (${surplus('(select id from owner)', '$2')})
   insert into security_event (user_id, kind, address, user_agent) select id, $2, $3, $4 from owner
   returning user_id`,
);
