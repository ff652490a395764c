// Pages that are loaded when they are first shown: they cost nothing until then.
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** Pages by name, kept once they are here. */
const loaded = new Map<string, ComponentType>();

export interface LazyProps {
  /** Of the page, for the heading that stands in for it. */
  title: string;
  name: string;
  load: () => Promise<Record<string, ComponentType>>;
}

export function Lazy({ title, name, load }: LazyProps): JSX.Element {
  const [, setTurn] = useState(0);
  const [failed, setFailed] = useState(false);
  const Page = loaded.get(name);
  useEffect(() => {
    if (Page) return;
    load().then(
      (pages) => {
        for (const [known, page] of Object.entries(pages)) loaded.set(known, page);
        setTurn((turn) => turn + 1);
      },
      () => setFailed(true),
    );
  }, [name]);
  if (Page) return <Page />;
  if (failed)
    return (
      <div class="empty">
        <h1>{title}</h1>
        <p>This page could not be loaded: there is no network, or a newer version of the app.</p>
        <button type="button" class="button" onClick={() => location.reload()}>
          Load again
        </button>
      </div>
    );
  return (
    <div class="page">
      <header class="page-head">
        <h1>{title}</h1>
      </header>
    </div>
  );
}
