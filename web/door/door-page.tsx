// What a stranger sees: the name of the thing, a page of the notebook, and the door.
import type { ComponentChildren, JSX } from 'preact';
import { Logo } from '../icons.tsx';
import { Door } from './door.tsx';
import { KeptHere } from './kept-here.tsx';

const TITLE_ID = 'door-title';

/** A page of the notebook, for the eye only. */
function Lines(): JSX.Element {
  return (
    <ul class="door-lines" aria-hidden="true">
      {['Write it down', 'Get it done', 'Tick it off'].map((line) => (
        <li key={line}>
          <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <circle cx="12" cy="12" r="9.5" />
            <path d="M7 12.5l3.5 3.5L17 8.5" pathLength="1" />
          </svg>
          <span>{line}</span>
        </li>
      ))}
    </ul>
  );
}

/** The frame of every page at the door. */
export function Doorway({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <main class="door">
      <div class="door-words">
        <Logo />
        <h1>Donewell</h1>
        <p class="lead">A well-kept list, the same on every device, down to the last line.</p>
        <Lines />
      </div>
      <section class="sheet door-sheet" aria-labelledby={TITLE_ID}>
        {children}
      </section>
    </main>
  );
}

export function SignInPage(): JSX.Element {
  return (
    <Doorway>
      <Door titleId={TITLE_ID} />
      <KeptHere />
    </Doorway>
  );
}
