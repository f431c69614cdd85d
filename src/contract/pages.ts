/** The server's own pages, which are a client of the authorization server like any other. */

/** Its client id at the authorization server for development. */
export const PAGES_CLIENT = 'digital-twin-pages';

/** Where each page is, which is where its login leads back to as well. */
export const PAGES = {
  agents: { path: '/me/agents', scopes: ['agents:manage'] },
  breakGlass: { path: '/break-glass', scopes: ['breakglass'] },
} as const satisfies Readonly<Record<string, OwnPage>>;

export interface OwnPage {
  readonly path: `/${string}`;
  /** All that its token may do. */
  readonly scopes: readonly string[];
}
