// Other services to sign in with, as the operator has set them up.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Provider } from '../../contract/providers.ts';
import { ways, wayTo } from '../providers.ts';

export interface ProviderButtonsProps {
  /** In a tab of its own, since this page has somebody's work in it. */
  inNewTab: boolean;
  /** Why the last way back led to this door. */
  failure: string;
}

export function ProviderButtons({ inNewTab, failure }: ProviderButtonsProps): JSX.Element {
  const fault = useSignal(failure);
  const isBusy = useSignal(false);
  const leave = async ({ id }: Provider) => {
    if (isBusy.value) return;
    isBusy.value = true;
    fault.value = '';
    // Browsers open a tab only while the click is being answered.
    const tab = inNewTab ? open('about:blank') : null;
    try {
      const url = await wayTo(`api/auth/providers/${id}`, { anonymous: true });
      if (tab) {
        tab.opener = null;
        tab.location.replace(url);
      } else location.assign(url);
    } catch (error) {
      tab?.close();
      fault.value = (error as Error).message;
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <>
      {ways.value?.providers.map((provider) => (
        <button
          key={provider.id}
          type="button"
          class="button wide"
          aria-disabled={isBusy.value}
          onClick={() => void leave(provider)}
        >
          Continue with {provider.name}
          {inNewTab && ' in a new tab'}
        </button>
      ))}
      <p class="fault" role="alert">
        {fault.value}
      </p>
    </>
  );
}
