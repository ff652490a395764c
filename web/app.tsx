// The frame around the pages: navigation, the state of the connection, toasts and dialogs.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { ConflictDialog } from './conflict-dialog.tsx';
import { Dialog } from './dialog.tsx';
import { Door } from './door/door.tsx';
import { SignInPage } from './door/door-page.tsx';
import { HelpSheet } from './help-sheet.tsx';
import { sessionLost } from './http.ts';
import { Icon, Logo } from './icons.tsx';
import { isHelpOpen } from './keyboard.ts';
import { Lazy } from './lazy.tsx';
import { leave } from './leaving.ts';
import { user } from './person.ts';
import { ACCOUNT_ROUTES, go, hrefOf, MAIN_ROUTES, type Route, route, TITLES } from './routes.ts';
import { phase } from './session.ts';
import { StatusChip } from './status-chip.tsx';
import { TasksPage } from './tasks-page.tsx';
import { Toasts } from './toasts-view.tsx';
import { TrashPage } from './trash-page.tsx';

function isBelow(target: Route): boolean {
  const here = route.value;
  return target === here || (target === 'account' && ACCOUNT_ROUTES.some((one) => one === here));
}

function NavLink({ target }: { target: (typeof MAIN_ROUTES)[number] }): JSX.Element {
  return (
    <a
      href={hrefOf(target)}
      class="nav-link"
      {...(isBelow(target) ? { 'aria-current': 'page' as const } : {})}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go(target);
      }}
    >
      <Icon name={target} />
      <span>{TITLES[target]}</span>
    </a>
  );
}

const loadDashboard = async () => ({ dashboard: (await import('./dashboard-page.tsx')).DashboardPage });
const loadAccount = async () => (await import('./account/pages.ts')).accountPages;
const loadLinkPages = async () => {
  const { ForgotPage, ResetPage, VerifyPage } = await import('./door/link-pages.tsx');
  return { forgot: ForgotPage, reset: ResetPage, verify: VerifyPage };
};

function Page({ name }: { name: Route }): JSX.Element {
  if (name === 'tasks') return <TasksPage />;
  if (name === 'trash') return <TrashPage />;
  const load = name === 'dashboard' ? loadDashboard : loadAccount;
  return <Lazy name={name} title={TITLES[name]} load={load} />;
}

function SessionEnded(): JSX.Element {
  return (
    <Dialog title="Please sign in again" kind="lost">
      <p class="lead-small">Your session has ended. Nothing you typed is lost: it goes on where you were.</p>
      <Door isReturning />
      <p class="door-switch">
        Not you, or no longer wanted here?{' '}
        <button type="button" class="link" onClick={() => void leave()}>
          Remove this account’s data from this device
        </button>
      </p>
    </Dialog>
  );
}

function Shell(): JSX.Element {
  const here = route.value;
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="side">
        <div class="brand">
          <Logo />
          <span>Donewell</span>
        </div>
        <nav aria-label="Pages" class="nav">
          {MAIN_ROUTES.map((target) => (
            <NavLink key={target} target={target} />
          ))}
        </nav>
        <div class="side-foot">
          <StatusChip />
          <button
            type="button"
            class="icon-button"
            aria-label="Keyboard shortcuts"
            onClick={() => (isHelpOpen.value = true)}
          >
            <Icon name="help" />
          </button>
        </div>
      </header>
      <main id="main" class="main" tabIndex={-1}>
        <Page key={here} name={here} />
      </main>
      {isHelpOpen.value && <HelpSheet />}
      <ConflictDialog />
      {sessionLost.value && <SessionEnded />}
    </div>
  );
}

function Waiting({ isSilent }: { isSilent: boolean }): JSX.Element {
  return (
    <main class="door waiting">
      <Logo />
      <h1 class="visually-hidden">Donewell</h1>
      <p role="status">{isSilent ? 'The server does not answer. Trying again…' : ''}</p>
    </main>
  );
}

export function App(): JSX.Element {
  const now = phase.value;
  const here = route.value;
  const isLink = here === 'forgot' || here === 'reset' || here === 'verify';
  useEffect(() => {
    document.title = now === 'in' || isLink ? `${TITLES[here]} · Donewell` : 'Donewell';
  }, [here, now]);
  return (
    <>
      {isLink && <Lazy key={here} name={here} title={TITLES[here]} load={loadLinkPages} />}
      {!isLink && now === 'in' && <Shell key={user.value?.id} />}
      {!isLink && now === 'out' && <SignInPage />}
      {!isLink && (now === 'starting' || now === 'unknown') && <Waiting isSilent={now === 'unknown'} />}
      <Toasts />
    </>
  );
}
