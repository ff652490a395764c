// Whether the link that somebody opened can still be used: said before a form is filled in for nothing.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { LinkChecked, LinkPurpose } from '../../contract/links.ts';
import { call } from '../http.ts';

export type LinkState = 'asking' | 'live' | 'old';

/** Without an answer the form is shown: the server decides when it is sent. */
export function useLink(purpose: LinkPurpose, token: string): LinkState {
  const state = useSignal<{ token: string; is: LinkState } | undefined>(undefined);
  useEffect(() => {
    if (token === '') return;
    const tell = (is: LinkState) => {
      state.value = { token, is };
    };
    call<LinkChecked>('POST', 'api/auth/check-link', { json: { purpose, token }, anonymous: true }).then(
      ({ valid }) => tell(valid ? 'live' : 'old'),
      () => tell('live'),
    );
  }, [token]);
  if (token === '') return 'old';
  return state.value?.token === token ? state.value.is : 'asking';
}
