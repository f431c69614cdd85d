import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { PAGES_CLIENT } from '../../contract/pages.ts';
import { ownPages } from './own-pages.ts';
import { metadataOf, type RegisteredClients } from './registered-clients.ts';
import type { IssuerStore } from './store.ts';

/** The library's view of the store. Our own pages come first, then the operator's file, then who registered. */
export function storeAdapter(
  store: IssuerStore,
  clients: RegisteredClients,
  issuer: string,
): AdapterFactory {
  return (model): Adapter => ({
    async upsert(id, payload, expiresIn) {
      store.upsert(model, id, payload as Record<string, unknown>, expiresIn);
    },
    async find(id) {
      if (model === 'Client' && id === PAGES_CLIENT) return ownPages(issuer) as AdapterPayload;
      const registered = model === 'Client' ? clients.get(id) : undefined;
      const found = registered === undefined ? store.find(model, id) : metadataOf(registered);
      return found as AdapterPayload | undefined;
    },
    async findByUid(uid) {
      return store.findByUid(uid) as AdapterPayload | undefined;
    },
    async findByUserCode() {
      return undefined;
    },
    async consume(id) {
      if (!store.consume(model, id)) throw new errors.InvalidGrant('it was used already');
    },
    async destroy(id) {
      store.destroy(model, id);
    },
    async revokeByGrantId(grantId) {
      store.destroyOfGrant(model, grantId);
    },
  });
}
