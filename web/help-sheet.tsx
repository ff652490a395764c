// The help sheet on `?`: every key, and the switch that turns single keys off.
import type { JSX } from 'preact';
import { Dialog } from './dialog.tsx';
import { isHelpOpen, SHORTCUTS } from './keyboard.ts';
import { chooseShortcuts, hasShortcuts } from './theme.ts';

export function HelpSheet(): JSX.Element {
  const close = () => {
    isHelpOpen.value = false;
  };
  return (
    <Dialog title="Keyboard" onClose={close} kind="help">
      <div class="help-groups">
        {SHORTCUTS.map(({ group, keys }) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl class="keys">
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    {key.split(/\s+/).map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>In one line</h3>
          <p>
            <code>Call mum !high #family tomorrow</code> sets priority, category and date. Also{' '}
            <code>fri</code>, <code>24 dec</code>, <code>in 2 weeks</code>, <code>2026-12-24</code>,{' '}
            <code>24.12.2026</code>, <code>#"two words"</code>; <code>!1</code> is low, <code>!3</code> high.
            A day that is named by words stands at the end. Press a chip to keep it as text.
          </p>
        </section>
      </div>
      <div class="dialog-actions">
        <label class="switch">
          <input
            type="checkbox"
            checked={hasShortcuts.value}
            onChange={(event) => chooseShortcuts(event.currentTarget.checked)}
          />
          Single-key shortcuts
        </label>
        <button type="button" class="button primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
