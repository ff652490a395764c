// The pages of the account, loaded together: whoever opens one looks at the next.
import '../styles/account.css';
import { SecurityPage } from './security-page.tsx';
import { TokensPage } from './tokens-page.tsx';
import { YouPage } from './you-page.tsx';

export const accountPages = {
  account: YouPage,
  security: SecurityPage,
  tokens: TokensPage,
};
