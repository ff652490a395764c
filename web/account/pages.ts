// The pages of the account, loaded together: whoever opens one looks at the next.
import '../styles/account.css';
import { DataPage } from './data-page.tsx';
import { SecurityPage } from './security-page.tsx';
import { TokensPage } from './tokens-page.tsx';
import { YouPage } from './you-page.tsx';

export const accountPages = {
  account: YouPage,
  security: SecurityPage,
  tokens: TokensPage,
  data: DataPage,
};
