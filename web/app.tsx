// The frame around the pages: navigation, the state of the connection, toasts and dialogs.
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { AccountPage } from './account-page.tsx';
import { ConflictDialog } from './conflict-dialog.tsx';
import { Dialog } from './dialog.tsx';
import { HelpSheet } from './help-sheet.tsx';
import { sessionLost } from './http.ts';
import { Icon, Logo } from './icons.tsx';
import { isHelpOpen } from './keyboard.ts';
import { user } from './person.ts';
import { go, hrefOf, ROUTES, type Route, route, TITLES } from './routes.ts';
import { phase, signOut } from './session.ts';
import { SignInForm, SignInPage } from './sign-in.tsx';
import { StatusChip } from './status-chip.tsx';
import { TasksPage } from './tasks-page.tsx';
import { say } from './toasts.ts';
import { Toasts } from './toasts-view.tsx';
import { TrashPage } from './trash-page.tsx';

function NavLink({ target }: { target: Route }): JSX.Element {
  return (
    <a
      href={hrefOf(target)}
      class="nav-link"
      {...(route.value === target ? { 'aria-current': 'page' as const } : {})}
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

/** Loaded when it is first shown: charts cost nothing until then. */
function LazyDashboard(): JSX.Element {
  const [Page, setPage] = useState<ComponentType>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    import('./dashboard-page.tsx').then(
      ({ DashboardPage }) => setPage(() => DashboardPage),
      () => setFailed(true),
    );
  }, []);
  if (failed)
    return (
      <div class="empty">
        <h1>Dashboard</h1>
        <p>This page could not be loaded: there is no network, or a newer version of the app.</p>
        <button type="button" class="button" onClick={() => location.reload()}>
          Load again
        </button>
      </div>
    );
  return Page ? <Page /> : <h1 class="page-title">Dashboard</h1>;
}

const PAGES: Record<Route, () => JSX.Element> = {
  tasks: TasksPage,
  dashboard: LazyDashboard,
  trash: TrashPage,
  account: AccountPage,
};

function SessionEnded(): JSX.Element {
  return (
    <Dialog title="Please sign in again" kind="lost">
      <p class="lead-small">Your session has ended. Nothing you typed is lost: it goes on where you were.</p>
      <SignInForm returning />
      <p class="door-switch">
        Not you?{' '}
        <button
          type="button"
          class="link"
          onClick={() => void signOut().catch(() => say('The server cannot be reached.'))}
        >
          Sign out on this device
        </button>
      </p>
    </Dialog>
  );
}

function Shell(): JSX.Element {
  const Page = PAGES[route.value];
  useEffect(() => {
    document.title = `${TITLES[route.value]} · Donewell`;
  }, [route.value]);
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
          {ROUTES.map((target) => (
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
        <Page key={route.value} />
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
  return (
    <>
      {now === 'in' && <Shell key={user.value?.id} />}
      {now === 'out' && <SignInPage />}
      {(now === 'starting' || now === 'unknown') && <Waiting isSilent={now === 'unknown'} />}
      <Toasts />
    </>
  );
}
