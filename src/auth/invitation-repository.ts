// The SQL by which a sign-up finds its invitation.
import { read } from '../database/statement.ts';

/** $1 SHA-256 of the code */
export const invitationByToken = read<{ id: string; email: string | null; is_valid: boolean }>(
  'invitation_by_token',
  `select id, email, used_at is null and expires_at > now() as is_valid from invitation where token_hash = $1`,
);

/** $1 e-mail in lower case */
export const invitationForEmail = read<{ id: string }>(
  'invitation_for_email',
  `select id from invitation where email = $1 and used_at is null and expires_at > now() order by expires_at, id limit 1`,
);
