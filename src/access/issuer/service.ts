import type { Service } from '../../kernel/lifecycle.ts';
import type { EmbeddedIssuer, IssuerOptions } from './index.ts';

/** The authorization server, opened once the address is known, and closed with the rest. */
export interface IssuerService extends Service {
  open(options: IssuerOptions): Promise<EmbeddedIssuer>;
}

export function issuerService(): IssuerService {
  let opened: EmbeddedIssuer | undefined;
  return {
    name: 'authorization-server',
    async open(options) {
      // The library is loaded by who needs it alone.
      const { createIssuer } = await import('./index.ts');
      opened = createIssuer(options);
      return opened;
    },
    async start() {},
    async stop() {
      opened?.close();
      opened = undefined;
    },
  };
}
