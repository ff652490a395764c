// What is yours, to take away, to bring in, and to end.
import type { JSX } from 'preact';
import { DeleteCard } from './delete-card.tsx';
import { ExportButton } from './export-button.tsx';
import { AccountFrame, Card } from './frame.tsx';
import { ImportCard } from './import-card.tsx';

function ExportCard(): JSX.Element {
  return (
    <Card title="Export" hint="A copy for you, for another service, or for an account elsewhere.">
      <p>
        One file with your profile and all your tasks, the trash included. No password, token or session is in
        it.
      </p>
      <ExportButton label="Download my data" />
    </Card>
  );
}

export function DataPage(): JSX.Element {
  return (
    <AccountFrame title="Your data" summary="To take away, to bring in, and to delete.">
      <ExportCard />
      <ImportCard />
      <DeleteCard />
    </AccountFrame>
  );
}
