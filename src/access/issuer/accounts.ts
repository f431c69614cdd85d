import type { Account } from './login-codes.ts';

/** The library has one text for a person: `demo/ana`, tenant and subject. */
export function accountIdOf({ tenant, subject }: Account): string {
  return `${tenant}/${subject}`;
}

/** Tenants hold no slash. */
export function accountOf(accountId: string): Account {
  const at = accountId.indexOf('/');
  return { tenant: accountId.slice(0, at), subject: accountId.slice(at + 1) };
}
